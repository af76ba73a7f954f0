"""JPEG files: segments up to the first scan."""

import struct
from collections.abc import Iterator

from ..arrays import Array
from .door import load_cv2
from .exif import exif_orientation
from .format import Damaged, Format, Header, imdecode

__all__ = ["FORMAT"]

# Start of frame, the standard's name for what holds the size: 0xC4, 0xC8 and 0xCC are others.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that no length follows
APP0, APP1, APP2, SCAN, END = 0xE0, 0xE1, 0xE2, 0xDA, 0xD9
ICC = b"ICC_PROFILE\0"
LARGEST_PART = 65535 - 2 - len(ICC) - 2
Segments = Iterator[tuple[int, int, int]]


class JPEG(Format):
    """JPEG of 8 bits, grey or colours."""

    name = "JPEG"
    suffixes = (".jpg", ".jpeg")
    channels = (1, 3)

    def recognizes(self, start: bytes) -> bool:
        """The start of an image, and of a marker."""
        return start.startswith(b"\xff\xd8\xff")

    def read_header(self, data: bytes) -> Header:
        """Size and channels, orientation and profile before the first scan."""
        frame = b""
        orientation, parts = 1, {}
        for marker, start, end in _segments(data):
            if marker in FRAMES:
                frame = data[start:end]
            elif marker == APP1 and data.startswith(b"Exif\0\0", start):
                orientation = exif_orientation(data[start:end])
            elif marker == APP2 and data.startswith(ICC, start) and end - start > len(ICC) + 2:
                parts[data[start + len(ICC)]] = data[start + len(ICC) + 2 : end]
            elif marker == SCAN:
                break
        else:
            raise Damaged("it ends before its first scan")
        if data.rfind(bytes([0xFF, END]), end) < 0:
            raise Damaged("it is cut off: its end is missing")
        if len(frame) < 6:
            raise Damaged("it has no frame header")
        bits, height, width, channels = struct.unpack_from(">BHHB", frame)
        return Header(
            width=width,
            height=height,
            channels=channels if channels in (1, 3) else 0,  # 4 are CMYK
            dtype="uint8" if bits == 8 else f"{bits} bits",
            orientation=orientation,
            profile=b"".join(parts[number] for number in sorted(parts)) or None,
        )

    def decode(self, data: bytes, header: Header) -> Array | None:
        """As stored; the decoder itself swaps red and blue, at no cost."""
        cv2 = load_cv2()
        if header.channels != 3:
            return super().decode(data, header)
        return imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)

    def encoder_options(self, quality: int | None) -> list[int]:
        """OpenCV's own default is 95."""
        return [] if quality is None else [load_cv2().IMWRITE_JPEG_QUALITY, int(quality)]

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """In pieces, behind the JFIF segment."""
        marker, _, end = next(_segments(data))
        behind = end if marker == APP0 else 2
        pieces = [profile[i : i + LARGEST_PART] for i in range(0, len(profile), LARGEST_PART)]
        segments = [
            struct.pack(">BBH", 0xFF, APP2, 2 + len(ICC) + 2 + len(piece))
            + ICC
            + bytes([number, len(pieces)])
            + piece
            for number, piece in enumerate(pieces, 1)
        ]
        return data[:behind] + b"".join(segments) + data[behind:]


def _segments(data: bytes) -> Segments:
    """Yield (marker, start, end of the payload) up to the end of the data."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise Damaged("bytes stand where a marker should")
        marker = data[position + 1]
        if marker == 0xFF:  # filling
            position += 1
        elif marker in ALONE:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            if marker == END or length < 2:
                raise Damaged("a segment is broken")
            yield marker, position + 4, position + 2 + length
            position += 2 + length


FORMAT = JPEG()
