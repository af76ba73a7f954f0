"""Files of strangers and files of ours: what is read is bounded, what is written stays below."""

import contextlib
import io
import os
import secrets
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..atomic import PART_PREFIX, PART_SUFFIX, check_file_name, try_lock
from ..errors import InvalidInputError
from ..opencv import START, check_pixels, format_names, format_of, page_alone
from ..storage import is_address, is_member, joined, read_file, remove_file, write_file
from .pages import split_page

__all__ = [
    "alone_in",
    "check_writable",
    "clear_unfinished",
    "folded",
    "folds_names",
    "holds",
    "read_photo_file",
    "write_below",
]

BYTES_OF_A_PIXEL = 16  # float32 RGBA, not compressed
SLACK = 2**26  # bytes beside the pixels
OPEN_FILES = "/proc/self/fd"  # Linux: a folder of what this process has open


def read_photo_file(path: str, max_pixels: int, first_page: bool = False) -> bytes:
    """A regular file's bytes, if it begins as an image and is not too long for one.

    Of one page or frame the length is held against the sides that its header says; more of
    them may follow where the first is to be taken. Of a page of a TIFF, it alone.

    Raises
    ------
    InvalidInputError
        If it is no regular file, no image, or longer than so many pixels need.
    OSError
        If it cannot be read.
    """
    page, most = split_page(path), BYTES_OF_A_PIXEL * max_pixels + SLACK
    with _opened(path if page is None else page[0], most) as file:
        if page is None:
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            return _checked(file, length, max_pixels, first_page)
        data = page_alone(file, page[1], most)
    return _checked(io.BytesIO(data), len(data), max_pixels, first_page)


def _opened(path: str, most: int) -> BinaryIO:
    """A file that can be read anywhere; of what is in a store or archive, so many bytes at most."""
    if is_address(path) or is_member(path):
        return io.BytesIO(read_file(path, most + 1))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)  # a pipe would block without the flag
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInputError("it is no regular file.")
    return open(descriptor, "rb")


def _checked(file: BinaryIO, length: int, max_pixels: int, first_page: bool) -> bytes:
    """All of a file, if its start says that it is an image of such a length."""
    format = format_of(file.read(START))
    if format is None:
        its = "its" if length else "it is empty:"
        raise InvalidInputError(
            f"{its} {length} bytes begin as no image; wanted a {format_names()}."
        )
    pixels = None if first_page else format.pixels(file)
    check_pixels(pixels or 0, max_pixels)
    _check_length(length, max_pixels if pixels is None else pixels)
    file.seek(0)
    return file.read(length)


def _check_length(n_bytes: int, pixels: int) -> None:
    if n_bytes > BYTES_OF_A_PIXEL * pixels + SLACK:
        raise InvalidInputError(
            f"{n_bytes} bytes are more than {pixels} pixels need; if it is meant to be so large, "
            "raise --max-pixels (max_pixels), or write it anew without what is not the picture."
        )


def holds(path: str, data: bytes) -> bool:
    """Whether a file is there that holds nothing but `data`."""
    try:
        return read_file(path, len(data) + 1) == data
    except OSError:
        return False


