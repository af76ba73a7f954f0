"""What was done: a line of JSON a photo, appended as soon as its output is on disk.

The columns of a row are the fields of `stn_cv.folder.result.Result`. Where several processes share
a run, each shard's rows are a part: a file of its own, written whole when the shard is done.
"""

import contextlib
import io
import json
import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..storage import is_address, is_file, joined, read_file, write_file

__all__ = [
    "Manifest",
    "Row",
    "Told",
    "parts_of",
    "placed_rows",
    "read_part",
    "read_told",
    "rows_of",
    "write_part",
]

Row = dict[str, Any]
LARGEST_OBJECT = 64 * 10**6  # bytes
LARGEST_TAIL = 2**20  # bytes of a last line that a killed run left unfinished
PARTS = ".parts"  # behind the manifest's name: the folder of the parts
PASSED_OVER = "passed over"  # status of a row that tells of no photo, but of what is none


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

    def finish(self) -> None:
        """Nothing more is to be done: all rows are there."""

    def close(self) -> None:
        """Bring all rows to the disk."""
        with self.file:
            os.fsync(self.file.fileno())


class StoredManifest:
    """A manifest in a store, where nothing can be added to: written when all rows are known.

    It is one object of at most 64 MB, or several, of which the second ends with ".1" and so on;
    the first is written last.

    Parameters
    ----------
    path : str
        Its address; rows of earlier runs stay.
    """

    def __init__(self, path: str) -> None:
        self.path, self.file = path, tempfile.TemporaryFile()
        for piece in pieces_of(path):
            self.file.write(read_file(piece))

    def add(self, row: Row) -> None:
        """Keep a row; until all are known, it stands in its shard's part."""
        self.file.write(_line(row))

    def finish(self) -> None:
        """Write all rows."""
        self.file.seek(0)
        lengths = [0]
        for line in self.file:
            if lengths[-1] + len(line) > LARGEST_OBJECT:
                lengths.append(0)
            lengths[-1] += len(line)
        end = sum(lengths)
        for number in reversed(range(len(lengths))):
            end -= lengths[number]
            self.file.seek(end)
            write_file(piece_of(self.path, number), self.file.read(lengths[number]))

    def close(self) -> None:
        """Forget the rows; nothing follows."""
        self.file.close()


def piece_of(manifest: str, number: int) -> str:
    """The address of a manifest's first, second, ... object."""
    return manifest if number == 0 else f"{manifest}.{number}"


def pieces_of(manifest: str) -> Iterator[str]:
    """The objects of a manifest that are there."""
    for number in count():
        if not is_file(piece_of(manifest, number)):
            return
        yield piece_of(manifest, number)


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
    return Told((row["output"], is_whole(row)) for row in rows_of(os.fspath(path)))


def rows_of(path: str) -> Iterator[Row]:
    """The rows of a manifest, of one in a store of all its pieces; none where there is none."""
    if is_address(path):
        for piece in pieces_of(path):
            yield from _rows(io.BytesIO(read_file(piece)), piece)
    elif os.path.exists(path):
        with open(path, "rb") as file:
            yield from _rows(file, path)
            file.seek(_whole(file))
            tail = file.read(LARGEST_TAIL)
        if not tail.startswith(b'{"input"'[: len(tail)]):
            raise InvalidInputError(
                f"{path!r} is no manifest: it ends with {tail[:60]!r}; wanted one that rectify "
                "wrote, or a new name."
            )


def is_whole(row: Row) -> bool:
    """Whether a row tells all of an output."""
    return row["status"] != "error" and row.get("theta") is not None


def _rows(file: BinaryIO, path: str) -> Iterator[Row]:
    """The rows of a manifest, without one that a killed run did not finish."""
    return (row for _, row in placed_rows(file, path))


def placed_rows(file: BinaryIO, path: str) -> Iterator[tuple[int, Row]]:
    """Rows of photos, with the byte at which each begins."""
    offset = 0
    for line in file:
        if not line.endswith(b"\n"):
            return
        try:
            row = json.loads(line)
            hash(row["output"])
            of_a_photo = is_whole(row) or row["status"] != PASSED_OVER
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidInputError(
                f"{path!r} is no manifest: {line[:60]!r} is no row of one; wanted one that "
                "rectify wrote, or a new name."
            ) from error
        if of_a_photo:
            yield offset, row
        offset += len(line)


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


def part_name(number: int) -> str:
    """The name of a shard's part."""
    return f"{number:08d}.jsonl"


def part_of(manifest: str | os.PathLike[str], number: int) -> str:
    """The part of a shard."""
    return joined(parts_of(manifest), part_name(number))


def read_part(path: str) -> dict[str, Row]:
    """The rows of a shard that tell all, by the photo.

    Raises
    ------
    InvalidInputError
        If the file is no part of a manifest.
    """
    rows = _rows(io.BytesIO(read_file(path)), path)
    return {row["input"]: row for row in rows if is_whole(row)}


def write_part(path: str, rows: Iterable[Row], may_replace: bool) -> None:
    """Write the rows of a shard, whole or not at all.

    Of two processes that did the same shard, the first one's rows stay, unless they were there
    before.
    """
    if not is_address(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileExistsError):
        write_file(path, b"".join(map(_line, rows)), may_replace)
