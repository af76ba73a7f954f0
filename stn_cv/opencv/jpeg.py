"""JPEG files: segments up to the first scan."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .cmyk import rgb_of
from .door import load_cv2
from .exif import exif_dpi, exif_orientation, upright_of, xmp_orientation
from .format import CENTIMETRE, Damaged, Format, Header, HoldsExif, HoldsProfile, square_dpi

__all__ = ["FORMAT"]

# Start of frame, the standard's name for what holds the size: 0xC4, 0xC8 and 0xCC are others.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
ALONE = {0x01, *range(0xD0, 0xD8)}  # markers that no length follows
APP0, APP1, APP2, SCAN, END = 0xE0, 0xE1, 0xE2, 0xDA, 0xD9
EOI = bytes([0xFF, END])
FIRST_SEGMENTS = 2**20  # bytes that are looked at for the frame header
MOST_SCANS = 100  # ten are usual; each costs as much as the whole picture
# How the sampling factors of three colours are called: those of luma, of both others 1x1.
SAMPLINGS = {
    (3, factors, 0x11, 0x11): name
    for factors, name in ((0x11, "444"), (0x21, "422"), (0x22, "420"), (0x12, "440"), (0x41, "411"))
}
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
ICC, EXIF, JFIF = b"ICC_PROFILE\0", b"Exif\0\0", b"JFIF\0"
INCH, DENSITY = 1, 13  # a unit, and where a JFIF segment at the file's start says which
DEFAULT_QUALITY = 95  # tests hold the texts that name it to it
LARGEST_PART = 65535 - 2 - len(ICC) - 2
Segments = Iterator[tuple[int, int, int]]


class JPEG(Format, HoldsProfile, HoldsExif):
    """JPEG of 8 bits, grey or colours; four inks are read."""

    name = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jfif", ".jpe")
    channels = (1, 3)

    def recognizes(self, start: bytes) -> bool:
        """The start of an image, and of a marker."""
        return start.startswith(b"\xff\xd8\xff")

    def read_header(self, data: bytes) -> Header:
        """Size and channels, orientation and profile before the first scan."""
        frame = b""
        exif, xmp, blocks = [], [], []
        parts, dpi = {}, None
        for marker, start, end in _segments(data):
            if marker in FRAMES:
                frame = data[start:end]
            elif marker == APP1 and data.startswith(EXIF, start):
                exif.append(exif_orientation(data[start:end]))
                blocks.append(data[start + len(EXIF) : end])
            elif marker == APP0 and data.startswith(JFIF, start):
                dpi = _density(data[start:end])
            elif marker == APP1 and data.startswith(XMP_NAME, start):
                xmp.append(xmp_orientation(data[start:end]))
            elif marker == APP2 and data.startswith(ICC, start) and end - start > len(ICC) + 2:
                parts[data[start + len(ICC)]] = data[start + len(ICC) + 2 : end]
            elif marker == SCAN:
                break
        else:
            raise Damaged("it ends before its first scan")
        if len(frame) < 6:
            raise Damaged("it has no frame header")
        _check_scans(data, end)
        bits, height, width, channels = struct.unpack_from(">BHHB", frame)
        return Header(
            width=width,
            height=height,
            channels={1: 1, 3: 3, 4: 3}.get(channels, 0),
            dtype="uint8" if bits == 8 else f"{bits} bits",
            orientation=upright_of(*exif, *xmp),
            profile=b"".join(parts[number] for number in sorted(parts)) or None,
            damage="" if data.rfind(EOI, end) > 0 else "it is cut off: its end is missing",
            sampling=SAMPLINGS.get((channels, *frame[7::3])),
            cmyk=channels == 4,
            dpi=dpi or next(filter(None, map(exif_dpi, blocks)), None),
            exif=blocks[0] if blocks else None,
        )

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """In the frame header, if it stands among the first segments."""
        data = file.read(FIRST_SEGMENTS)
        for marker, start, _ in _segments(data):
            if marker in FRAMES:
                height, width = struct.unpack_from(">HH", data, start + 1)
                return width, height
        return None

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """By libjpeg-turbo itself, which can be told to stop where data are damaged."""
        import simplejpeg

        colours = "CMYK" if header.cmyk else "RGB" if header.channels == 3 else "GRAY"
        data = _tidy(data)
        try:
            image = simplejpeg.decode_jpeg(data, colours, strict=not keep_damaged)
        except ValueError as error:
            _check_is_read(data)
            raise Damaged(str(error)) from error
        if header.cmyk:
            from PIL import Image

            inks = Image.fromarray(255 - image, "CMYK")  # Adobe's convention: 255 is no ink
            return rgb_of(inks, header.profile, keep_damaged)
        return np.asarray(image if header.channels == 3 else image[..., 0])

    def encoder_options(self, quality: int | None, sampling: str | None) -> list[int]:
        """Where none is asked for, `DEFAULT_QUALITY`, and OpenCV's own 4:2:0."""
        cv2 = load_cv2()
        quality = DEFAULT_QUALITY if quality is None else int(quality)
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        if sampling is not None:
            factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
            options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
        return options

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """In pieces, behind the JFIF segment."""
        pieces = [profile[i : i + LARGEST_PART] for i in range(0, len(profile), LARGEST_PART)]
        numbered = [ICC + bytes([n, len(pieces)]) + piece for n, piece in enumerate(pieces, 1)]
        return _with_segments(data, APP2, numbered)

    def with_exif(self, data: bytes, exif: bytes) -> bytes:
        """Behind the JFIF segment."""
        return _with_segments(data, APP1, [EXIF + exif])

    def with_dpi(self, data: bytes, dpi: float) -> bytes:
        """In the JFIF segment, which the encoder writes first, in whole numbers."""
        density = struct.pack(">BHH", INCH, round(dpi), round(dpi))
        return data[:DENSITY] + density + data[DENSITY + len(density) :]