def write_below(
    root: str,
    path: str,
    data: bytes,
    may_replace: bool = True,
    times: os.stat_result | None = None,
) -> None:
    """Write a file whole or not at all, in folders below `root` that are no links.

    It gets the times of another file, if they are given.

    Raises
    ------
    InvalidInputError
        If a link stands where a folder of the output should be, or a file is there that may
        not be replaced.
    OSError
        If it cannot be written.
    """
    if not is_address(path):
        _make_folders(root, path)
        check_file_name(path)
    try:
        with _held(root, path) as held:
            write_file(held, data, may_replace)
    except FileExistsError as error:
        if os.path.islink(path) and not os.path.exists(path):
            raise InvalidInputError(
                f"{path!r} is a link that leads nowhere, and is not replaced; remove it."
            ) from error
        if not holds(path, data):  # or another process did the same work
            raise InvalidInputError(
                f"{path!r} came into being while the run was on, and is not replaced; run the "
                "command again, with --existing overwrite if it shall be."
            ) from error
    except OSError as error:
        if not os.fsdecode(error.filename or OPEN_FILES).startswith(OPEN_FILES):
            raise
        raise OSError(error.errno, error.strerror or str(error), path) from error
    if times is not None:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _make_folders(root: str, path: str) -> None:
    folder = root
    os.makedirs(root, exist_ok=True)
    for part in os.path.relpath(os.path.dirname(path), root).split(os.sep):
        if part == os.curdir:
            continue
        folder = os.path.join(folder, part)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        if os.path.islink(folder) or part == os.pardir:
            raise InvalidInputError(
                f"{folder!r} is a link, and links in an output folder are not followed; remove "
                "it, or give another folder."
            )


@contextmanager
def _held(root: str, path: str) -> Iterator[str]:
    """A path by an open folder below `root`, which stays what it is if a link comes in its place.

    Where the system has no such paths, the path itself.
    """
    if is_address(path) or not os.path.isdir(OPEN_FILES):
        yield path
        return
    folder, name = os.path.split(path)
    flags = os.O_RDONLY | os.O_DIRECTORY
    held = os.open(root, flags)
    try:
        for part in os.path.relpath(folder, root).split(os.sep):
            outer = held
            try:
                held = os.open(part, flags | os.O_NOFOLLOW, dir_fd=outer)
            except OSError as error:
                raise OSError(error.errno, error.strerror, folder) from error
            os.close(outer)
        yield os.path.join(OPEN_FILES, str(held), name)
    finally:
        os.close(held)


def folded(path: str) -> str:
    """The same for all spellings that some disk takes for one name."""
    return unicodedata.normalize("NFC", path).casefold()


def folds_names(folder: str) -> bool:
    """Whether the disk of a folder takes upper and lower case for one."""
    if is_address(folder):
        return False
    with tempfile.NamedTemporaryFile(dir=folder, prefix=PART_PREFIX, suffix=PART_SUFFIX) as file:
        name = os.path.basename(file.name)
        return os.path.lexists(os.path.join(folder, name.upper()))


def check_writable(folder: str) -> None:
    """Make a folder and find out whether files can be put into it, before any work.

    Raises
    ------
    InvalidInputError
        If not.
    """
    try:
        if is_address(folder):
            probe = joined(folder, PART_PREFIX + secrets.token_hex(8) + PART_SUFFIX)
            write_file(probe, b"")
            remove_file(probe)
            return
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        reason = error.strerror or error
        raise InvalidInputError(
            f"cannot write to {folder!r}: {reason}; give another folder."
        ) from error


@contextmanager
def alone_in(root: str, shared: bool = False) -> Iterator[bool]:
    """Keep other runs out of an output folder.

    Parameters
    ----------
    root : str
        The folder.
    shared : bool, default False
        Whether to let in others that share it: runs over other shards of the same plan.

    Yields
    ------
    bool
        Whether they are kept out; some systems have no such locks.

    Raises
    ------
    InvalidInputError
        If another run is writing there.
    """
    descriptor = _locked(root, shared)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(root: str, shared: bool) -> int | None:
    """A descriptor that holds a folder's lock until it is closed; None where there are none."""
    if os.name == "nt" or is_address(root):
        return None
    descriptor = os.open(root, os.O_RDONLY)
    locked = try_lock(descriptor, shared)
    if locked:
        return descriptor
    os.close(descriptor)
    if locked is False:
        raise InvalidInputError(
            f"another run is writing to {root!r}; wait for it, or give another folder."
        )
    return None


def clear_unfinished(folder: str) -> None:
    """Remove what nobody writes any more: another run may have this folder as well."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    if try_lock(file.fileno()):
                        os.unlink(path)
