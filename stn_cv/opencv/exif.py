"""How a photo is turned: EXIF blocks and XMP packets, which several formats carry."""

import re
import struct

__all__ = ["ORIENTATION", "exif_orientation", "raw_profile", "upright_of", "xmp_orientation"]

ORIENTATION = 274
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
INTEGERS = {1: "B", 3: "H", 4: "I", 8: "h", 9: "i"}  # kinds in which writers put it
MOST_ENTRIES = 1000
XMP = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")


def upright_of(*orientations: int | None) -> int:
    """The first orientation that is said, from 1 to 8; 1 where none is."""
    return next((number for number in orientations if number is not None), 1)


def exif_orientation(exif: bytes) -> int | None:
    """Orientation 1 to 8 in an EXIF block; None where it says nothing that makes sense."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = ORDERS.get(exif[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for number in range(min(count, MOST_ENTRIES)):
            position = start + 2 + 12 * number
            tag, kind = struct.unpack_from(order + "HH", exif, position)
            if tag == ORIENTATION and kind in INTEGERS:
                (value,) = struct.unpack_from(order + INTEGERS[kind], exif, position + 8)
                return int(value) if 1 <= value <= 8 else None
    except struct.error:
        pass
    return None


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
