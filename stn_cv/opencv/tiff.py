"""TIFF and BigTIFF files: what the tags of the first directory mean."""

import struct

from ..arrays import Array
from .exif import ORIENTATION
from .format import Format, Header
from .tiff_structure import PROFILE, Structure, first_of

__all__ = ["FORMAT"]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WIDTH, HEIGHT, BITS, PHOTOMETRIC = 256, 257, 258, 262
SAMPLES, PLANES, EXTRA, SAMPLE_FORMAT = 277, 284, 338, 339
STRAIGHT, MULTIPLIED = 2, 1  # kinds of alpha
PALETTE, COLOURS = 3, {0, 1, 2, 3, 6, 8, 9, 10}  # photometric interpretations that come as RGB
DTYPES = {(1, 1): "uint8", (8, 1): "uint8", (16, 1): "uint16", (32, 3): "float32"}


class TIFF(Format):
    """TIFF and BigTIFF."""

    name = "TIFF"
    suffixes = (".tiff", ".tif")
    dtypes = ("uint8", "uint16", "float32")

    def recognizes(self, start: bytes) -> bool:
        """A byte order, and 42 or, for BigTIFF, 43 in it."""
        return start.startswith(SIGNATURES)

    def read_header(self, data: bytes) -> Header:
        """Size, channels and numbers of the first picture; decoders turn it themselves."""
        structure = Structure(data)
        tags, following = structure.directory(structure.first)
        width, height = (first_of(tags, tag, 0) for tag in (WIDTH, HEIGHT))
        if 5 <= first_of(tags, ORIENTATION, 1) <= 8:
            width, height = height, width
        photometric, samples = first_of(tags, PHOTOMETRIC, 1), first_of(tags, SAMPLES, 1)
        bits, numbers = first_of(tags, BITS, 1), first_of(tags, SAMPLE_FORMAT, 1)
        channels = {2: 4}.get(samples, samples)  # grey with alpha would have to come as RGBA
        dtype = DTYPES.get((bits, numbers), f"{bits} bits of sample format {numbers}")
        misread = ""
        if samples > 3 and first_of(tags, EXTRA, 0) == MULTIPLIED:
            misread = "colours that are multiplied by their alpha"
        elif dtype != "uint8" and samples > 1 and first_of(tags, PLANES, 1) == 2:
            misread = f"{dtype} in a plane for each channel"
        elif dtype != "uint8" and photometric == 0:
            misread = f"{dtype} of which 0 is white"
        return Header(
            width=width,
            height=height,
            channels=(3 if photometric == PALETTE else channels) if photometric in COLOURS else 0,
            dtype=dtype,
            pages=structure.pages(following),
            profile=tags.get(PROFILE, (None,))[0] or None,
            misread=misread,
        )

    def decode(self, data: bytes, header: Header) -> Array | None:
        """OpenCV turns the picture upright itself."""
        return super().decode(_without_kind_of_alpha(data), header)

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """A new first directory, with one tag more, at the end."""
        structure = Structure(data)
        (count,) = structure.unpack("H", structure.first)
        start = structure.first + 2
        entries = [data[start + 12 * i : start + 12 * (i + 1)] for i in range(count)]
        data += b"\0" * (len(data) % 2)
        entries.append(struct.pack(structure.order + "HHII", PROFILE, 7, len(profile), len(data)))
        data += profile + b"\0" * (len(profile) % 2)
        entries.sort(key=lambda entry: struct.unpack_from(structure.order + "H", entry))
        directory = struct.pack(structure.order + "H", len(entries)) + b"".join(entries) + bytes(4)
        return data[:4] + struct.pack(structure.order + "I", len(data)) + data[8:] + directory


def _without_kind_of_alpha(data: bytes) -> bytes:
    """The file with an alpha of no kind where it is straight: OpenCV multiplies 8 bits by that."""
    structure = Structure(data)
    start, n = structure.entry_of(EXTRA)
    if n != 1 or structure.unpack("H", start)[0] != STRAIGHT:
        return data
    return data[:start] + bytes(2) + data[start + 2 :]


FORMAT = TIFF()
