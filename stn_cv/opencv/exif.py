"""The orientation in an EXIF block, which several formats carry."""

import struct

__all__ = ["ORIENTATION", "exif_orientation"]

ORIENTATION = 274
SHORT = 3


def exif_orientation(exif: bytes) -> int:
    """Orientation 1 to 8 in an EXIF block; 1 where it says nothing that makes sense."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * number)
            if tag == ORIENTATION:
                return value if kind == SHORT and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
