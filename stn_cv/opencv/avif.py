"""AVIF files: boxes of an ISO base media file."""

import struct
from collections.abc import Iterator

from .door import load_cv2
from .format import LARGEST_PROFILE, Damaged, Format, Header

__all__ = ["FORMAT"]

BRANDS = (b"avif", b"avis")  # a picture, and a sequence
OUTER = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # boxes of boxes, and bytes before the first
# EXIF's number for quarter turns counter-clockwise, then a mirror: none, by rows, by columns.
TURNS: dict[tuple[int, int | None], int] = {
    **{(0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6},
    **{(0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7},
    **{(0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5},
}


class AVIF(Format):
    """AVIF of 8 bits, lossless unless a quality is asked for."""

    name = "AVIF"
    suffixes = (".avif",)

    def recognizes(self, start: bytes) -> bool:
        """A file type box of one of its brands, or compatible with them."""
        return start[4:8] == b"ftyp" and (start[8:12] in BRANDS or BRANDS[0] in start[16:])

    def read_header(self, data: bytes) -> Header:
        """Size, depth, turn and profile as the properties of its items say."""
        width = height = planes = turns = 0
        bits, alpha, mirror, profile = 8, False, None, None
        for kind, start, end in _boxes(data, 0, len(data)):
            if kind == b"ispe":  # of the whole, of tiles and of small copies
                width, height = max((width, height), struct.unpack_from(">II", data, start + 4))
            elif kind == b"pixi":
                planes, bits = max(planes, data[start + 4]), max(bits, data[start + 5])
            elif kind == b"auxC":
                alpha |= b"alpha" in data[start:end]
            elif kind == b"irot":
                turns = data[start] & 3
            elif kind == b"imir":
                mirror = data[start] & 1
            elif kind == b"colr" and data[start : start + 4] in (b"prof", b"rICC"):
                profile = data[start + 4 : min(end, start + LARGEST_PROFILE)]
        return Header(
            width=width,
            height=height,
            channels=4 if alpha else 1 if planes == 1 else 3,
            dtype="uint8" if bits == 8 else f"{bits} bits",
            orientation=TURNS[turns, mirror],
            pages=2 if data[8:12] == BRANDS[1] else 1,
            profile=profile,
        )

    def encoder_options(self, quality: int | None, sampling: str | None) -> list[int]:
        """100 is lossless."""
        return [load_cv2().IMWRITE_AVIF_QUALITY, 100 if quality is None else int(quality)]


def _boxes(data: bytes, position: int, last: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end of the content) of boxes and of those in them."""
    while position + 8 <= last:
        length, kind = struct.unpack_from(">I4s", data, position)
        end = last if length == 0 else position + length
        if end > last or end < position + 8:
            raise Damaged("it is cut off, or a box is broken")
        if kind in OUTER:
            yield from _boxes(data, position + 8 + OUTER[kind], end)
        else:
            yield kind, position + 8, end
        position = end


FORMAT = AVIF()
