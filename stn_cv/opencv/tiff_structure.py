"""The directories of tags that a TIFF or BigTIFF file is made of."""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from .format import LARGEST_PROFILE, Damaged

__all__ = [
    "BYTES_OF",
    "HEIGHT",
    "JPEG_TABLES",
    "PLANES",
    "PROFILE",
    "ROWS",
    "SAMPLES",
    "STRIP_LENGTHS",
    "STRIP_STARTS",
    "TILE_HEIGHT",
    "TILE_LENGTHS",
    "TILE_STARTS",
    "TILE_WIDTH",
    "WIDTH",
    "Structure",
    "Tags",
    "first_of",
]

SUBFILE, WIDTH, HEIGHT, SAMPLES, ROWS, PLANES, PROFILE = 254, 256, 257, 277, 278, 284, 34675
STRIP_STARTS, STRIP_LENGTHS = 273, 279
TILE_WIDTH, TILE_HEIGHT, TILE_STARTS, TILE_LENGTHS, JPEG_TABLES = 322, 323, 324, 325, 347
PIECES = (STRIP_STARTS, STRIP_LENGTHS, TILE_STARTS, TILE_LENGTHS)
KINDS = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q"}
BYTES_OF = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4} | {
    kind: 8 for kind in (16, 17, 18)
}  # of a value, by its kind
BLOCKS = (PROFILE, JPEG_TABLES)  # tags that are read as bytes
SHORTER = 64  # values of any other tag that is read
MOST_DIRECTORIES = 4000  # that are followed
FEW = 8  # entries of a directory

Tags = dict[int, tuple[Any, ...]]


def first_of(tags: Tags, tag: int, default: int) -> int:
    """The first value of a tag, or what holds where it is absent."""
    values = tags.get(tag)
    return int(values[0]) if values else default


class Structure:
    """Byte order and widths of a file, and what is read with them."""

    def __init__(self, data: Any) -> None:
        self.data = data  # bytes, or what has a length and slices as they do
        self.order = "<" if data[:2] == b"II" else ">"
        big = b"+" in data[2:4]
        self.offset, self.count, self.entry = ("Q", "Q", 20) if big else ("I", "H", 12)
        self.first = int(self.unpack(self.offset, 8 if big else 4)[0])

    def unpack(self, layout: str, position: int) -> tuple[Any, ...]:
        """Numbers at a position, in the file's byte order."""
        layout = self.order + layout
        return struct.unpack(layout, self.data[position : position + struct.calcsize(layout)])

    def directory(self, start: int) -> Tags:
        """Tags of a directory."""
        first, end = start + struct.calcsize(self.count), self.end(start)
        if end > len(self.data):
            raise Damaged("it is cut off, or its directory is broken")
        tags = {}
        for position in range(first, end, self.entry):
            tag, kind, n = self.unpack("HH" + self.offset, position)
            if kind in KINDS and n <= self._longest(tag):
                layout = f"{n}s" if tag in BLOCKS else f"{n}{KINDS[kind]}"
                tags[tag] = self._values(layout, position)
        return tags

    def entries(self, directory: bytes) -> dict[int, int]:
        """Tags that have one value in the entry itself, of a directory's first bytes."""
        first, values = struct.calcsize(self.count), struct.calcsize(self.offset)
        found = {}
        for at in range(first, len(directory) - self.entry + 1, self.entry):
            tag, kind, n = struct.unpack_from(self.order + "HH" + self.offset, directory, at)
            if kind in KINDS and n == 1:
                layout = self.order + KINDS[kind]
                if struct.calcsize(layout) <= values and tag not in found:
                    (found[tag],) = struct.unpack_from(layout, directory, at + 4 + values)
        return found

    def _longest(self, tag: int) -> int:
        if tag in PIECES:
            return len(self.data) // 2
        return LARGEST_PROFILE if tag in BLOCKS else SHORTER

    def entry_of(self, wanted: int) -> tuple[int, int]:
        """Where the value of a short entry of the first directory stands, and their number."""
        (count,) = self.unpack(self.count, self.first)
        first = self.first + struct.calcsize(self.count)
        for position in range(first, first + count * self.entry, self.entry):
            tag, _, n = self.unpack("HH" + self.offset, position)
            if tag == wanted:
                return position + 4 + struct.calcsize(self.offset), int(n)
        return 0, 0

    def _values(self, layout: str, position: int) -> tuple[Any, ...]:
        start = position + 4 + struct.calcsize(self.offset)
        if struct.calcsize(self.order + layout) > struct.calcsize(self.offset):
            (start,) = self.unpack(self.offset, start)
        return self.unpack(layout, start)

    def end(self, start: int) -> int:
        """Where a directory says where the next one is."""
        (count,) = self.unpack(self.count, start)
        return int(start + struct.calcsize(self.count) + count * self.entry)

    def directories(self) -> Iterator[int]:
        """Where the directories begin, one after the other.

        Raises
        ------
        Damaged
            If they never end.
        """
        start, seen = self.first, set[int]()
        while start:
            if start in seen or len(seen) > MOST_DIRECTORIES:
                raise Damaged("its directories form a ring, or never end")
            seen.add(start)
            yield start
            start = int(self.unpack(self.offset, self.end(start))[0])

    def is_page(self, start: int) -> bool:
        """Whether a directory is of a page; small copies of pages are none."""
        few = start + struct.calcsize(self.count) + FEW * self.entry  # sorted: it is the first
        return not self.entries(self.data[start : min(few, self.end(start))]).get(SUBFILE, 0) & 1

    def pages(self) -> int:
        """1, or 2 for more."""
        later = islice(self.directories(), 1, None)
        return 2 if any(map(self.is_page, later)) else 1

    def pieces(self, tags: Tags) -> list[tuple[int, int]]:
        """(start, length) of all strips or tiles of a picture, which must be in the file.

        Raises
        ------
        Damaged
            If one of them is missing, or ends behind the file.
        """
        width, height = first_of(tags, WIDTH, 0), first_of(tags, HEIGHT, 0)
        tiled = TILE_WIDTH in tags
        kinds = (TILE_STARTS, TILE_LENGTHS) if tiled else (STRIP_STARTS, STRIP_LENGTHS)
        starts, lengths = (tags.get(kind, ()) for kind in kinds)
        if tiled:
            sides = max(first_of(tags, TILE_WIDTH, 1), 1), max(first_of(tags, TILE_HEIGHT, 1), 1)
            wanted = -(-width // sides[0]) * -(-height // sides[1])
        else:
            wanted = -(-height // max(min(first_of(tags, ROWS, height), height), 1))
        if first_of(tags, PLANES, 1) == 2:
            wanted *= first_of(tags, SAMPLES, 1)
        if len(starts) < wanted or len(lengths) < wanted:
            raise Damaged(f"only {min(len(starts), len(lengths))} of {wanted} pieces are there")
        pieces = list(zip(starts[:wanted], lengths[:wanted], strict=True))
        if any(not start or not n or start + n > len(self.data) for start, n in pieces):
            raise Damaged("it is cut off: a piece of the picture ends behind the file")
        return pieces
