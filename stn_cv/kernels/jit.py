"""The one Numba policy: how every kernel is compiled and cached."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.caching import FunctionCache

__all__ = ["REASSOCIATE", "cache_folder", "inner", "kernel"]

# Sums may be regrouped and contracted to fma. Never "nnan" or "ninf": they make isnan() False.
REASSOCIATE = {"contract", "reassoc", "nsz", "arcp", "afn"}

logger = logging.getLogger("stn_cv")


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _KernelCache(FunctionCache):
    """Numba's on-disk cache, made safe.

    A damaged entry is recompiled instead of raised, a full disk is no error, and the key
    holds what Numba leaves out: the text of all kernels (an edited helper in another file
    would leave stale code) and bounds checking. Each process writes files of its own: Numba
    numbers them, and two that compile at once would put different code under one number.
    """

    _digest = _sources_digest()
    _announced = False

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        names = self._cache_file._data_name_pattern
        self._cache_file._data_name_pattern = names.replace("{", f"{os.getpid()}-{{")

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), self._digest, config.BOUNDSCHECK)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            overload = super().load_overload(sig, target_context)
        except Exception:  # a damaged file may raise anything
            self._forget()
            overload = None
        if overload is None and not _KernelCache._announced:
            _KernelCache._announced = True
            logger.info("Compiling the kernels, once on this machine (some seconds) ...")
        return overload

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception:  # a full disk, or a damaged index
            self._forget()

    def _forget(self) -> None:
        try:
            self.flush()
        except OSError:
            self.disable()


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
    try:
        dispatcher._cache = _KernelCache(function)
    except RuntimeError:  # no folder that can be written: compile anew in each process
        logger.debug("no folder for the kernel cache")
    return dispatcher


def cache_folder() -> str | None:
    """Where compiled kernels are kept; None where no folder can be written."""
    try:
        return str(_KernelCache(cache_folder).cache_path)
    except RuntimeError:
        return None
