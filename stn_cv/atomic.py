"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from .errors import InvalidInputError

__all__ = ["PART_PREFIX", "PART_SUFFIX", "write_bytes"]

PART_PREFIX, PART_SUFFIX = ".stn_cv-", ".part"  # of a file while it is being written


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` at `path` so that at any moment the old or the whole new file is there."""
    path = Path(os.fsdecode(path))
    if not path.name or path.is_dir():
        raise InvalidInputError(f"{os.fspath(path)!r} is a folder; wanted the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", os.fspath(path.parent))
    part = path.with_name(PART_PREFIX + secrets.token_hex(8) + PART_SUFFIX)
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written = part.stat().st_size
        if written != len(data):
            raise OSError(errno.EIO, f"{written} of {len(data)} bytes arrived", os.fspath(path))
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    _sync_directory(path.parent)


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
