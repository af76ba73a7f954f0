"""What an image file says of itself, read before anything is decoded.

A parser of one format is a module with ``SIGNATURES``, ``read_header(data) -> Header`` and
``with_profile(data, profile) -> bytes``. It looks at the structure only, so it costs nothing
and no more memory than the file; `header_of` chooses it by the file's first bytes.
"""

import struct
from dataclasses import dataclass

__all__ = ["Header", "Damaged", "exif_orientation"]

ORIENTATION = 274
LARGEST_PROFILE = 2**24  # bytes; profiles with large tables have some megabytes


class Damaged(Exception):  # noqa: N818  (what the bytes are; the door turns it into an error)
    """The bytes are cut off, or no file of the format they begin as."""


@dataclass(frozen=True)
class Header:
    """Facts of an image file.

    `channels` and `dtype` are the least that must come out of a decoder for nothing to be
    lost; `pages` is 2 for "more than one".
    """

    format: str
    width: int
    height: int
    channels: int
    dtype: str = "uint8"
    orientation: int = 1  # 1 to 8, as in EXIF; what decoders apply by themselves is 1 here
    pages: int = 1
    profile: bytes | None = None
    misread: str = ""  # what decoders would get wrong, if anything


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
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
