"""The one Numba policy: how every kernel is compiled."""

from collections.abc import Callable
from typing import Any

from numba import config, njit

from .cache import KernelCache

__all__ = ["REASSOCIATE", "inner", "kernel"]

# Sums may be regrouped and contracted to fma. Never "nnan" or "ninf": they make isnan() False.
REASSOCIATE = {"contract", "reassoc", "nsz", "arcp", "afn"}


def kernel(function: Callable[..., Any] | None = None, *, fastmath: Any = False) -> Any:
    """Compile a loop lazily, without the GIL, cached on disk where the disk allows it."""
    return _compiled(function, fastmath, for_python=True)


def inner(function: Callable[..., Any] | None = None, *, fastmath: Any = False) -> Any:
    """Compile what only kernels call, without an entry for Python: a call from there crashes.

    It saves a sixth of the time to compile.
    """
    return _compiled(function, fastmath, for_python=False)


def _compiled(function: Callable[..., Any] | None, fastmath: Any, for_python: bool) -> Any:
    if function is None:
        return lambda f: _compiled(f, fastmath, for_python)
    if config.DISABLE_JIT:
        return function
    wrappers = {"no_cpython_wrapper": not for_python, "no_cfunc_wrapper": True}
    dispatcher = njit(function, nogil=True, error_model="numpy", fastmath=fastmath, **wrappers)
    dispatcher._cache = KernelCache(function)
    return dispatcher
