"""The directories of tags that a TIFF or BigTIFF file is made of."""

import struct
from typing import Any

from .format import LARGEST_PROFILE, Damaged

__all__ = ["PROFILE", "Structure", "Tags", "first_of"]

SUBFILE, PROFILE = 254, 34675
KINDS = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q"}
SHORTER = 64  # values of a tag that is read; a profile may be longer
MOST_PAGES = 1000  # looked at; directories may form a ring

Tags = dict[int, tuple[Any, ...]]


def first_of(tags: Tags, tag: int, default: int) -> int:
    """The first value of a tag, or what holds where it is absent."""
    values = tags.get(tag)
    return int(values[0]) if values else default


class Structure:
    """Byte order and widths of a file, and what is read with them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        big = b"+" in data[2:4]
        self.offset, self.count, self.entry = ("Q", "Q", 20) if big else ("I", "H", 12)
        self.first = int(self.unpack(self.offset, 8 if big else 4)[0])

    def unpack(self, layout: str, position: int) -> tuple[Any, ...]:
        """Numbers at a position, in the file's byte order."""
        return struct.unpack_from(self.order + layout, self.data, position)

    def directory(self, start: int) -> tuple[Tags, int]:
        """The tags of a directory that are of interest, and where the next one stands."""
        (count,) = self.unpack(self.count, start)
        first = start + struct.calcsize(self.count)
        if first + count * self.entry > len(self.data):
            raise Damaged("it is cut off, or its directory is broken")
        tags = {}
        for position in range(first, first + count * self.entry, self.entry):
            tag, kind, n = self.unpack("HH" + self.offset, position)
            if kind in KINDS and n <= (LARGEST_PROFILE if tag == PROFILE else SHORTER):
                layout = f"{n}s" if tag == PROFILE else f"{n}{KINDS[kind]}"
                tags[tag] = self._values(layout, position)
        return tags, int(self.unpack(self.offset, first + count * self.entry)[0])

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

    def pages(self, following: int) -> int:
        """1, or 2 for more; small copies of a picture are no pages."""
        for _ in range(MOST_PAGES):
            if not following:
                return 1
            tags, following = self.directory(following)
            if not first_of(tags, SUBFILE, 0) & 1:
                return 2
        return 2
