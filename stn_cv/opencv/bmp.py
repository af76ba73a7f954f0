"""BMP files: one header."""

import struct

from .header import Damaged, Header

__all__ = ["SIGNATURES", "read_header"]

SIGNATURES = (b"BM",)
OS2, WITH_ALPHA = 12, 56  # sizes of the header: the shortest, the first to know alpha
MASKED, MASKS = 3, (0xFF0000, 0xFF00, 0xFF)  # a way of storing, and the order that is read


def read_header(data: bytes) -> Header:
    """Size and bits; a negative height is a picture from top to bottom."""
    offset, size = struct.unpack_from("<II", data, 10)
    if offset > len(data):
        raise Damaged("it is cut off")
    width, height, _, bits = struct.unpack_from("<HHHH" if size == OS2 else "<iiHH", data, 18)
    alpha = False
    if size >= WITH_ALPHA and bits == 32:
        alpha = struct.unpack_from("<I", data, 14 + 52)[0] != 0
    misread = "16 bits a pixel, which are decoded too dark" if bits == 16 else ""
    if size != OS2 and bits == 32 and struct.unpack_from("<I", data, 30)[0] == MASKED:
        masks = struct.unpack_from("<III", data, 14 + 40)
        misread = "" if masks == MASKS else "32 bits in another order than BGR"
    return Header(
        misread=misread,
        format=".bmp",
        width=width,
        height=abs(height),
        channels=4 if alpha else 3 if bits > 8 else 1,
    )
