"""The one module that splits work over threads.

What is summed is cut into slices whose size never depends on the number of threads, and
results come back in slice order: so sums are bit-identical for any ``n_jobs``. While slices
that use BLAS run, BLAS is pinned to one thread.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from numbers import Integral
from typing import Any, TypeVar

from .errors import InvalidInputError, InvalidTypeError

S = TypeVar("S")
T = TypeVar("T")

SLICE = 64  # samples; of 32 a step takes a twentieth longer, of 128 convolutions leave the cache
SLICE_OF_PRODUCTS = 256  # without convolutions; of 128 a step takes longer, even on two threads
LARGEST_OF_PRODUCTS = 2**14  # values of such a sample; of larger ones 64 fill products as well
AHEAD = 3  # items of a stream a thread: under way, or done and waiting for one before them


def slices_of(n: int, length: int | None = None) -> list[slice]:
    """Cut ``range(n)`` into consecutive slices of `length` (default `SLICE`)."""
    length = length or SLICE
    return [slice(start, min(start + length, n)) for start in range(0, n, length)]


def slices_for(n: int, values: int, has_convolution: bool) -> list[slice]:
    """Cut a network's batch of `n` samples of so many values into as few, about equal, slices."""
    products = not has_convolution and values <= LARGEST_OF_PRODUCTS
    count = max(-(-n // (SLICE_OF_PRODUCTS if products else SLICE)), 1)
    return slices_of(n, max(-(-n // count), 1))


def effective_jobs(n_jobs: int | None) -> int:
    """Threads meant by scikit-learn's `n_jobs`: None is 1, -1 all cores, -2 all but one."""
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, Integral):
        raise InvalidTypeError(f"n_jobs is {n_jobs!r}; wanted an integer or None.")
    if n_jobs == 0:
        raise InvalidInputError("n_jobs is 0; give a positive number, or -1 for all cores.")
    if n_jobs > 0:
        return n_jobs
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max((cores or 1) + 1 + n_jobs, 1)


def run_slices(function: Callable[[S], T], slices: Sequence[S], n_jobs: int | None) -> list[T]:
    """Call `function` on each slice, on `n_jobs` threads; results in the order of `slices`.

    The calling thread is one of them, so that one is woken less, and takes slices as the
    others do. Whoever uses BLAS inside `function` holds `pinned_blas` around the call.
    """
    jobs = effective_jobs(n_jobs)
    if jobs == 1 or len(slices) < 2:
        return [function(part) for part in slices]
    results: dict[int, T] = {}
    left = deque(enumerate(slices))

    def work() -> None:
        while left:
            try:
                number, part = left.popleft()
            except IndexError:  # another thread was quicker
                return
            results[number] = function(part)

    others = [_pool(jobs).submit(work) for _ in range(min(jobs, len(slices)) - 1)]
    try:
        work()
    finally:
        left.clear()
        running = [other for other in others if not other.cancel()]
        failures = [other.exception() for other in running]  # waits
    for failure in filter(None, failures):
        raise failure
    return [results[number] for number in range(len(slices))]


def run_stream(
    function: Callable[[S], T],
    items: Iterable[S],
    n_jobs: int | None,
    stop: Callable[[], bool] = lambda: False,
    is_quick: Callable[[S], bool] = lambda item: False,
) -> Iterator[T]:
    """Results of `function` in the order of `items`, a few of which are under way at a time.

    Once `stop` says so no item is begun; the results of those that were begun still come.
    What `is_quick` is done at once, on the calling thread.
    Whoever uses BLAS inside `function` holds `pinned_blas` around the iteration.
    """
    jobs = effective_jobs(n_jobs)
    waiting: deque[Future[T]] = deque()
    try:
        for item in items:
            if stop():
                break
            if jobs == 1:
                yield function(item)
                continue
            if is_quick(item):
                done: Future[T] = Future()
                done.set_result(function(item))
                waiting.append(done)
            else:
                waiting.append(_pool(jobs).submit(function, item))
            if len(waiting) >= AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            if not (stop() and waiting[0].cancel()):
                yield waiting[0].result()
            waiting.popleft()
    finally:
        for future in waiting:
            future.cancel()
        wait(waiting)


class ProcessWide:
    """A setting of the whole process, until the last of nested or parallel users leaves.

    `begin` changes it and returns what changes it back.
    """

    def __init__(self, begin: Callable[[], Callable[[], None]]) -> None:
        self.begin = begin
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """After a fork the child has none of its parent's threads and maybe a held lock."""
        self.lock, self.users = threading.Lock(), 0

    def __enter__(self) -> None:
        with self.lock:
            if self.users == 0:
                self.end = self.begin()
            self.users += 1

    def __exit__(self, *error: Any) -> None:
        with self.lock:
            self.users = max(self.users - 1, 0)  # it was forgotten if this is a forked child
            if self.users == 0:
                self.end()


@cache
def _controller() -> Any:
    import numpy.linalg  # noqa: F401  (its BLAS must be loaded to be found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _pin() -> Callable[[], None]:
    restore: Callable[[], None] = (
        _controller().limit(limits=1, user_api="blas").restore_original_limits
    )
    return restore


_pinned = ProcessWide(_pin)


def pinned_blas() -> ProcessWide:
    """One BLAS thread for the whole process until the last of nested or parallel users leaves."""
    return _pinned


def blas_pools() -> list[dict[str, Any]]:
    """What threadpoolctl knows of the BLAS and OpenMP libraries in this process."""
    return list(_controller().info())


@cache
def _pool(n_jobs: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_jobs, thread_name_prefix="stn_cv")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the child has none of the threads
