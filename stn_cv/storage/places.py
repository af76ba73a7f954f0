"""What is where, on a disk or in a store: one set of questions for both."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from ..atomic import write_bytes
from . import archives, objects
from .addresses import is_address, joined, unfit
from .archive_index import Entry, Kind

__all__ = ["absolute", "entries", "exists", "is_file", "is_folder", "read_file", "real"]


def entries(folder: str) -> Iterator[Entry]:
    """What is in a folder or an archive, in any order; archives in a folder are folders.

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    place = archives.split_archive(folder)
    if place is not None:
        yield from archives.members(*place)
    elif is_address(folder):
        for name, is_prefix in objects.listed(folder):
            is_below = is_prefix or archives.has_name(name)
            yield name, "unfit" if unfit(name) else "folder" if is_below else "file"
    else:
        with os.scandir(folder) as found:
            for entry in found:
                yield entry.name, _kind_of(entry)


def _kind_of(entry: os.DirEntry[str]) -> Kind:
    if entry.is_file(follow_symlinks=False):
        return "folder" if archives.has_name(entry.name) else "file"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "link" if entry.is_symlink() else "other"


def is_folder(path: str) -> bool:
    """Whether a folder or an archive is there, or anything below an address."""
    place = archives.split_archive(path)
    if place is not None:
        return not place[1] or archives.kind_of(*place) == "folder"
    return objects.holds_any(path) if is_address(path) else os.path.isdir(path)


def is_file(path: str) -> bool:
    """Whether a file, an object or a member of an archive is there."""
    place = archives.split_archive(path)
    if place is not None:
        return not place[1] or archives.kind_of(*place) == "file"
    return objects.size_of(path) is not None if is_address(path) else os.path.isfile(path)


def exists(path: str) -> bool:
    """Whether anything is there."""
    is_elsewhere = is_address(path) or archives.is_member(path)
    return is_file(path) or is_folder(path) if is_elsewhere else os.path.lexists(path)


def read_file(path: str, most: int = -1) -> bytes:
    """A file's bytes, so many at most if that is no negative number."""
    place = archives.split_archive(path)
    if place is not None and place[1]:
        return archives.read_member(*place, most)
    if is_address(path):
        return objects.get(path, most)
    with open(path, "rb") as file:
        return file.read(most)


def write_file(path: str, data: bytes, may_replace: bool = True) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    FileExistsError
        If there is a file that may not be replaced.
    OSError
        If it cannot be written.
    """
    if is_address(path):
        objects.put(path, data, may_replace)
    else:
        write_bytes(path, data, may_replace)


def remove_file(path: str) -> None:
    """Remove a file."""
    if is_address(path):
        objects.delete(path)
    else:
        os.unlink(path)


def remove_folder(path: str) -> None:
    """Remove a folder of files, as far as that is allowed."""
    if not is_address(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        for name, is_prefix in objects.listed(path):
            if not is_prefix:
                objects.delete(joined(path, name))


def absolute(path: str | os.PathLike[str]) -> str:
    """The same path wherever it is read; addresses are so already."""
    return os.fspath(path).rstrip("/") if is_address(path) else os.path.abspath(path)


def placed(path: str, folder: str) -> str:
    """The path as it is read in a folder."""
    return path if is_address(path) else os.path.join(folder, path)


def real(path: str | os.PathLike[str]) -> str:
    """The path without links."""
    return absolute(path) if is_address(path) else os.path.realpath(path)
