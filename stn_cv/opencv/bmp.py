"""BMP files: one header."""

import struct

import numpy as np

from ..arrays import Array
from .format import Damaged, Format, Header

__all__ = ["FORMAT"]

HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
OS2, WITH_ALPHA = 12, 56  # sizes of the header: the shortest, the first to know alpha
MASKED, MASKS = 3, (0xFF0000, 0xFF00, 0xFF)  # a way of storing, and the order that is read


class BMP(Format):
    """Windows bitmaps, not compressed or by run lengths."""

    name = "BMP"
    suffixes = (".bmp",)
    holds_profile = False

    def recognizes(self, start: bytes) -> bool:
        """Two letters, and a header of a size that there is."""
        return start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in HEADER_SIZES

    def read_header(self, data: bytes) -> Header:
        """Size and bits; a negative height is a picture from top to bottom."""
        offset, size = struct.unpack_from("<II", data, 10)
        if offset > len(data):
            raise Damaged("it is cut off")
        layout = "<HHHH" if size == OS2 else "<iiHH"
        width, height, _, bits = struct.unpack_from(layout, data, 18)
        alpha = False
        if size >= WITH_ALPHA and bits == 32:
            alpha = struct.unpack_from("<I", data, 14 + 52)[0] != 0
        return Header(
            width=width,
            height=abs(height),
            channels=4 if alpha else 3 if bits > 8 else 1,
            misread=_misread(data, size, bits),
        )

    def decode(self, data: bytes, header: Header) -> Array | None:
        """Three channels unless there is an alpha: OpenCV gives the padding as a fourth."""
        image = super().decode(data, header)
        if image is not None and image.ndim == 3 and header.channels < 4:
            return np.ascontiguousarray(image[..., :3])
        return image


def _misread(data: bytes, size: int, bits: int) -> str:
    if bits == 16:
        return "16 bits a pixel, which are decoded too dark"
    if size != OS2 and bits == 32 and struct.unpack_from("<I", data, 30)[0] == MASKED:
        masks = struct.unpack_from("<III", data, 14 + 40)
        return "" if masks == MASKS else "32 bits in another order than BGR"
    return ""


FORMAT = BMP()
