"""PNG files: chunks up to the last."""

import struct
import zlib
from collections.abc import Iterator

from .exif import exif_orientation
from .format import LARGEST_PROFILE, Damaged, Format, Header

__all__ = ["FORMAT"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}  # by colour type; grey with alpha comes as RGBA
AFTER_HEADER = 8 + 12 + 13


class PNG(Format):
    """Portable Network Graphics, also animated ones."""

    name = "PNG"
    suffixes = (".png",)
    dtypes = ("uint8", "uint16")

    def recognizes(self, start: bytes) -> bool:
        """Eight bytes, and a header chunk."""
        return start.startswith(SIGNATURE) and start[12:16] in (b"IHDR", b"")

    def read_header(self, data: bytes) -> Header:
        """Size and colours of the first chunk, orientation, profile and frames of others."""
        width = height = colours = bits = 0
        alpha, orientation, pages, profile = False, 1, 1, None
        for number, (kind, start, end) in enumerate(_chunks(data)):
            if number == 0:
                if kind != b"IHDR":
                    raise Damaged("its first chunk is no header")
                width, height, bits, colours = struct.unpack_from(">IIBB", data, start)
            elif kind == b"tRNS":
                alpha = True
            elif kind == b"eXIf":
                orientation = exif_orientation(data[start:end])
            elif kind == b"iCCP":
                profile = _profile(data[start:end])
            elif kind == b"acTL":
                pages = min(max(struct.unpack_from(">I", data, start)[0], 1), 2)
            elif kind == b"IEND":
                break
        else:
            raise Damaged("it is cut off: its last chunk is missing")
        return Header(
            width=width,
            height=height,
            channels=4 if alpha else CHANNELS.get(colours, 0),
            dtype="uint16" if bits == 16 else "uint8",
            orientation=orientation,
            pages=pages,
            profile=profile,
        )

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Behind the header chunk."""
        content = b"iCCP" + b"ICC profile\0\0" + zlib.compress(profile)
        chunk = (
            struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
        )
        return data[:AFTER_HEADER] + chunk + data[AFTER_HEADER:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of the content) of whole chunks."""
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield kind, position + 8, end
        position = end + 4


def _profile(content: bytes) -> bytes | None:
    """The profile in an iCCP chunk, if it can be unpacked and is no bomb."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(content[content.index(b"\0") + 2 :], LARGEST_PROFILE)
    except (ValueError, zlib.error):
        return None
    return profile if unpacker.eof else None


FORMAT = PNG()
