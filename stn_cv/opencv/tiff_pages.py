"""Pages of a TIFF: how many there are, and each as a TIFF of its own."""

import os
import struct
from typing import BinaryIO

from ..errors import InvalidInputError
from .exif import PHOTO, PLACE
from .format import Damaged
from .tiff_structure import (
    BYTES_OF,
    STRIP_LENGTHS,
    STRIP_STARTS,
    TILE_LENGTHS,
    TILE_STARTS,
    Structure,
)

__all__ = ["count_pages", "page_alone"]

STARTS, LENGTHS = (STRIP_STARTS, TILE_STARTS), (STRIP_LENGTHS, TILE_LENGTHS)
INNER = (PHOTO, PLACE)  # directories of an EXIF block
# Directories of other pictures, and the parts of JPEG as it was put into TIFF before 1995.
LEFT_OUT, OLD_JPEG = (330, 40965), 513
SLACK = 2**16  # bytes
FAULTS = (Damaged, struct.error, IndexError, OverflowError, ValueError)


def count_pages(file: BinaryIO) -> int:
    """How many pages a TIFF has, small copies of pages not counted; only directories are read.

    Raises
    ------
    InvalidInputError
        If it is no whole TIFF.
    """
    try:
        return len(_starts(Structure(_Slices(file))))
    except FAULTS as error:
        raise InvalidInputError(f"its pages cannot be counted: {_reason(error)}.") from error


def page_alone(file: BinaryIO, number: int, most: int) -> bytes:
    """A TIFF that holds one page of another: the first (1), second, ...; only it is read.

    Raises
    ------
    InvalidInputError
        If there is no such page, or it is damaged or would have more bytes than `most`.
    """
    try:
        structure = Structure(_Slices(file))
        starts = _starts(structure)
        if not 1 <= number <= len(starts):
            raise Damaged(f"there are {len(starts)} pages")
        return _Copy(structure, most).of(starts[number - 1])
    except FAULTS as error:
        raise InvalidInputError(f"its page {number} cannot be read: {_reason(error)}.") from error


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


class _Copy:
    """A new file, into which a directory is copied with all that its tags point at."""

    def __init__(self, structure: Structure, most: int) -> None:
        self.structure = structure
        self.most = min(most, 2 * len(structure.data) + SLACK)  # tags may point at one place
        self.layout = structure.order + structure.offset
        self.first = struct.calcsize(self.layout)  # where the first directory is said
        self.data = bytearray(structure.data[: 2 * self.first])

    def of(self, start: int) -> bytes:
        """The whole file."""
        tags = self.structure.directory(start)
        if OLD_JPEG in tags:
            raise Damaged("it is a JPEG in a way that was given up in 1995")
        pieces = self.structure.pieces(tags)
        places = [self._put(self.structure.data[at : at + n]) for at, n in pieces]
        first = self._directory(start, places, [n for _, n in pieces])
        struct.pack_into(self.layout, self.data, self.first, first)
        return bytes(self.data)

    def _put(self, content: bytes) -> int:
        """Where it stands now."""
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        if at + len(content) > self.most:
            raise Damaged(f"it would have more than {self.most} bytes")
        self.data += content
        return at

    def _directory(self, start: int, places: list[int], lengths: list[int]) -> int:
        """Where the copy of a directory stands; those in it have no pieces and no others."""
        structure, entries = self.structure, []
        end = structure.end(start)
        for position in range(start + struct.calcsize(structure.count), end, structure.entry):
            tag, kind, n = structure.unpack("HH" + structure.offset, position)
            size, cell = BYTES_OF.get(kind, 0) * n, position + structure.entry - self.first
            if tag in STARTS + LENGTHS:
                entries.append(self._entry(tag, places if tag in STARTS else lengths))
            elif tag in INNER and places:
                (inner,) = structure.unpack(structure.offset, cell)
                entries.append(self._entry(tag, [self._directory(inner, [], [])]))
            elif size and tag not in (*INNER, *LEFT_OUT):
                value = structure.data[cell : cell + self.first]
                if size > self.first:
                    (at,) = struct.unpack(self.layout, value)
                    value = struct.pack(self.layout, self._put(structure.data[at : at + size]))
                head = struct.pack(structure.order + "HH" + structure.offset, tag, kind, n)
                entries.append(head + value)
        count = struct.pack(structure.order + structure.count, len(entries))
        return self._put(count + b"".join(entries) + bytes(self.first))

    def _entry(self, tag: int, numbers: list[int]) -> bytes:
        """A tag of numbers as wide as places in the file."""
        order, offset = self.structure.order, self.structure.offset
        kind = 16 if offset == "Q" else 4
        value = struct.pack(f"{order}{len(numbers)}{offset}", *numbers)
        if len(numbers) != 1:
            value = struct.pack(self.layout, self._put(value))
        return struct.pack(order + "HH" + offset, tag, kind, len(numbers)) + value


def _starts(structure: Structure) -> list[int]:
    """Where the directories of pages begin; the first is one in any case."""
    first, *later = structure.directories()
    return [first, *filter(structure.is_page, later)]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Damaged) else "it is cut off"
