"""What EXIF blocks and XMP packets, which several formats carry, say of a photo.

A block is a TIFF file without a picture; here it begins with its byte order.
"""

import re
import struct
from collections.abc import Iterator

from ..errors import InvalidInputError
from .format import CENTIMETRE, square_dpi
from .tiff_structure import BYTES_OF

__all__ = [
    "DESCRIPTIVE",
    "ORIENTATION",
    "PHOTO",
    "PLACE",
    "RATIONAL",
    "RESOLUTION_UNIT",
    "X_RESOLUTION",
    "Y_RESOLUTION",
    "descriptive_exif",
    "exif_dpi",
    "exif_orientation",
    "raw_profile",
    "upright_of",
    "xmp_orientation",
]

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
INTEGERS = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i"}  # kinds in which writers put it
RATIONAL = 5
MOST_ENTRIES = 1000
XMP = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")
# Description, maker, model, software, time, artist, computer, copyright.
DESCRIPTIVE = (270, 271, 272, 305, 306, 315, 316, 33432)
PHOTO, PLACE = 34665, 34853  # directories of their own
WIDTH, HEIGHT = 40962, 40963  # of the photo, in the first of them
# Makers' notes point into the old file, and may hold the place and small copies of the photo.
LEFT_OUT = (37500, 40965)


def upright_of(*orientations: int | None) -> int:
    """The first orientation that is said, from 1 to 8; 1 where none is."""
    return next((number for number in orientations if number is not None), 1)


def exif_orientation(exif: bytes) -> int | None:
    """Orientation 1 to 8 in an EXIF block; None where it says nothing that makes sense."""
    value = _numbers(exif).get(ORIENTATION)
    return int(value) if value is not None and 1 <= value <= 8 else None


def exif_dpi(exif: bytes) -> float | None:
    """Pixels an inch in an EXIF block; None where it says nothing that makes sense."""
    numbers = _numbers(exif)
    inches = CENTIMETRE if numbers.get(RESOLUTION_UNIT) == 3 else 1.0
    return square_dpi(numbers.get(X_RESOLUTION, 0.0), numbers.get(Y_RESOLUTION, 0.0), inches)


def _numbers(exif: bytes) -> dict[int, float]:
    """Numbers of the first directory, by their tags, so far as it is whole."""
    found: dict[int, float] = {}
    try:
        for tag, value in _entries(exif.removeprefix(b"Exif\0\0")):
            found.setdefault(tag, value)
    except struct.error:
        pass
    return found


def _entries(exif: bytes) -> Iterator[tuple[int, float]]:
    order = ORDERS.get(exif[:4])
    if order is None:
        return
    (start,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, start)
    for number in range(min(count, MOST_ENTRIES)):
        position = start + 2 + 12 * number
        tag, kind = struct.unpack_from(order + "HH", exif, position)
        if kind in INTEGERS:
            yield tag, struct.unpack_from(order + INTEGERS[kind], exif, position + 8)[0]
        elif kind == RATIONAL and tag in (X_RESOLUTION, Y_RESOLUTION):
            (at,) = struct.unpack_from(order + "I", exif, position + 8)
            above, below = struct.unpack_from(order + "II", exif, at)
            yield tag, above / below if below else 0.0


def descriptive_exif(exif: bytes, shape: tuple[int, ...], place: bool) -> bytes | None:
    """What an EXIF block says of how a photo came to be, as a block of a picture of this shape.

    Without orientation, small copies and makers' notes, and without the place unless it is
    wanted; None where nothing is left.

    Raises
    ------
    InvalidInputError
        If the block cannot be read.
    """
    from PIL import Image

    given, kept = Image.Exif(), Image.Exif()
    try:
        _check_whole(exif)
        given.load(b"Exif\0\0" + exif)
        kept.update({tag: given[tag] for tag in DESCRIPTIVE if tag in given})
        photo = {tag: v for tag, v in given.get_ifd(PHOTO).items() if tag not in LEFT_OUT}
        photo.update(
            {tag: n for tag, n in zip((HEIGHT, WIDTH), shape, strict=False) if tag in photo}
        )
        for directory, tags in ((PHOTO, photo), (PLACE, given.get_ifd(PLACE) if place else {})):
            if tags:
                kept[directory] = tags
        return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else None
    except (SyntaxError, OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise InvalidInputError(
            f"its EXIF block cannot be read ({error}); leave it out with --metadata drop "
            "(metadata='drop')."
        ) from error


def _check_whole(exif: bytes) -> None:
    """Raise ValueError where a directory or value ends behind the block: Pillow only warns."""
    order = ORDERS.get(exif[:4])
    if order is None:
        raise ValueError("it has no byte order")
    starts = [struct.unpack_from(order + "I", exif, 4)[0]]
    for start in starts:
        (count,) = struct.unpack_from(order + "H", exif, start)
        for position in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, n, at = struct.unpack_from(order + "HHII", exif, position)
            size = BYTES_OF.get(kind, 0) * n
            if size > 4 and at + size > len(exif):
                raise ValueError("it is cut off")
            if tag in (PHOTO, PLACE) and len(starts) <= 2:
                starts.append(at)


def xmp_orientation(packet: bytes) -> int | None:
    """Orientation 1 to 8 in an XMP packet, an attribute or an element; None without."""
    found = XMP.search(packet)
    return int(found[1]) if found else None


def raw_profile(text: bytes) -> bytes:
    """A block that ImageMagick wrote into a text: its name, its length, and hexadecimal digits."""
    digits = b"".join(text.split()[2:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""
