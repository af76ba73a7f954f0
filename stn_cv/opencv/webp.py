"""WebP files: chunks of a RIFF."""

import struct
from collections.abc import Iterator

from .header import Damaged, Header, exif_orientation

__all__ = ["SIGNATURES", "read_header", "with_profile"]

SIGNATURES = (b"RIFF",)  # and "WEBP" behind the size
HAS_PROFILE, HAS_ALPHA = 0x20, 0x10
Chunk = tuple[bytes, bytes]


def read_header(data: bytes) -> Header:
    """Size and alpha of the canvas, orientation, profile and frames."""
    (size,) = struct.unpack_from("<I", data, 4)
    if data[8:12] != b"WEBP" or size + 8 > len(data):
        raise Damaged("it is cut off, or no WebP")
    width = height = frames = 0
    alpha, orientation, profile = False, 1, None
    for kind, start, end in _chunks(data):
        if kind in (b"VP8X", b"VP8 ", b"VP8L") and not width:
            width, height, alpha = _canvas(kind, data[start : start + 10])
        elif kind == b"EXIF":
            orientation = exif_orientation(data[start:end])
        elif kind == b"ICCP":
            profile = data[start:end] or None
        frames += kind == b"ANMF"
    return Header(
        format=".webp",
        width=width,
        height=height,
        channels=4 if alpha else 3,
        orientation=orientation,
        pages=2 if frames > 1 else 1,
        profile=profile,
    )


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


def with_profile(data: bytes, profile: bytes) -> bytes:
    """The file with a colour profile; a simple file becomes an extended one for it."""
    header = read_header(data)
    chunks = [(kind, data[start:end]) for kind, start, end in _chunks(data)]
    if chunks[0][0] == b"VP8X":
        flags = chunks.pop(0)[1][0]
    else:
        flags = HAS_ALPHA if header.channels == 4 else 0
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (header.width, header.height))
    extended: list[Chunk] = [
        (b"VP8X", bytes([flags | HAS_PROFILE, 0, 0, 0]) + sides),
        (b"ICCP", profile),
    ]
    body = b"WEBP" + b"".join(_packed(*chunk) for chunk in extended + chunks)
    return _packed(b"RIFF", body)


def _packed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
