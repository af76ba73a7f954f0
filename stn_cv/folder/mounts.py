"""Folders that are one by several paths, since a disk or a part of it is mounted twice (Linux)."""

import contextlib
import os
import re
from typing import NamedTuple

__all__ = ["is_below", "is_mounted_in"]

MOUNTS = "/proc/self/mountinfo"
ESCAPED = re.compile(rb"\\(\d{3})")  # a space in a name is \040


class _Mount(NamedTuple):
    """A disk, the folder of it that is mounted, and where."""

    disk: str
    folder: str
    point: str


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder's or of something in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_mounted_in(path: str, folder: str) -> bool:
    """Whether a path without links leads to a folder or below it, by another mount or the same."""
    mounts = _mounts()
    here, there = _on_disk(path, mounts), _on_disk(folder, mounts)
    if here is None or there is None:
        return False
    below = [mount[:2] for mount in mounts if is_below(mount.point, folder)]
    return any(here[0] == disk and is_below(here[1], part) for disk, part in (there, *below))


def _mounts() -> list[_Mount]:
    mounts = []
    with contextlib.suppress(OSError), open(MOUNTS, "rb") as file:
        for line in file:
            fields = [ESCAPED.sub(_character, field) for field in line.split(b" ")[2:5]]
            mounts.append(_Mount(*map(os.fsdecode, fields)))
    return mounts


def _character(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)])


def _on_disk(path: str, mounts: list[_Mount]) -> tuple[str, str] | None:
    """The disk of a path, and the path on it."""
    own = [mount for mount in mounts if is_below(path, mount.point)]
    if not own:
        return None
    disk, folder, point = max(reversed(own), key=lambda mount: len(mount.point))  # the last one
    return disk, os.path.normpath(os.path.join(folder, os.path.relpath(path, point)))
