"""Memory for large results, used again when nobody holds it any more.

The system hands out large arrays as pages that it zeroes when they are first written, and
takes them back when they are freed: a quarter of a training step (80 ms against 60), and up
to half of a warp of colours (8.6 ns a pixel against 4.9) where others use memory as well.
"""

import ctypes
import math
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import Array
from .threads import ProcessWide

SMALLEST = 2**15  # bytes; smaller arrays are cheap to make
LARGEST = 2**27  # bytes that a thread keeps, all buffers together
MOST = 32  # buffers of one size, so that looking for one that nobody holds stays cheap

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's mallopt names them
OWN_MMAP_THRESHOLD = 2**17  # bytes, where a process of glibc begins
LARGEST_MMAP_THRESHOLD = 2**25  # where one ends that frees large arrays and has no say in it


class _Kept(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[int, list[Array]] = {}
        self.size = 0


def _holders(buffers: list[Any], i: int) -> int:
    """How many references an item has; this call adds as many to each."""
    return sys.getrefcount(buffers[i])


_kept = _Kept()
UNUSED = _holders([object()], 0)  # of what only a list holds


def empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """As `numpy.empty`. A view holds on to its buffer, so that counting holders is enough."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if not SMALLEST <= size <= LARGEST:
        return np.empty(shape, dtype)
    buffers = _kept.buffers.setdefault(size, [])
    for i in range(len(buffers)):
        if _holders(buffers, i) == UNUSED:
            return np.ndarray(shape, dtype, buffers[i])
    if len(buffers) == MOST:
        del buffers[0]  # who holds it keeps it
        _kept.size -= size
    if _kept.size + size > LARGEST:
        _kept.buffers, _kept.size = {}, 0
        buffers = _kept.buffers.setdefault(size, [])
    buffers.append(np.empty(size, np.uint8))
    _kept.size += size
    return np.ndarray(shape, dtype, buffers[-1])


def zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """As `numpy.zeros`."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


def _keep_freed() -> Callable[[], None]:
    given = os.environ.get("MALLOC_TRIM_THRESHOLD_", "")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None or not given.isdecimal():
        return lambda: None
    mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    mallopt(TRIM_THRESHOLD, 2 * LARGEST_MMAP_THRESHOLD)

    def restore() -> None:
        mallopt(MMAP_THRESHOLD, OWN_MMAP_THRESHOLD)
        mallopt(TRIM_THRESHOLD, int(given))

    return restore


_freed_is_kept = ProcessWide(_keep_freed)


def freed_memory_kept() -> ProcessWide:
    """Memory that is freed serves again, as it does by itself where no environment forbids it.

    Dask starts its workers with MALLOC_TRIM_THRESHOLD_: glibc then gives each array above 128 kB
    back at once, and all its pages are zeroed anew for the next one, 700 faults a photo of
    640 x 480, a quarter of its time.
    """
    return _freed_is_kept
