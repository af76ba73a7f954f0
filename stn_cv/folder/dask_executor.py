"""Shards done by the workers of a Dask cluster.

A task is a shard; what it costs the scheduler does not depend on how many photos are in it. Each
task first counts at the scheduler how often it was begun. The second time, a worker died of it or
beside it: then its photos become tasks of their own, so that a photo that kills its process costs
no other and can be named.
"""

import contextlib
import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..errors import ClusterError
from ..model.file import model_bytes
from ..storage import placed
from .dask_worker import (
    BEGUN_AGAIN,
    MODEL,
    Task,
    check_environment,
    distributed_library,
    do_shard,
    environment,
)
from .executors import finished_shard
from .item import Job, Outcome, rectify_item
from .options import Options
from .result import Result
from .shard import Item, Shard

__all__ = ["DaskExecutor"]

AHEAD = 4  # shards a thread, under way or done and waiting for one before them
ANSWER = 10.0  # seconds until a scheduler answers
POLL = 0.5  # seconds after which it is looked whether anybody is still there
PATIENCE = 60.0  # seconds, in which a worker that died is replaced


class DaskExecutor:
    """Workers of a Dask cluster, which read and write the same paths as this process.

    Parameters
    ----------
    scheduler : str or distributed.Client
        The scheduler's address, such as "tcp://10.0.0.1:8786".
    patience : float, default 60
        Seconds without a single worker after which a run is given up.

    Raises
    ------
    MissingLibraryError
        If Dask's `distributed` is not installed.

    Examples
    --------
    >>> import stn_cv
    >>> executor = stn_cv.DaskExecutor("tcp://10.0.0.1:8786")  # doctest: +SKIP
    >>> stn_cv.rectify_folder("m.stn", "in", "out", executor=executor)  # doctest: +SKIP
    """

    needs_parts = True

    def __init__(self, scheduler: Any, patience: float = PATIENCE) -> None:
        self.scheduler, self.patience = scheduler, patience
        distributed_library()

    def outcomes(
        self, job: Job, shards: Iterator[Shard], stop: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """What became of each photo, in order; a run over a folder asks for it.

        Parameters
        ----------
        job : Job
            What all photos have in common.
        shards : iterator of Shard
            Taken as they are begun.
        stop : callable
            Once it says so nothing more is begun; what was begun is finished.

        Returns
        -------
        outcomes : generator of Outcome
            Of each photo that was begun.

        Raises
        ------
        ClusterError
            If no scheduler or worker answers, or one that works with another Python or stn_cv.
        """
        with self._connected() as client:
            run = _Run(client, job, self.patience)
            run.check_workers()
            yield from run.outcomes(shards, stop)

    def untold(self) -> list[Outcome]:
        """Outcomes that were not asked for: none, since parts tell of what was finished.

        Returns
        -------
        outcomes : list
            Empty.
        """
        return []

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        if not isinstance(self.scheduler, str):
            yield self.scheduler
            return
        try:
            client = distributed_library().Client(
                self.scheduler, timeout=min(self.patience, ANSWER), set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {self.scheduler!r} ({error}); wanted an address "
                "such as tcp://host:8786, as `dask scheduler` prints it."
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=2)


class _Run:
    """One run on a cluster."""

    def __init__(self, client: Any, job: Job, patience: float) -> None:
        self.client, self.job, self.patience = client, job, patience
        self.name = f"stn_cv-{secrets.token_hex(6)}"
        options, parts = _with_absolute_paths(job.options), job.parts
        self.task = Task(
            self.name,
            job.model_sha256,
            _absolute(job.target),
            options,
            parts and _absolute(parts),
            os.getcwd(),
            environment(),
        )
        self.begun: deque[tuple[Shard, Any]] = deque()
        self.threads, self.asked, self.answered = 0, -POLL, time.monotonic()

    def check_workers(self) -> None:
        """Refuse workers that would not do the same as this process."""
        answers = self._asked(self.client.run, environment, on_error="return")
        for worker, found in answers.items():
            if isinstance(found, Exception):
                raise ClusterError(f"the worker {worker} cannot import stn_cv: {found}.")
            check_environment(found, self.task.environment, worker)

    def outcomes(
        self, shards: Iterator[Shard], stop: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        # The scheduler holds it, so that no worker is preferred and none takes it along.
        model = model_bytes(self.job.rectifier)
        self._asked(self.client.set_metadata, [self.name, MODEL], model)
        try:
            while self._fill(shards, stop) or self.begun:
                shard, future = self.begun.popleft()
                yield from self._outcomes(shard, future)
        finally:
            futures = [future for _, future in self.begun if future is not None]
            self.client.cancel(futures)
            with contextlib.suppress(OSError, RuntimeError):  # the scheduler may be gone
                self.client.set_metadata([self.name], None)  # the model, and how often shards began

    def _fill(self, shards: Iterator[Shard], stop: Callable[[], bool]) -> bool:
        """Begin shards as long as there is room; once it is to stop, leave what nobody does yet."""
        if stop():
            under_way = {k for keys in self._asked(self.client.processing).values() for k in keys}
            kept = deque(
                (shard, future)
                for shard, future in self.begun
                if future is None or future.done() or future.key in under_way
            )
            self.client.cancel([f for pair in self.begun if pair not in kept for f in pair[1:]])
            self.begun = kept
            return False
        while len(self.begun) < AHEAD * max(self._threads(), 1):
            shard = next(shards, None)
            if shard is None:
                return False
            quick = all(item.work in ("skip", "fail") for item in shard.items)
            self.begun.append((shard, None if quick else self._submit(shard)))
        return True

    def _submit(self, shard: Shard, item: int | None = None, tries: int = 0) -> Any:
        """A task of a shard, or of one item of it."""
        name = str(shard.number) if item is None else f"{shard.number}.{item}"
        key = f"{self.name}-{name}-{tries}"
        if item is not None:
            shard = shard._replace(items=[shard.items[item]])
        given = self.task, shard, name, item is None
        order = -shard.number  # so photos of a shard that is done anew come before later shards
        return self.client.submit(do_shard, *given, key=key, pure=False, priority=order)

    def _outcomes(self, shard: Shard, future: Any) -> list[Outcome]:
        if future is None:
            return [rectify_item(self.job, item) for item in shard.items]
        outcomes = self._result(shard, None, future)
        return self._one_by_one(shard) if outcomes is None else outcomes

    def _one_by_one(self, shard: Shard) -> list[Outcome]:
        """A shard that a worker died of, photo by photo."""
        outcomes = []
        for number, item in enumerate(shard.items):  # alone: what a worker did is lost with it
            found = self._result(shard, number, self._submit(shard, number))
            outcomes.append(_lethal(self.job, item) if found is None else found[0])
        return finished_shard(self.job, shard, outcomes)

    def _result(self, shard: Shard, item: int | None, future: Any) -> list[Outcome] | None:
        """What a task found; None if it was begun too often. Given up by Dask, it begins anew."""
        tries = 0
        while True:
            try:
                return self._waited(future)
            except distributed_library().scheduler.KilledWorker:
                tries += 1
                future = self._submit(shard, item, tries)

    def _waited(self, future: Any) -> list[Outcome] | None:
        while True:
            try:
                return future.result(timeout=POLL)
            except (CancelledError, OSError) as error:  # a TimeoutError among them
                if future.status == "error":  # the task's own
                    raise
                if not isinstance(error, TimeoutError):
                    raise self._gone() from error
                self._threads()

    def _threads(self) -> int:
        """Threads of all workers; none for longer than can be waited for is an error."""
        now = time.monotonic()
        if now - self.asked < POLL:
            return self.threads
        self.threads = count = sum(self._asked(self.client.nthreads).values())
        self.asked = time.monotonic()
        if count:
            self.answered = self.asked
        elif now - self.answered > self.patience:
            raise ClusterError(
                f"no worker is left at {self._address()}, since {self.patience:g} s; start some, "
                "and the same command goes on from here."
            )
        return count

    def _asked(self, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return question(*arguments, **options)
        except (OSError, TimeoutError, RuntimeError) as error:
            raise self._gone() from error

    def _gone(self) -> ClusterError:
        return ClusterError(
            f"the scheduler at {self._address()} does not answer any more; start it anew, and the "
            "same command goes on from here."
        )

    def _address(self) -> str:
        return str(self.client.scheduler and self.client.scheduler.address)


def _lethal(job: Job, item: Item) -> Outcome:
    """What is said of a photo that ended the processes that did it."""
    reason = f"it ended its process {BEGUN_AGAIN + 2} times; look at it, or leave it out."
    model = job.model_sha256
    result = Result(item.source, item.target, "error", reason, model_sha256=model)
    return Outcome(result, result.row())


def _absolute(path: str) -> str:
    return placed(path, os.getcwd())


def _with_absolute_paths(options: Options) -> Options:
    """The same options for a process that works in another folder."""
    given = {
        "preview": options.preview,
        "manifest": options.manifest,
        "doubtful": options.aside,
        "masks": options.masks,
        "masks_out": options.masks_out,
    }
    found: dict[str, Any] = {
        name: _absolute(os.fspath(path)) for name, path in given.items() if path is not None
    }
    return replace(options, **found)
