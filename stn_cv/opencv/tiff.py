"""TIFF and BigTIFF files: what the tags of the first directory mean."""

import contextlib
import struct
from typing import BinaryIO

import numpy as np

from ..arrays import Array, straight, white_of
from .cmyk import rgb_of
from .exif import (
    DESCRIPTIVE,
    ORIENTATION,
    PHOTO,
    PLACE,
    RATIONAL,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    Y_RESOLUTION,
    exif_dpi,
)
from .format import Damaged, Format, Header, HoldsProfile
from .pillow import UnknownToPillow, pillow_image
from .tiff_pieces import BITS, PHOTOMETRIC, check_pieces
from .tiff_structure import (
    HEIGHT,
    PLANES,
    PROFILE,
    SAMPLES,
    WIDTH,
    Structure,
    Tags,
    first_of,
)

__all__ = ["FORMAT"]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
COLOUR_MAP, INK_SET, EXTRA, SAMPLE_FORMAT = 320, 332, 338, 339
DEPTH = 32997  # of a volume
FIRST_ENTRIES = 2**12  # bytes of the first directory that are looked at for the sides
STRAIGHT, MULTIPLIED = 2, 1  # kinds of alpha
INKS = 5  # a photometric interpretation, of four inks
FEW_BITS = (2, 4)  # a sample, of which OpenCV reads no picture
SHORT, UNDEFINED = 3, 7  # kinds of values
INCH = 2  # a unit
EXIF_TAGS = {PHOTO, PLACE, *DESCRIPTIVE} - {305}  # of software alone nobody asks
# Photometric interpretations that come as grey or RGB; CIE L*a*b* does not come with its white.
NEGATIVE, GREY, PALETTE, COLOURS = 0, 1, 3, {0, 1, 2, 3, 6}
CMYK = 1  # a set of inks
DTYPES = {(1, 1): "uint8", (8, 1): "uint8", (16, 1): "uint16", (32, 3): "float32"}


