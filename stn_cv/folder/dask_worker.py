"""What a worker of a Dask cluster does of a run: a shard, or a photo of one."""

import os
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from typing import Any

from .. import __version__
from ..buffers import freed_memory_kept
from ..errors import ClusterError, MissingLibraryError
from ..model.file import load
from ..opencv import quiet_and_serial
from ..storage import forget_archives, placed
from ..threads import pinned_blas
from .executors import finished_shard
from .item import Job, Outcome, rectify_item
from .options import Options
from .shard import Item, Shard

__all__ = [
    "MODEL",
    "Environment",
    "Task",
    "check_environment",
    "distributed_library",
    "do_shard",
    "environment",
]

MODEL = "model"  # what the scheduler calls it, beside the names of tasks
BEGUN_AGAIN = 1  # times that a photo of its own is begun again after a death, before it is named
Environment = tuple[tuple[str, str], ...]

_jobs: dict[str, Job] = {}
_loading = threading.Lock()


@dataclass(frozen=True)
class Task:
    """What all tasks of a run have in common, but for the model, which the scheduler has."""

    run: str
    model_sha256: str
    target: str
    options: Options
    parts: str | None
    folder: str  # that paths are relative to
    environment: Environment


def do_shard(task: Task, shard: Shard, name: str, leaves_part: bool) -> list[Outcome] | None:
    """The outcomes of a shard, and its part of the manifest; None if workers died of it before."""
    check_environment(environment(), task.environment, "that began a task")
    if _times_begun(task.run, name) > (0 if leaves_part else BEGUN_AGAIN):
        return None
    job = _job(task)
    with pinned_blas(), quiet_and_serial(), freed_memory_kept():
        outcomes = [_at_home(job, item, task.folder) for item in shard.items]
    if not leaves_part:
        return outcomes
    there = shard._replace(items=[_placed(item, task.folder) for item in shard.items])
    return finished_shard(job, there, outcomes)


def _times_begun(run: str, name: str) -> int:
    """How often a task was begun before, as the scheduler counts it."""
    client = distributed_library().get_client()
    times: int = client.get_metadata([run, name], 0)
    client.set_metadata([run, name], times + 1)
    return times


def _job(task: Task) -> Job:
    """The job, whose model is read once in each process."""
    with _loading:
        if task.run not in _jobs:
            _jobs.clear()
            forget_archives()  # another run may find others at their paths
            model = distributed_library().get_client().get_metadata([task.run, MODEL])
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "model.stn")
                with open(path, "wb") as file:
                    file.write(model)
                rectifier = load(path)
            _jobs[task.run] = Job(
                rectifier, task.model_sha256, task.target, task.options, task.parts
            )
        return _jobs[task.run]


def _at_home(job: Job, item: Item, folder: str) -> Outcome:
    """Rectify a photo whose paths are relative to another process's folder, and keep its names."""
    there = _placed(item, folder)
    outcome = rectify_item(job, there)
    names = {there.target: item.target, there.aside: item.aside}
    output = names.get(outcome.result.output) or ""
    row = outcome.row and {**outcome.row, "input": item.source, "output": output}
    result = replace(outcome.result, input=item.source, output=output)
    return outcome._replace(result=result, row=row)


def _placed(item: Item, folder: str) -> Item:
    """A photo whose paths are relative to a folder, as another process reads and writes them."""
    names = ("source", "target", "preview", "aside", "mask", "tar")
    given = {name: getattr(item, name) for name in names}
    there: dict[str, Any] = {name: placed(path, folder) for name, path in given.items() if path}
    return item._replace(**there)


def environment() -> Environment:
    """What must not differ between processes that share a run."""
    return (("Python", f"{sys.version_info[0]}.{sys.version_info[1]}"), ("stn_cv", __version__))


def check_environment(found: Environment, wanted: Environment, worker: str) -> None:
    """Refuse to share a run with a process that would not do the same.

    Raises
    ------
    ClusterError
        If it has another Python or stn_cv.
    """
    for (name, theirs), (_, ours) in zip(found, wanted, strict=True):
        if theirs != ours:
            raise ClusterError(
                f"the worker {worker} has {name} {theirs}, this process {ours}; install the same "
                "everywhere."
            )


def distributed_library() -> Any:
    """Dask's distributed, or an error that says how to get it."""
    try:
        import distributed
    except ImportError as error:
        raise MissingLibraryError(
            "a Dask scheduler needs Dask's distributed; install it with `pip install stn_cv[dask]`."
        ) from error
    return distributed
