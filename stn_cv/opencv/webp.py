"""WebP files: chunks of a RIFF."""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from ..arrays import Array
from .door import load_cv2
from .exif import exif_dpi, exif_orientation, upright_of, xmp_orientation
from .format import Damaged, Format, Header, HoldsExif, HoldsProfile
from .pillow import pillow_image

__all__ = ["FORMAT"]

HAS_PROFILE, HAS_ALPHA, HAS_EXIF = 0x20, 0x10, 0x08
Chunk = tuple[bytes, bytes]


class WebP(Format, HoldsProfile, HoldsExif):
    """WebP, lossless unless a quality is asked for."""

    name = "WebP"
    suffixes = (".webp",)
    channels = (3, 4)

    def recognizes(self, start: bytes) -> bool:
        """A RIFF of this kind: sounds and films are others."""
        return start.startswith(b"RIFF") and start[8:12] == b"WEBP"

    def read_header(self, data: bytes) -> Header:
        """Size and alpha of the canvas, orientation, profile and frames."""
        (size,) = struct.unpack_from("<I", data, 4)
        if size + 8 > len(data):
            raise Damaged("it is cut off")
        width = height = frames = 0
        alpha, profile = False, None
        exif = xmp = block = None
        for kind, start, end in _chunks(data):
            if kind in (b"VP8X", b"VP8 ", b"VP8L") and not width:
                width, height, alpha = _canvas(kind, data[start : start + 10])
            elif kind == b"EXIF":
                block = data[start:end].removeprefix(b"Exif\0\0")
                exif = exif_orientation(block)
            elif kind == b"XMP ":
                xmp = xmp_orientation(data[start:end])
            elif kind == b"ICCP":
                profile = data[start:end] or None
            frames += kind == b"ANMF"
        return Header(
            width=width,
            height=height,
            channels=4 if alpha else 3,
            orientation=upright_of(exif, xmp),
            pages=2 if frames > 1 else 1,
            profile=profile,
            dpi=exif_dpi(block or b""),
            exif=block,
        )

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """In the first chunk."""
        start = file.read(30)
        return _canvas(start[12:16], start[20:])[:2]

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """By Pillow, which says what libwebp knows to be damaged: the same pixels."""
        if keep_damaged:
            return super().decode(data, header)
        with pillow_image(data, "libwebp") as image:
            return np.asarray(image)

    def encoder_options(self, quality: int | None, sampling: str | None) -> list[int]:
        """Lossless ones keep the colours below transparency too."""
        cv2 = load_cv2()
        if quality is not None:
            return [cv2.IMWRITE_WEBP_QUALITY, int(quality)]
        return [cv2.IMWRITE_WEBP_LOSSLESS_MODE, cv2.IMWRITE_WEBP_LOSSLESS_PRESERVE_COLOR]

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """A simple file becomes an extended one for it."""
        return self._extended(data, HAS_PROFILE, before=[(b"ICCP", profile)])

    def with_exif(self, data: bytes, exif: bytes) -> bytes:
        """Behind the picture, of an extended file as well."""
        return self._extended(data, HAS_EXIF, behind=[(b"EXIF", exif)])

    def _extended(
        self, data: bytes, flag: int, before: Sequence[Chunk] = (), behind: Sequence[Chunk] = ()
    ) -> bytes:
        """An extended file that has a flag set and more chunks."""
        header = self.read_header(data)
        chunks = [(kind, data[start:end]) for kind, start, end in _chunks(data)]
        if chunks[0][0] == b"VP8X":
            flags = chunks.pop(0)[1][0]
        else:
            flags = HAS_ALPHA if header.channels == 4 else 0
        sides = b"".join((side - 1).to_bytes(3, "little") for side in (header.width, header.height))
        first = (b"VP8X", bytes([flags | flag, 0, 0, 0]) + sides)
        body = b"".join(_packed(*chunk) for chunk in (first, *before, *chunks, *behind))
        return _packed(b"RIFF", b"WEBP" + body)


def _canvas(kind: bytes, content: bytes) -> tuple[int, int, bool]:
    """(width, height, alpha) as the first chunk says."""
    if kind == b"VP8X":
        sides = [int.from_bytes(content[i : i + 3], "little") + 1 for i in (4, 7)]
        return sides[0], sides[1], bool(content[0] & HAS_ALPHA)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF, False
    (bits,) = struct.unpack_from("<I", content, 1)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of the content)."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8, position + 8 + length
        position += 8 + length + length % 2


def _packed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


FORMAT = WebP()
