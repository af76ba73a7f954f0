"""Archives (.tar, .zip), read as folders: a member's path is the archive's, a slash, its name.

An archive in a store is fetched by one request, and its members are read from the copy.
"""

import errno
import os
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from . import objects
from .addresses import is_address
from .archive_index import Archive, Entry, Kind, Tar, Zip

__all__ = [
    "archive_of",
    "forget_archives",
    "has_name",
    "is_archive",
    "is_member",
    "kind_of",
    "members",
    "names_in",
    "read_member",
    "split_archive",
]

SUFFIXES = (".tar", ".zip")
LAST = ("r", "R", "p", "P")  # of their characters: most names are none at a glance
MOST_OPEN = 8  # archives of a process, of which those of a store take room on its disk
FAULTS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # zipfile, of a compression that it does not know
    RuntimeError,
    ValueError,
)


def split_archive(path: str) -> tuple[str, str] | None:
    """The archive that a path leads into, and the name in it, which is empty for the archive."""
    separator = "/" if is_address(path) else os.sep
    lower = path.lower()
    for suffix in SUFFIXES:
        end = lower.find(suffix)
        while end >= 0:
            end += len(suffix)
            if path[end : end + 1] in ("", separator) and _is_file(path[:end]):
                return path[:end], path[end + 1 :].rstrip(separator).replace(separator, "/")
            end = lower.find(suffix, end)
    return None


def archive_of(path: str) -> str | None:
    """The archive that a path leads into, if it does."""
    place = split_archive(path)
    return place[0] if place is not None and place[1] else None


def has_name(name: str) -> bool:
    """Whether a name is one of an archive."""
    return name.endswith(LAST) and name[-4:].lower() in SUFFIXES  # four characters each


def is_archive(path: str) -> bool:
    """Whether a file is there that has the name of an archive."""
    return has_name(path) and _is_file(path)


def is_member(path: str) -> bool:
    """Whether a path leads into an archive."""
    return archive_of(path) is not None


def members(archive: str, folder: str = "") -> Iterator[Entry]:
    """What is directly in an archive, or in a folder of it, in the archive's order.

    Raises
    ------
    OSError
        If the archive cannot be read or is damaged, two members have one name, or there is no
        such folder.
    """
    found = _opened(archive, anew=not folder).folders.get(folder)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "no such folder in the archive", archive)
    yield from found.items()


def names_in(archive: str) -> list[str]:
    """Names of all files in an archive, in its order."""
    return list(_opened(archive).names())


def kind_of(archive: str, name: str) -> Kind | None:
    """What is at a name in an archive; None if nothing is."""
    return _opened(archive).kind_of(name)


def read_member(archive: str, name: str, most: int = -1) -> bytes:
    """A member's bytes, so many at most if that is no negative number.

    Raises
    ------
    OSError
        If there is none, or it is damaged, sparse or encrypted.
    """
    found = _opened(archive)
    if found.kind_of(name) != "file":
        raise FileNotFoundError(errno.ENOENT, "no such member", f"{archive}/{name}")
    with _said(f"{archive}/{name}"):
        return found.read(name, most)


def forget_archives() -> None:
    """Close all archives, so that what has changed is read anew."""
    with _opening:
        _open.clear()


_open: OrderedDict[str, tuple[object, Archive]] = OrderedDict()
_opening = threading.RLock()


def _opened(archive: str, anew: bool = False) -> Archive:
    """An archive; of a store it is only asked whether it is still the same if it is to be anew."""
    with _opening:
        stamp, found = _open.get(archive, (None, None))
        if found is None or anew or not is_address(archive):
            now = _stamp(archive)
            if found is None or now != stamp:
                with _said(archive):
                    found = _indexed(archive)
                stamp = now
        _open[archive] = stamp, found
        _open.move_to_end(archive)
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)
        return found


def _indexed(archive: str) -> Archive:
    file: BinaryIO
    if is_address(archive):
        file = tempfile.TemporaryFile()
        objects.fetch(archive, file)
        file.seek(0)
    else:
        file = open(archive, "rb")
    kind: Callable[[BinaryIO], Archive] = Tar if archive.lower().endswith(".tar") else Zip
    try:
        index = kind(file)
    except BaseException:
        file.close()
        raise
    weakref.finalize(index, file.close)  # who still reads a member holds the index
    return index


def _stamp(archive: str) -> object:
    """What changes if an archive does."""
    if is_address(archive):
        return objects.tag_of(archive)
    status = os.stat(archive)
    return status.st_mtime_ns, status.st_size, status.st_ino


def _is_file(path: str) -> bool:
    if is_address(path):
        return path in _open or objects.size_of(path) is not None
    return os.path.isfile(path)


@contextmanager
def _said(path: str) -> Iterator[None]:
    """Say what is wrong with an archive as of a file."""
    try:
        yield
    except FAULTS as error:
        kind = "tar" if path.lower().endswith(".tar") else "zip"
        what = f"no whole {kind} file" if is_archive(path) else "no member that can be read"
        raise OSError(errno.EIO, f"{what}: {error}", path) from error
