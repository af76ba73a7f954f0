"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from .errors import InvalidInputError

__all__ = ["PART_PREFIX", "PART_SUFFIX", "check_file_name", "try_lock", "write_bytes"]

PART_PREFIX, PART_SUFFIX = ".stn_cv-", ".part"  # of a file while it is being written


def check_file_name(path: str | os.PathLike[str]) -> None:
    """Refuse to put a file where a folder, device or pipe is.

    Raises
    ------
    InvalidInputError
        If one is there.
    """
    name = os.fsdecode(path)
    if not os.path.basename(name) or os.path.isdir(name):
        raise InvalidInputError(f"{name!r} is a folder; wanted the name of a file.")
    if os.path.exists(name) and not os.path.isfile(name):
        raise InvalidInputError(f"{name!r} is a device or pipe; wanted the name of a file.")


def write_bytes(path: str | os.PathLike[str], data: bytes, may_replace: bool = True) -> None:
    """Put `data` at `path` so that at any moment the old or the whole new file is there.

    Raises
    ------
    FileExistsError
        If there is a file that may not be replaced.
    OSError
        If it cannot be written; the file is named, not the one beside it that was begun.
    """
    path = Path(os.fsdecode(path))
    check_file_name(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", os.fspath(path.parent))
    try:
        _write(path, data, may_replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error
    _sync_directory(path.parent)


def _write(path: Path, data: bytes, may_replace: bool) -> None:
    part, file = _part_beside(path)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno()).st_size
            if written != len(data):
                what = f"{written} of {len(data)} bytes arrived"
                raise OSError(errno.EIO, what, os.fspath(path))
        _move(part, path, may_replace)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _move(part: Path, path: Path, may_replace: bool) -> None:
    if not may_replace:
        try:
            os.link(part, path)  # fails where a file is, at any moment
        except FileExistsError:
            raise
        except OSError:  # a disk without links, such as exFAT
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, "File exists", os.fspath(path)) from None
        else:
            part.unlink()
            return
    os.replace(part, path)


def _part_beside(path: Path) -> tuple[Path, BinaryIO]:
    """A new file, locked as long as it is open: what is not was left by a killed process."""
    while True:
        part = path.with_name(PART_PREFIX + secrets.token_hex(8) + PART_SUFFIX)
        file = open(part, "xb")
        if try_lock(file.fileno()) is not False and part.exists():
            return part, file
        file.close()  # it was cleared before it was locked


def try_lock(descriptor: int, shared: bool = False) -> bool | None:
    """Lock a file or folder until its descriptor is closed; None where there are no locks.

    A shared lock lets others be that are shared.
    """
    try:
        import fcntl

        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _sync_directory(directory: Path) -> None:
    """Make a rename last through a power cut, where the system lets a directory be synced."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
