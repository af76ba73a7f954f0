"""Decoding, and files of images: nothing is lost without a word.

A file is chosen by its content and judged by its header before it is decoded: a picture that
is too large, cut off, or would lose depth, channels or pages is refused.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from ..arrays import Array
from ..atomic import write_bytes
from ..errors import InvalidInputError
from .encoder import encode
from .format import Damaged, Format, Header
from .formats import format_names, format_of
from .turn import upright

__all__ = [
    "LARGEST_PICTURE",
    "Photo",
    "check_pixels",
    "decode",
    "decode_photo",
    "header_of",
    "read_image",
    "write_image",
]

GREY = b"GRAY"  # the colour space that an ICC profile says it is of
LARGEST_PICTURE = 89_478_485  # pixels: 256 MiB of RGB


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes
    ----------
    pixels : ndarray
        Upright.
    profile : bytes or None
        The ICC profile that the pixels are to be read with.
    sampling : str or None
        Of a JPEG's colours, upright: "444", "422", "420", "440" or "411".
    damage : str
        What is known to be lost, where damaged photos are kept; otherwise "".
    dpi : float or None
        Pixels an inch, of square pixels.
    exif : bytes or None
        The EXIF block as it stands in the file, from its byte order on.
    suffix : str
        Of the file's format, whatever its name.
    """

    pixels: Array
    profile: bytes | None = None
    sampling: str | None = None
    damage: str = ""
    dpi: float | None = None
    exif: bytes | None = None
    suffix: str = ""


def header_of(data: bytes) -> Header:
    """What an image file says of itself; nothing is decoded.

    Raises
    ------
    InvalidInputError
        If it is of none of the `FORMATS`, or is cut off.
    """
    return _header(data, _format_to_read(data))


def _format_to_read(data: bytes) -> Format:
    format = format_of(data)
    if format is None:
        raise _no_image(data, "they begin as none of these")
    return format


def _header(data: bytes, format: Format) -> Header:
    try:
        header = format.read_header(data)
    except (Damaged, struct.error, IndexError, OverflowError) as error:
        what = error if isinstance(error, Damaged) else "it is cut off"
        raise _no_image(data, f"{what}") from error
    if min(header.width, header.height) < 1:
        raise _no_image(data, "its header says that it holds no pixel")
    return header


def _no_image(data: bytes, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"{len(data)} bytes are no image that can be decoded ({reason}); wanted a whole "
        f"{format_names()}."
    )


def decode_photo(
    data: bytes,
    max_pixels: int = LARGEST_PICTURE,
    first_page: bool = False,
    keep_damaged: bool = False,
) -> Photo:
    """Decode an image file, judged by its header first.

    Parameters
    ----------
    data : bytes
        A whole file of one of the `FORMATS`.
    max_pixels : int, default 89478485
        A picture with more is refused before it is decoded.
    first_page : bool, default False
        Whether to take the first page or frame of a file that has several.
    keep_damaged : bool, default False
        Whether to take what a decoder can make of damaged data, where it can.

    Returns
    -------
    Photo
        Grey (h, w), RGB (h, w, 3) or RGBA (h, w, 4) pixels of uint8, uint16 or float32,
        turned as the file's EXIF says, and its ICC profile.

    Raises
    ------
    InvalidInputError
        If it is no such file, cut off, larger, has several pages, or cannot be decoded
        without a loss.
    """
    format = _format_to_read(data)
    header = _header(data, format)
    _check_header(header, format, max_pixels, first_page)
    image, damage = _decoded(data, format, header, keep_damaged)
    if image is None:
        what = "is damaged, or stored in a way that OpenCV cannot decode"
        raise _no_image(data, f"its header is that of a {format.suffix}, its content {what}")
    channels = 1 if image.ndim == 2 else image.shape[2]
    came = (image.shape[1], image.shape[0], image.dtype.name)
    if came != (header.width, header.height, header.dtype) or channels < header.channels:
        raise InvalidInputError(
            f"its header says {header.width}x{header.height} {header.dtype} with at least "
            f"{header.channels} channels, OpenCV decodes {came[0]}x{came[1]} {came[2]} with "
            f"{channels}: something would be lost. Convert it to a PNG of RGB or RGBA."
        )
    sampling = header.sampling
    if header.orientation >= 5 and sampling is not None:
        sampling = {"422": "440", "440": "422"}.get(sampling, sampling)
    profile = None if header.cmyk else header.profile
    if profile is not None and profile[16:20] == GREY and image.ndim == 3:
        profile = None  # of a grey picture that came as RGBA; readers drop it
    pixels = upright(image, header.orientation)
    return Photo(pixels, profile, sampling, damage, header.dpi, header.exif, format.suffix)


def _decoded(
    data: bytes, format: Format, header: Header, keep_damaged: bool
) -> tuple[Array | None, str]:
    """Pixels as they are stored, and what is known to be lost of them."""
    damage = header.damage
    try:
        if not damage:
            return format.decode(data, header), ""
    except Damaged as error:
        damage = str(error)
    if keep_damaged:
        try:
            return format.decode(data, header, keep_damaged=True), damage
        except Damaged as error:
            damage = str(error)
    raise InvalidInputError(
        f"its data are damaged ({damage}); get it anew, or take what is left of it with "
        "--damaged keep (damaged='keep')."
    )


def _check_header(header: Header, format: Format, max_pixels: int, first_page: bool) -> None:
    check_pixels(header.width * header.height, max_pixels)
    if header.dtype not in format.dtypes or header.channels not in (1, 3, 4):
        raise InvalidInputError(
            f"it holds {header.dtype} in a colour model that is not grey, RGB or RGBA of "
            f"{' or '.join(format.dtypes)} (such as CMYK); convert it first."
        )
    if header.misread:
        raise InvalidInputError(f"it holds {header.misread}; convert it first.")
    if header.pages > 1 and not first_page:
        raise InvalidInputError(
            "it has several pages or frames; split it, or take the first with --first-page "
            "(first_page=True); rectify takes all of a TIFF with --pages all (pages='all')."
        )


def check_pixels(pixels: int, max_pixels: int) -> None:
    """Refuse a picture that has too many pixels.

    Raises
    ------
    InvalidInputError
        If there are more.
    """
    if pixels > max_pixels:
        raise InvalidInputError(
            f"it has {pixels / 1e6:.1f} megapixels; at most {max_pixels / 1e6:.1f} are allowed. If "
            "it is meant to be so large, raise --max-pixels (max_pixels)."
        )


def decode(data: bytes) -> Array:
    """The pixels of `decode_photo`."""
    return decode_photo(data).pixels


def read_image(path: str | os.PathLike[str]) -> Array:
    """Read an image file, chosen by its content: grey (h, w), RGB or RGBA (h, w, c)."""
    try:
        return decode(Path(path).read_bytes())
    except InvalidInputError as error:
        raise InvalidInputError(f"{os.fspath(path)!r}: {error}") from error


def write_image(path: str | os.PathLike[str], image: Array, quality: int | None = None) -> None:
    """Encode by the path's suffix, then write the file whole or leave what was there."""
    write_bytes(path, encode(image, Path(path).suffix, quality))
