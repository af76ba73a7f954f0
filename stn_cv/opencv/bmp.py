"""BMP files: one header."""

import struct
from typing import BinaryIO

import numpy as np

from ..arrays import Array
from .format import LARGEST_PROFILE, METRE, Damaged, Format, Header, square_dpi
from .pillow import pillow_image

__all__ = ["FORMAT"]

HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
OS2, WITH_ALPHA = 12, 56  # sizes of the header: the shortest, the first to know alpha
RUN_LENGTHS = (1, 2)  # ways of storing
LONG, DENSITY = 40, 38  # size of the header that says pixels a metre, and where
SPACE, EMBEDDED, PROFILE = 70, b"DEBM", 126  # where the longest header says what colours are
MASKED, MASKS = 3, (0xFF0000, 0xFF00, 0xFF)  # a way of storing, and the order that is read


class BMP(Format):
    """Windows bitmaps, not compressed or by run lengths."""

    name = "BMP"
    suffixes = (".bmp",)

    def recognizes(self, start: bytes) -> bool:
        """Two letters, and a header of a size that there is."""
        return start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in HEADER_SIZES

    def read_header(self, data: bytes) -> Header:
        """Size and bits."""
        offset, size = struct.unpack_from("<II", data, 10)
        if offset > len(data):
            raise Damaged("it is cut off")
        width, height = _sides(data, size)
        (bits,) = struct.unpack_from("<H", data, 24 if size == OS2 else 28)
        alpha = False
        if size >= WITH_ALPHA and bits == 32:
            alpha = struct.unpack_from("<I", data, 14 + 52)[0] != 0
        return Header(
            width=width,
            height=abs(height),
            channels=4 if alpha else 3 if bits > 8 else 1,
            profile=_profile(data, size),
            misread=_misread(data, size, bits),
            dpi=_density(data, size),
        )

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """In the header."""
        start = file.read(26)
        return _sides(start, int.from_bytes(start[14:18], "little"))

    def with_dpi(self, data: bytes, dpi: float) -> bytes:
        """In the header, in whole pixels a metre."""
        number = round(dpi * METRE)
        return data[:DENSITY] + struct.pack("<ii", number, number) + data[DENSITY + 8 :]

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """Three channels unless there is an alpha: OpenCV gives the padding as a fourth."""
        image = super().decode(_with_long_header(data), header, keep_damaged)
        if image is not None and image.ndim == 3 and header.channels < 4:
            image = np.ascontiguousarray(image[..., :3])
        if image is not None and not keep_damaged and _by_run_lengths(data):
            _check_by_pillow(data, image)
        return image


def _sides(data: bytes, size: int) -> tuple[int, int]:
    """(width, height) of a header of this size; a negative height goes from top to bottom."""
    width, height = struct.unpack_from("<HH" if size == OS2 else "<ii", data, 18)
    return width, height


def _density(data: bytes, size: int) -> float | None:
    """Pixels an inch, if the header is long enough to say any."""
    if size < LONG:
        return None
    x, y = struct.unpack_from("<ii", data, DENSITY)
    return square_dpi(x, y, METRE)


def _profile(data: bytes, size: int) -> bytes | None:
    """The ICC profile that the longest header may point at."""
    if size < HEADER_SIZES[-1] or data[SPACE : SPACE + 4] != EMBEDDED:
        return None
    start, length = struct.unpack_from("<II", data, PROFILE)
    return data[14 + start : 14 + start + min(length, LARGEST_PROFILE)] or None


def _with_long_header(data: bytes) -> bytes:
    """The file with a header of which OpenCV reads the palette: of the shortest it does not."""
    offset, size, width, height, _, bits = struct.unpack_from("<IIHHHH", data, 10)
    if size != OS2 or bits > 8:
        return data
    n = min(1 << bits, (offset - 26) // 3)
    colours = b"".join(data[26 + 3 * i : 29 + 3 * i] + b"\0" for i in range(n))
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, n, 0)
    start = struct.pack("<IHHI", 54 + 4 * n + len(data) - offset, 0, 0, 54 + 4 * n)
    return b"BM" + start + info + colours + data[offset:]


def _by_run_lengths(data: bytes) -> bool:
    """Whether it is stored so: decoders differ where a run leaves its row."""
    (size,) = struct.unpack_from("<I", data, 14)
    return size >= 40 and struct.unpack_from("<I", data, 30)[0] in RUN_LENGTHS


def _check_by_pillow(data: bytes, image: Array) -> None:
    with pillow_image(data, "its runs") as other:
        colours = np.asarray(other.convert("RGB" if image.ndim == 3 else "L"))
    if not np.array_equal(colours, image):
        raise Damaged("its runs leave their rows")


def _misread(data: bytes, size: int, bits: int) -> str:
    if bits == 16:
        return "16 bits a pixel, which are decoded too dark"
    if size != OS2 and bits == 32 and struct.unpack_from("<I", data, 30)[0] == MASKED:
        masks = struct.unpack_from("<III", data, 14 + 40)
        return "" if masks == MASKS else "32 bits in another order than BGR"
    return ""


FORMAT = BMP()
