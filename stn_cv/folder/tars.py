"""Outputs of an archive's photos written as one tar, whole or not at all."""

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace

from ..errors import InvalidInputError
from ..opencv import SUFFIXES
from ..storage import archive_of, is_file, joined, names_in, read_file
from .files import write_below
from .item import NO_MORE_ROOM, Job, Outcome, reason_of
from .pages import file_of
from .search import Wanted
from .shard import Item, Shard

__all__ = ["with_tar"]


def with_tar(job: Job, shard: Shard, outcomes: list[Outcome]) -> list[Outcome]:
    """Write the tar of a shard that has one, if there is anything new in it.

    Parameters
    ----------
    job : Job
        What all photos have in common.
    shard : Shard
        The photos of one archive.
    outcomes : list of Outcome
        Of each of them.

    Returns
    -------
    outcomes : list of Outcome
        The same without their outputs; if the tar could not be written, these failed.
    """
    if all(outcome.output is None for outcome in outcomes):
        return outcomes
    error = None
    try:
        _write(job, shard.items, outcomes)
    except (InvalidInputError, OSError) as reason:
        error = reason
    return [outcome if outcome.output is None else _settled(outcome, error) for outcome in outcomes]


def _write(job: Job, items: list[Item], outcomes: list[Outcome]) -> None:
    tar = next(item.tar for item in items if item.tar is not None)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in _members(job, items, outcomes):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    may_replace = job.options.existing == "overwrite" or any(item.is_there for item in items)
    write_below(job.target, tar, file.getvalue(), may_replace)


def _members(job: Job, items: list[Item], outcomes: list[Outcome]) -> Iterator[tuple[str, bytes]]:
    """Outputs, and what beside the photos is in their archive, in its order."""
    source = next(archive for item in items if (archive := archive_of(item.source)))
    wanted = Wanted(job.options.glob, job.options.exclude)
    done: dict[str, list[tuple[Item, bytes | None]]] = {}
    for item, outcome in zip(items, outcomes, strict=True):
        done.setdefault(file_of(item.source), []).append((item, outcome.output))
    for name in names_in(source):
        path = joined(source, name)
        for item, output in done.get(path, ()):
            if item.tar is not None and output is None and item.is_there and is_file(item.target):
                output = read_file(item.target)  # of an earlier run
            if item.tar is not None and output is not None:
                yield item.target[len(item.tar) + 1 :].replace(os.sep, "/"), output
        is_photo = path in done or os.path.splitext(name)[1].lower() in SUFFIXES
        if not is_photo and not wanted.takes(name):
            yield name, read_file(path)


def _settled(outcome: Outcome, error: InvalidInputError | OSError | None) -> Outcome:
    """The outcome of a photo whose output is in the tar, or would be."""
    if error is None:
        return outcome._replace(output=None)
    reason = reason_of(error, outcome.result.output)
    result = replace(outcome.result, status="error", error=reason)
    full = isinstance(error, OSError) and error.errno in NO_MORE_ROOM
    return Outcome(result, result.row(), outcome.thumbnails, full)
