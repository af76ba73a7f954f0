"""PNG files: chunks up to the last."""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..arrays import Array
from .exif import exif_orientation, raw_profile, upright_of, xmp_orientation
from .format import (
    LARGEST_PROFILE,
    METRE,
    Damaged,
    Format,
    Header,
    HoldsExif,
    HoldsProfile,
    square_dpi,
)

__all__ = ["FORMAT", "has_palette"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}  # by colour type; grey with alpha comes as RGBA
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
RAW_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")
XMP_NAME, RAW_XMP = b"XML:com.adobe.xmp", b"Raw profile type xmp"
BYTES_OF_A_CHUNK = 256  # on average at least, but for some thousand
AFTER_HEADER = 8 + 12 + 13
START_OF_SIZE, BITS, COLOUR_TYPE = 16, 24, 25
A_METRE = 1  # a unit
ONCE = (b"tRNS", b"eXIf", b"pHYs", b"iCCP", b"acTL")
ONE_FRAME = b"\0\0\0\1"


class PNG(Format, HoldsProfile, HoldsExif):
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
        once: dict[bytes, bytes] = {}
        texts = []
        for number, (kind, start, end) in enumerate(_chunks(data)):
            if number == 0:
                if kind != b"IHDR":
                    raise Damaged("its first chunk is no header")
                width, height, bits, colours = struct.unpack_from(">IIBB", data, start)
            elif kind in ONCE:
                once.setdefault(kind, data[start:end])
            elif kind in TEXTS:
                texts.append(_orientation_in_text(kind, data[start:end]))
            elif kind == b"IEND":
                break
        else:
            raise Damaged("it is cut off: its last chunk is missing")
        exif, frames = once.get(b"eXIf"), struct.unpack(">I", once.get(b"acTL", ONE_FRAME)[:4])
        return Header(
            width=width,
            height=height,
            channels=4 if b"tRNS" in once else CHANNELS.get(colours, 0),
            dtype="uint16" if bits == 16 else "uint8",
            orientation=upright_of(exif_orientation(exif or b""), *texts),
            pages=min(max(frames[0], 1), 2),
            profile=_profile(once[b"iCCP"]) if b"iCCP" in once else None,
            dpi=_density(once.get(b"pHYs", b"")),
            exif=exif,
        )

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """In the first chunk."""
        width, height = struct.unpack_from(">II", file.read(AFTER_HEADER), 16)
        return width, height

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """With the alpha of a transparent shade of grey, which OpenCV passes over."""
        image = super().decode(data, header, keep_damaged)
        if image is None or image.ndim == 3 or header.channels < 4:
            return image
        shades = np.where(image == _transparent_shade(data), 0, np.iinfo(image.dtype).max)
        return np.dstack([image, image, image, shades.astype(image.dtype)])

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Behind the header chunk."""
        return _with_chunk(data, b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))

    def with_exif(self, data: bytes, exif: bytes) -> bytes:
        """Behind the header chunk."""
        return _with_chunk(data, b"eXIf", exif)

    def with_dpi(self, data: bytes, dpi: float) -> bytes:
        """Behind the header chunk, in whole pixels a metre."""
        number = round(dpi * METRE)
        return _with_chunk(data, b"pHYs", struct.pack(">IIB", number, number, A_METRE))


def _with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """The file with a chunk behind its header."""
    checked = kind + content
    chunk = struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
    return data[:AFTER_HEADER] + chunk + data[AFTER_HEADER:]


def _density(content: bytes) -> float | None:
    """Pixels an inch of a pHYs chunk, if it says any."""
    if len(content) < 9 or content[8] != A_METRE:
        return None
    x, y = struct.unpack_from(">II", content)
    return square_dpi(x, y, METRE)


def _transparent_shade(data: bytes) -> int:
    """Of a grey picture, on the scale on which OpenCV gives it: 8 bits, or 16."""
    bits = data[BITS]
    for kind, start, _ in _chunks(data):
        if kind == b"tRNS":
            (shade,) = struct.unpack_from(">H", data, start)
            return int(
                shade if bits == 16 else (shade & (1 << bits) - 1) * 255 // ((1 << bits) - 1)
            )
    return -1


def has_palette(data: bytes) -> bool:
    """Whether a file is a PNG of a few colours that are numbered."""
    return FORMAT.recognizes(data[:START_OF_SIZE]) and data[COLOUR_TYPE : COLOUR_TYPE + 1] == b"\3"


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start, end of the content) of whole chunks."""
    position, left = 8, 4096 + len(data) // BYTES_OF_A_CHUNK
    while position + 12 <= len(data):
        left -= 1
        if left < 0:
            raise Damaged("it is cut into too many chunks")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield kind, position + 8, end
        position = end + 4


def _orientation_in_text(kind: bytes, content: bytes) -> int | None:
    """What a text says that holds an EXIF block or an XMP packet, packed or not."""
    name, _, text = content.partition(b"\0")
    if name not in (*RAW_EXIF, XMP_NAME, RAW_XMP):
        return None
    if kind == b"iTXt":
        packed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    else:
        packed, text = kind == b"zTXt", text.removeprefix(b"\0")
    if packed:
        text = _unpacked(text) or b""
    if name in RAW_EXIF:
        return exif_orientation(raw_profile(text))
    return xmp_orientation(text if name == XMP_NAME else raw_profile(text))


def _unpacked(packed: bytes) -> bytes | None:
    """What was packed, if it is whole and no bomb."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, LARGEST_PROFILE)
    except zlib.error:
        return None
    return content if unpacker.eof else None


def _profile(content: bytes) -> bytes | None:
    """The profile in an iCCP chunk, if it can be unpacked and is no bomb."""
    _, found, packed = content.partition(b"\0")
    return _unpacked(packed[1:]) if found else None


FORMAT = PNG()
