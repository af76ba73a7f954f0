"""Who carries out the shards of a plan: threads of this process, or what else is given."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from ..opencv import quiet_and_serial
from ..storage import joined
from ..threads import pinned_blas, run_stream
from .item import Job, Outcome, rectify_item
from .manifest import part_name, write_part
from .shard import Item, Shard
from .tars import with_tar

__all__ = ["Executor", "Threads", "finished_shard"]


class Executor(Protocol):
    """What does the photos of shards, by `rectify_item`."""

    def outcomes(
        self, job: Job, shards: Iterator[Shard], stop: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """What became of each photo, in order.

        Parameters
        ----------
        job : Job
            What all photos have in common. If it has a folder of parts, a shard's rows are
            written there when all its photos are done.
        shards : iterator of Shard
            Taken as they are begun.
        stop : callable
            Once it says so nothing more is begun; what was begun is finished.

        Yields
        ------
        Outcome
            Of each photo that was begun.
        """
        ...

    @property
    def needs_parts(self) -> bool:
        """Whether shards are done by processes that cannot all add to one manifest."""
        ...

    def untold(self) -> list[Outcome]:
        """Outcomes that were not asked for, of photos that were finished all the same."""
        ...


class Threads:
    """Threads of this process, across the bounds of shards.

    Parameters
    ----------
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    """

    needs_parts = False

    def __init__(self, n_jobs: int | None = None) -> None:
        self.n_jobs = n_jobs
        self.finished: dict[str, Outcome] = {}  # by photo, until somebody asks for it

    def outcomes(
        self, job: Job, shards: Iterator[Shard], stop: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """As `Executor` says."""
        self.finished.clear()
        begun: deque[Shard] = deque()

        def items() -> Iterator[Item]:
            for shard in shards:
                begun.append(shard)
                yield from shard.items

        def rectify(item: Item) -> Outcome:
            outcome = rectify_item(job, item)
            if outcome.output is None:  # what waits for its tar is not finished
                self.finished[item.source] = outcome
            return outcome

        done: list[Outcome] = []
        with pinned_blas(), quiet_and_serial():
            for outcome in run_stream(rectify, items(), self.n_jobs, stop, _is_quick):
                done.append(outcome)
                while begun and len(done) >= len(begun[0].items):
                    shard = begun.popleft()
                    whole, done = done[: len(shard.items)], done[len(shard.items) :]
                    whole = finished_shard(job, shard, whole)
                    if job.options.tar:
                        yield from self._told(whole)
                if not job.options.tar:
                    yield from self._told([outcome])

    def _told(self, outcomes: list[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            self.finished.pop(outcome.result.input, None)
            yield outcome

    def untold(self) -> list[Outcome]:
        """As `Executor` says."""
        return list(self.finished.values())


def _is_quick(item: Item) -> bool:
    return item.work in ("skip", "fail")


def finished_shard(job: Job, shard: Shard, outcomes: list[Outcome]) -> list[Outcome]:
    """Write what stands for a whole shard: the tar of its outputs, then its part of the manifest.

    The outcomes come back as they are then.
    """
    outcomes = with_tar(job, shard, outcomes)
    if job.parts is not None and any(item.work != "skip" for item in shard.items):
        rows = [outcome.row for outcome in outcomes if outcome.row is not None]
        write_part(joined(job.parts, part_name(shard.number)), rows, shard.has_part)
    return outcomes
