"""Loops into given arrays: serial, ``nogil``, never raising. README.md is their map.

Numba is loaded with the first module of loops that is asked for.
"""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def loaded(name: str) -> Any:
    """A module of loops; an import statement in its place takes 1 us at each call."""
    return import_module(f"{__name__}.{name}")
