"""Pages of a TIFF: how many there are, and each as a TIFF of its own."""

import os
import struct
from typing import Any, BinaryIO

from ..errors import InvalidInputError
from .format import Damaged
from .tiff_structure import Structure

__all__ = ["count_pages", "page_alone"]


def count_pages(file: BinaryIO) -> int:
    """How many pages a TIFF has, small copies of pages not counted; only directories are read.

    Raises
    ------
    InvalidInputError
        If it is no whole TIFF.
    """
    return len(_starts(_Slices(file)))


def page_alone(data: bytes, number: int) -> bytes:
    """The same TIFF with one page: the first (1), second, ... that it has.

    Raises
    ------
    InvalidInputError
        If there is no such page.
    """
    starts = _starts(data)
    if not 1 <= number <= len(starts):
        raise InvalidInputError(f"its page {number} is gone: it has {len(starts)}.")
    structure, start = Structure(data), starts[number - 1]
    layout = structure.order + structure.offset
    alone = bytearray(data)
    struct.pack_into(layout, alone, struct.calcsize(layout), start)  # the first directory
    struct.pack_into(layout, alone, structure.end(start), 0)  # and the last
    return bytes(alone)


class _Slices:
    """A file that is read where it is looked at."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.length = file, file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self.length)
        self.file.seek(start)
        return self.file.read(max(stop - start, 0))


def _starts(data: Any) -> list[int]:
    """Where the directories of pages begin; the first is one in any case."""
    try:
        structure = Structure(data)
        first, *later = structure.directories()
        return [first, *filter(structure.is_page, later)]
    except (Damaged, struct.error, IndexError, OverflowError, ValueError) as error:
        what = error if isinstance(error, Damaged) else "it is cut off"
        raise InvalidInputError(f"its pages cannot be counted: {what}.") from error