def _with_segments(data: bytes, marker: int, contents: list[bytes]) -> bytes:
    """The file with segments behind the JFIF segment."""
    first, _, end = next(_segments(data))
    behind = end if first == APP0 else 2
    segments = [
        struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content for content in contents
    ]
    return data[:behind] + b"".join(segments) + data[behind:]


def _density(segment: bytes) -> float | None:
    """Pixels an inch of a JFIF segment, if it says any."""
    if len(segment) < len(JFIF) + 7:
        return None
    unit, x, y = struct.unpack_from(">BHH", segment, len(JFIF) + 2)
    inches = {INCH: 1.0, INCH + 1: CENTIMETRE}.get(unit)
    return None if inches is None else square_dpi(x, y, inches)


def _segments(data: bytes) -> Segments:
    """Yield (marker, start, end of the payload); stray bytes between segments are passed over."""
    position = 2
    while 0 <= position and position + 4 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xFF or marker == 0:
            position = data.find(b"\xff", position + 1)
        elif marker == 0xFF:  # filling
            position += 1
        elif marker in ALONE:
            position += 2
        else:
            (length,) = struct.unpack_from(">H", data, position + 2)
            if marker == END or length < 2:
                raise Damaged("a segment is broken")
            yield marker, position + 4, position + 2 + length
            position += 2 + length


def _check_scans(data: bytes, start: int) -> None:
    """Refuse what takes minutes; within a scan no byte 255 stands before that of a marker."""
    if (scans := data.count(bytes([0xFF, SCAN]), start)) > MOST_SCANS:
        raise Damaged(f"it has {scans} scans, at most {MOST_SCANS} are decoded")


def _check_is_read(data: bytes) -> None:
    """Refuse, with another reason than damage, samplings and ways of coding that are not read."""
    import simplejpeg

    try:
        simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise InvalidInputError(
            f"it is a JPEG of a rare kind ({error}); write it anew, as a usual JPEG or a PNG."
        ) from error


def _tidy(data: bytes) -> bytes:
    """Without stray bytes before the first scan, which all viewers pass over."""
    kept, last = [data[:2]], 2
    stray = False
    for marker, start, end in _segments(data):
        stray |= start - 4 != last
        kept.append(data[start - 4 : end])
        last = end
        if marker == SCAN:
            break
    return b"".join([*kept, data[last:]]) if stray else data


FORMAT = JPEG()
