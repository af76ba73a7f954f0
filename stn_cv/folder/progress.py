"""How far a run has come, and how far it has to go."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import StnError
from .plan import Plan
from .shard import Shard

__all__ = ["Progress", "counted_ahead"]


@dataclass
class Progress:
    """How far a run has come.

    Attributes
    ----------
    planned : int
        Photos in the shards that were begun, and at the end in all.
    tried : int
        Those of them that are rectified or looked at again.
    came : int
        Results so far.
    passed_over : Counter
        Files beside the photos so far, by kind.
    """

    planned: int = 0
    tried: int = 0
    came: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)

    def counted(self, shards: Iterable[Shard]) -> Iterator[Shard]:
        """The same shards, counted as they are taken."""
        for shard in shards:
            self.planned += len(shard.items)
            self.tried += _tried(shard)
            self.passed_over.update(shard.passed_over)
            yield shard


@contextmanager
def counted_ahead(plan: Plan) -> Iterator[Callable[[], int]]:
    """How many photos a plan is to rectify, as far as a thread of its own has counted."""
    count, left = 0, threading.Event()

    def work() -> None:
        nonlocal count
        with contextlib.suppress(StnError, OSError):  # the run itself says so
            for shard in plan.shards():
                if left.is_set():
                    return
                count += _tried(shard)

    thread = threading.Thread(target=work, name="stn_cv-count", daemon=True)
    thread.start()
    try:
        yield lambda: count
    finally:
        left.set()
        thread.join()


def _tried(shard: Shard) -> int:
    return sum(item.work in ("rectify", "tell") for item in shard.items)