class TIFF(Format, HoldsProfile):
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
        tags = structure.directory(structure.first)
        width, height = (first_of(tags, tag, 0) for tag in (WIDTH, HEIGHT))
        if 5 <= first_of(tags, ORIENTATION, 1) <= 8:
            width, height = height, width
        photometric, samples = first_of(tags, PHOTOMETRIC, 1), first_of(tags, SAMPLES, 1)
        bits, numbers = first_of(tags, BITS, 1), first_of(tags, SAMPLE_FORMAT, 1)
        channels = {2: 4}.get(samples, samples)  # grey with alpha would have to come as RGBA
        if photometric == PALETTE:
            channels = 3 if samples == 1 else 0
        if photometric in (NEGATIVE, GREY) and samples > 2:
            channels = 0
        dtype = DTYPES.get((bits, numbers), f"{bits} bits of sample format {numbers}")
        cmyk = (photometric, samples, dtype) == (INKS, 4, "uint8")
        dtype = "uint8" if _has_few_bits(tags) else dtype
        return Header(
            width=width,
            height=height,
            channels=3 if cmyk else channels if photometric in COLOURS else 0,
            cmyk=cmyk,
            dtype=dtype,
            pages=structure.pages(),
            profile=tags.get(PROFILE, (None,))[0] or None,
            dpi=exif_dpi(data),
            exif=data if EXIF_TAGS & tags.keys() else None,
            misread=_misread(structure, tags, dtype),
            damage=_missing(structure, tags),
        )

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """In the first directory, wherever it is."""
        structure = Structure(file.read(16))
        file.seek(structure.first)
        found = structure.entries(file.read(FIRST_ENTRIES))
        return (found[WIDTH], found[HEIGHT]) if WIDTH in found and HEIGHT in found else None

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """OpenCV turns the picture upright itself, and passes over what is damaged."""
        structure = Structure(data)
        tags = structure.directory(structure.first)
        if not keep_damaged:
            check_pieces(structure, tags)
        if header.cmyk or _has_few_bits(tags):
            return _by_pillow(data, header, tags, keep_damaged)
        image = super().decode(_without_kind_of_alpha(data), header)
        if image is None and header.dtype == "uint8" and header.channels in (1, 3):
            with contextlib.suppress(UnknownToPillow):
                return _by_pillow(data, header, tags, keep_damaged)
        if image is not None and _is_negative(tags) and image.dtype == np.uint16:
            image = ~image
        multiplied = first_of(tags, EXTRA, 0) == MULTIPLIED
        if image is not None and multiplied and image.shape[2:] == (4,):
            for row in image:
                row[:] = straight(row / np.float32(white_of(image.dtype)), image.dtype)
        return image

    def encode(self, image: Array, quality: int | None, sampling: str | None) -> bytes | None:
        """With a tag that says what the fourth channel is, which OpenCV leaves out."""
        data = super().encode(image, quality, sampling)
        if data is None or image.ndim == 2 or image.shape[2] < 4:
            return data
        order = Structure(data).order
        return _with_tag(data, EXTRA, SHORT, 1, struct.pack(order + "HH", STRAIGHT, 0))

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Behind the picture."""
        return _with_long_tag(data, PROFILE, UNDEFINED, len(profile), profile)

    def with_dpi(self, data: bytes, dpi: float) -> bytes:
        """Three tags, in thousandths."""
        order = Structure(data).order
        number = struct.pack(order + "II", round(dpi * 1000), 1000)
        for tag in (X_RESOLUTION, Y_RESOLUTION):
            data = _with_long_tag(data, tag, RATIONAL, 1, number)
        return _with_tag(data, RESOLUTION_UNIT, SHORT, 1, struct.pack(order + "HH", INCH, 0))


def _with_long_tag(data: bytes, tag: int, kind: int, n: int, value: bytes) -> bytes:
    """As `_with_tag`, of a value that stands behind the picture."""
    start = len(data) + len(data) % 2
    data = data.ljust(start, b"\0") + value + b"\0" * (len(value) % 2)
    return _with_tag(data, tag, kind, n, struct.pack(Structure(data).order + "I", start))


def _with_tag(data: bytes, tag: int, kind: int, n: int, value: bytes) -> bytes:
    """The file with a new first directory, which has one tag more, at its end."""
    structure = Structure(data)
    (count,) = structure.unpack("H", structure.first)
    start = structure.first + 2
    entries = [data[start + 12 * i : start + 12 * (i + 1)] for i in range(count)]
    entries.append(struct.pack(structure.order + "HHI", tag, kind, n) + value)
    entries.sort(key=lambda entry: struct.unpack_from(structure.order + "H", entry))
    data += b"\0" * (len(data) % 2)
    directory = struct.pack(structure.order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack(structure.order + "I", len(data)) + data[8:] + directory


def _missing(structure: Structure, tags: Tags) -> str:
    """Why not all of the picture is in the file, if so."""
    try:
        structure.pieces(tags)
    except Damaged as error:
        return str(error)
    return ""


def _misread(structure: Structure, tags: Tags, dtype: str) -> str:
    """What decoders would get wrong, if anything."""
    samples, photometric = first_of(tags, SAMPLES, 1), first_of(tags, PHOTOMETRIC, 1)
    known = first_of(tags, EXTRA, 0) in (STRAIGHT, MULTIPLIED) or photometric == INKS
    few_and_big = structure.order == ">" and structure.offset == "Q" and _has_few_bits(tags)
    faults = {  # OpenCV writes alpha without the tag
        "a fourth sample and does not say whether it is an alpha": (
            samples > 3 and EXTRA in tags and not known
        ),
        f"{dtype} in a plane for each channel": (
            dtype != "uint8" and samples > 1 and first_of(tags, PLANES, 1) == 2
        ),
        f"{dtype} of which 0 is white": dtype == "float32" and _is_negative(tags),
        "a volume of several slices": first_of(tags, DEPTH, 1) > 1,
        "inks other than cyan, magenta, yellow and black": (
            photometric == INKS and first_of(tags, INK_SET, CMYK) != CMYK
        ),
        "few bits a sample in a BigTIFF of this byte order": few_and_big,
    }
    return next((what for what, is_so in faults.items() if is_so), "")


def _is_negative(tags: Tags) -> bool:
    """Whether 0 is white."""
    return first_of(tags, PHOTOMETRIC, 1) == NEGATIVE


def _has_few_bits(tags: Tags) -> bool:
    """Whether a picture of one sample is of those that Pillow reads."""
    palette = first_of(tags, PHOTOMETRIC, 1) == PALETTE
    few = first_of(tags, BITS, 1) in ((1, *FEW_BITS) if palette else FEW_BITS)
    return few and first_of(tags, SAMPLES, 1) == first_of(tags, SAMPLE_FORMAT, 1) == 1


def _by_pillow(data: bytes, header: Header, tags: Tags, keep_damaged: bool) -> Array | None:
    """What OpenCV does not read: few bits, inks, small tiles, zstd. Pillow turns it upright."""
    with pillow_image(data, "libtiff") as image:
        if header.cmyk:
            return rgb_of(image, header.profile, keep_damaged)
        if image.mode == "P":
            return _colours(tags)[np.asarray(image)]
        wanted = {1: ("1", "L"), 3: ("RGB",)}[header.channels]
        return np.asarray(image.convert(wanted[-1])) if image.mode in wanted else None


def _colours(tags: Tags) -> Array:
    """The palette, of 16 bits, or of 8 as some writers put it, which Pillow shows black."""
    colours = np.asarray(tags.get(COLOUR_MAP, ()))
    if len(colours) != 3 << first_of(tags, BITS, 1):
        raise Damaged("its palette is missing")
    scale = 256 if colours.max() > 255 else 1
    return (colours.reshape(3, -1).T // scale).astype(np.uint8)


def _without_kind_of_alpha(data: bytes) -> bytes:
    """The file with an alpha of no kind: OpenCV multiplies 8 bits by a straight one."""
    structure = Structure(data)
    start, n = structure.entry_of(EXTRA)
    if n != 1 or structure.unpack("H", start)[0] not in (STRAIGHT, MULTIPLIED):
        return data
    return data[:start] + bytes(2) + data[start + 2 :]


FORMAT = TIFF()
