"""What was done: a line of JSON a photo, appended as soon as its output is on disk.

The columns of a row are the fields of `stn_cv.folder.item.Result`. Where several processes share
a run, each shard's rows are a part: a file of its own, written whole when the shard is done.
"""

import json
import os
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array
from ..atomic import write_bytes
from ..errors import InvalidInputError

__all__ = ["Manifest", "Row", "Told", "parts_of", "read_part", "read_told", "write_part"]

Row = dict[str, Any]
LARGEST_TAIL = 2**20  # bytes of a last line that a killed run left unfinished
PARTS = ".parts"  # behind the manifest's name: the folder of the parts


class Manifest:
    """A file of JSON lines that is only ever added to.

    A photo that was tried again has several rows, of which the last holds; one that is
    skipped gets no further one, unless its last says that it failed, or not how it was warped.
    Names that are no Unicode are kept as `os.fsdecode` gives them.

    Parameters
    ----------
    path : path-like
        New, or the manifest of an earlier run, as `read_told` found it, which goes on.

    Raises
    ------
    OSError
        If it cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.file = open(path, "a+b")
        try:
            self.file.truncate(_whole(self.file))  # of the row that a killed run did not finish
        except BaseException:
            self.file.close()
            raise

    def add(self, row: Row) -> None:
        """Write a row; it is with the system when this returns."""
        self.file.write(_line(row))
        self.file.flush()

    def close(self) -> None:
        """Bring all rows to the disk."""
        with self.file:
            os.fsync(self.file.fileno())


class Told:
    """Outputs of which a manifest tells all, as hashes, so that millions take little memory."""

    def __init__(self, outputs: Iterable[tuple[str, bool]] = ()) -> None:
        keys, whole = array("q"), array("b")
        for output, is_whole in outputs:
            keys.append(hash(output))
            whole.append(is_whole)
        last, where = np.unique(np.asarray(keys, np.int64)[::-1], return_index=True)
        self.keys: Array = last[np.asarray(whole, bool)[::-1][where]]

    def among(self, outputs: Sequence[str]) -> list[bool]:
        """Which of some outputs it tells all of."""
        if not len(self.keys):
            return [False] * len(outputs)
        wanted = np.array([hash(output) for output in outputs], np.int64)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return [bool(is_same) for is_same in self.keys[places] == wanted]


def read_told(path: str | os.PathLike[str]) -> Told:
    """The outputs of which the manifest of earlier runs tells all; none where there is no file.

    Raises
    ------
    InvalidInputError
        If it is no manifest.
    """
    if not os.path.exists(path):
        return Told()
    with open(path, "rb") as file:
        told = Told((row["output"], is_whole(row)) for row in _rows(file, os.fspath(path)))
        file.seek(_whole(file))
        tail = file.read(LARGEST_TAIL)
    if not tail.startswith(b'{"input"'[: len(tail)]):
        raise InvalidInputError(
            f"{os.fspath(path)!r} is no manifest: it ends with {tail[:60]!r}; give another name."
        )
    return told


def is_whole(row: Row) -> bool:
    """Whether a row tells all of an output."""
    return row["status"] != "error" and row.get("theta") is not None


def _rows(file: BinaryIO, path: str) -> Iterable[Row]:
    """The rows of a manifest, without one that a killed run did not finish."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        try:
            row = json.loads(line)
            hash(row["output"])
            is_whole(row)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidInputError(
                f"{path!r} is no manifest: {line[:60]!r} is no row of one; give another name."
            ) from error
        yield row


def _whole(file: BinaryIO) -> int:
    """The length in bytes of all whole rows."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(end - LARGEST_TAIL, 0))
    return start + file.read().rfind(b"\n") + 1


def _line(row: Row) -> bytes:
    return json.dumps(row, allow_nan=False).encode("ascii") + b"\n"


def parts_of(manifest: str | os.PathLike[str]) -> str:
    """The folder of a manifest's parts."""
    return os.fspath(manifest) + PARTS


def _part(parts: str, number: int) -> str:
    return os.path.join(parts, f"{number:08d}.jsonl")


def read_part(parts: str, number: int) -> dict[str, Row]:
    """The rows of a shard that tell all, by the photo; none where it was not done.

    Raises
    ------
    InvalidInputError
        If the file is no part of a manifest.
    """
    path = _part(parts, number)
    try:
        with open(path, "rb") as file:
            return {row["input"]: row for row in _rows(file, path) if is_whole(row)}
    except FileNotFoundError:
        return {}


def write_part(parts: str, number: int, rows: Iterable[Row]) -> None:
    """Write the rows of a shard, whole or not at all."""
    os.makedirs(parts, exist_ok=True)
    write_bytes(_part(parts, number), b"".join(map(_line, rows)))
