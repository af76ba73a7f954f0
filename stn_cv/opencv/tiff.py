"""TIFF and BigTIFF files: the first directory, and whether there are more."""

import struct
from typing import Any

from .header import LARGEST_PROFILE, ORIENTATION, Damaged, Header

__all__ = ["SIGNATURES", "as_decoded", "read_header", "with_profile"]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SUBFILE, WIDTH, HEIGHT, BITS, PHOTOMETRIC = 254, 256, 257, 258, 262
SAMPLES, PLANES, EXTRA, FORMAT, PROFILE = 277, 284, 338, 339, 34675
STRAIGHT, MULTIPLIED = 2, 1  # kinds of alpha
KINDS = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q"}
SHORTER = 64  # values of a tag that is read; a profile may be longer
PALETTE, COLOURS = 3, {0, 1, 2, 3, 6, 8, 9, 10}  # photometric interpretations that come as RGB
DTYPES = {(1, 1): "uint8", (8, 1): "uint8", (16, 1): "uint16", (32, 3): "float32"}
MOST_PAGES = 1000  # looked at; directories may form a ring


def read_header(data: bytes) -> Header:
    """Size, channels and numbers of the first picture; decoders turn it themselves."""
    layout = _Layout(data)
    tags, following = layout.directory(layout.first)
    width, height = (_one(tags, tag, 0) for tag in (WIDTH, HEIGHT))
    if 5 <= _one(tags, ORIENTATION, 1) <= 8:
        width, height = height, width
    photometric, samples = _one(tags, PHOTOMETRIC, 1), _one(tags, SAMPLES, 1)
    bits, numbers = _one(tags, BITS, 1), _one(tags, FORMAT, 1)
    channels = {2: 4}.get(samples, samples)  # grey with alpha would have to come as RGBA
    dtype = DTYPES.get((bits, numbers), f"{bits} bits of sample format {numbers}")
    misread = ""
    if samples > 3 and _one(tags, EXTRA, 0) == MULTIPLIED:
        misread = "colours that are multiplied by their alpha"
    elif dtype != "uint8" and samples > 1 and _one(tags, PLANES, 1) == 2:
        misread = f"{dtype} in a plane for each channel"
    elif dtype != "uint8" and photometric == 0:
        misread = f"{dtype} of which 0 is white"
    return Header(
        format=".tiff",
        width=width,
        height=height,
        channels=(3 if photometric == PALETTE else channels) if photometric in COLOURS else 0,
        dtype=dtype,
        pages=layout.pages(following),
        profile=tags.get(PROFILE, (None,))[0] or None,
        misread=misread,
    )


def as_decoded(data: bytes) -> bytes:
    """The file with an alpha of no kind where it is straight: OpenCV multiplies 8 bits by that."""
    layout = _Layout(data)
    start, n = layout.entry_of(EXTRA)
    if n != 1 or layout.unpack("H", start)[0] != STRAIGHT:
        return data
    return data[:start] + bytes(2) + data[start + 2 :]


def _one(tags: dict[int, tuple[Any, ...]], tag: int, default: int) -> int:
    values = tags.get(tag)
    return int(values[0]) if values else default


class _Layout:
    """Byte order and widths of a file, and what is read with them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        big = b"+" in data[2:4]
        self.offset, self.count, self.entry = ("Q", "Q", 20) if big else ("I", "H", 12)
        self.first = int(self.unpack(self.offset, 8 if big else 4)[0])

    def unpack(self, layout: str, position: int) -> tuple[Any, ...]:
        return struct.unpack_from(self.order + layout, self.data, position)

    def directory(self, start: int) -> tuple[dict[int, tuple[Any, ...]], int]:
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
        place = position + 4 + struct.calcsize(self.offset)
        if struct.calcsize(self.order + layout) > struct.calcsize(self.offset):
            (place,) = self.unpack(self.offset, place)
        return self.unpack(layout, place)

    def pages(self, following: int) -> int:
        """1, or 2 for more; small copies of a picture are no pages."""
        for _ in range(MOST_PAGES):
            if not following:
                return 1
            tags, following = self.directory(following)
            if not _one(tags, SUBFILE, 0) & 1:
                return 2
        return 2


def with_profile(data: bytes, profile: bytes) -> bytes:
    """The file with a colour profile: a new first directory, with one tag more, at the end."""
    layout = _Layout(data)
    (count,) = layout.unpack("H", layout.first)
    start = layout.first + 2
    entries = [data[start + 12 * i : start + 12 * (i + 1)] for i in range(count)]
    data += b"\0" * (len(data) % 2)
    entries.append(struct.pack(layout.order + "HHII", PROFILE, 7, len(profile), len(data)))
    data += profile + b"\0" * (len(profile) % 2)
    entries.sort(key=lambda entry: struct.unpack_from(layout.order + "H", entry))
    directory = struct.pack(layout.order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack(layout.order + "I", len(data)) + data[8:] + directory
