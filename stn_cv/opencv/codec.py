"""Encoding and decoding: nothing is lost without a word.

A file is chosen by its content and judged by its header before it is decoded: a picture that
is too large, cut off, or would lose depth, channels or pages is refused.
"""

import contextlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..atomic import write_bytes
from ..errors import InvalidInputError
from . import bmp, jpeg, png, tiff, webp
from .door import load_cv2
from .header import Damaged, Header

__all__ = [
    "ALIASES",
    "FORMATS",
    "LARGEST_PICTURE",
    "Photo",
    "decode",
    "decode_photo",
    "encode",
    "header_of",
    "may_be_image",
    "read_image",
    "write_image",
]

# What each format keeps as it is: dtypes and numbers of channels.
FORMATS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    ".png": (("uint8", "uint16"), (1, 3, 4)),
    ".jpg": (("uint8",), (1, 3)),
    ".webp": (("uint8",), (3, 4)),
    ".tiff": (("uint8", "uint16", "float32"), (1, 3, 4)),
    ".bmp": (("uint8",), (1, 3, 4)),
}
ALIASES = {".jpeg": ".jpg", ".tif": ".tiff"}
PARSERS: tuple[Any, ...] = (jpeg, png, webp, tiff, bmp)
PROFILES: dict[str, Any] = {".jpg": jpeg, ".png": png, ".webp": webp, ".tiff": tiff}
LARGEST_PICTURE = 89_478_485  # pixels: 256 MiB of RGB


@dataclass(frozen=True)
class Photo:
    """Pixels, upright, and the colour profile they are to be read with."""

    pixels: Array
    profile: bytes | None = None


def encode(
    image: Array, suffix: str, quality: int | None = None, profile: bytes | None = None
) -> bytes:
    """Encode an image as a file of the format that a suffix names.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        Grey, RGB or RGBA, of a dtype that the format keeps as it is; see `FORMATS`.
    suffix : str
        Such as ``".png"``, in either case.
    quality : int or None, default None
        1 to 100 for JPEG (None: 95) and WebP (None: lossless); other formats lose nothing.
    profile : bytes or None, default None
        ICC colour profile to put into the file.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    InvalidInputError
        If the format is unknown, or would change the dtype, drop channels or the profile.
    """
    image = np.asarray(image)
    kind = ALIASES.get(suffix.lower(), suffix.lower())
    _check_holds(image, kind, suffix, quality)
    if profile is not None and kind not in PROFILES:
        raise InvalidInputError(
            f"{kind} cannot hold a colour profile; write one of {', '.join(PROFILES)}."
        )
    cv2 = load_cv2()
    flags = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}
    options = [flags[kind], int(quality)] if quality is not None and kind in flags else []
    if kind == ".webp" and quality is None:  # lossless, also below transparency
        options = [cv2.IMWRITE_WEBP_LOSSLESS_MODE, cv2.IMWRITE_WEBP_LOSSLESS_PRESERVE_COLOR]
    done, data = cv2.imencode(kind, _swap_red_and_blue(image), options)
    if not done:  # also where the encoder raises
        raise InvalidInputError(
            f"OpenCV cannot encode shape {image.shape} as {kind}; it may be too large for the "
            "format, so shrink it or write .png or .tiff."
        )
    whole = data.tobytes()
    return whole if profile is None else PROFILES[kind].with_profile(whole, profile)


def _check_holds(image: Array, kind: str, suffix: str, quality: int | None) -> None:
    if kind not in FORMATS:
        raise InvalidInputError(f"cannot write {suffix!r}; wanted one of {', '.join(FORMATS)}.")
    channels = 1 if image.ndim == 2 else image.shape[-1]
    dtypes, counts = FORMATS[kind]
    if image.dtype.name not in dtypes or channels not in counts or image.ndim not in (2, 3):
        raise InvalidInputError(
            f"{kind} cannot hold {image.dtype} of shape {image.shape} unchanged; it takes "
            f"{' or '.join(dtypes)} with {' or '.join(map(str, counts))} channels. Convert the "
            "image, or write .png or .tiff."
        )
    if 0 in image.shape or (quality is not None and not 1 <= quality <= 100):
        raise InvalidInputError(
            f"cannot encode shape {image.shape} at quality {quality}; wanted at least one pixel "
            "and a quality from 1 to 100."
        )


def _swap_red_and_blue(image: Array) -> Array:
    """RGB[A] to BGR[A] or back; grey stays grey. Native and contiguous, as cv2 wants it."""
    image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    if image.ndim == 2 or image.shape[2] < 3:
        return image
    cv2 = load_cv2()
    alike = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return np.asarray(cv2.cvtColor(image, alike))


def header_of(data: bytes) -> Header:
    """What an image file says of itself; nothing is decoded.

    Raises
    ------
    InvalidInputError
        If it is no JPEG, PNG, WebP, TIFF or BMP, or is cut off.
    """
    for parser in PARSERS:
        if data.startswith(parser.SIGNATURES):
            try:
                header: Header = parser.read_header(data)
            except (Damaged, struct.error, IndexError) as error:
                what = error if isinstance(error, Damaged) else "it is cut off"
                raise _no_image(data, f"{what}") from error
            if min(header.width, header.height) < 1:
                raise _no_image(data, "its header says that it holds no pixel")
            return header
    raise _no_image(data, "they begin as none of these")


def may_be_image(start: bytes) -> bool:
    """Whether a file that starts so may be a JPEG, PNG, WebP, TIFF or BMP."""
    return any(start.startswith(parser.SIGNATURES) for parser in PARSERS)


def _no_image(data: bytes, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"{len(data)} bytes are no image that can be decoded ({reason}); wanted a whole JPEG, "
        "PNG, WebP, TIFF or BMP."
    )


def decode_photo(data: bytes, max_pixels: int = LARGEST_PICTURE, first_page: bool = False) -> Photo:
    """Decode an image file, judged by its header first.

    Parameters
    ----------
    data : bytes
        A whole JPEG, PNG, WebP, TIFF or BMP file.
    max_pixels : int, default 89478485
        A picture with more is refused before it is decoded.
    first_page : bool, default False
        Whether to take the first page or frame of a file that has several.

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
    header = header_of(data)
    _check_header(header, max_pixels, first_page)
    image = _decoded(tiff.as_decoded(data) if header.format == ".tiff" else data, header)
    if header.format == ".bmp" and image.ndim == 3 and header.channels < 4:
        image = np.ascontiguousarray(image[..., :3])  # a fourth is padding
    channels = 1 if image.ndim == 2 else image.shape[2]
    came = (image.shape[1], image.shape[0], image.dtype.name)
    if came != (header.width, header.height, header.dtype) or channels < header.channels:
        raise InvalidInputError(
            f"its header says {header.width}x{header.height} {header.dtype} with at least "
            f"{header.channels} channels, OpenCV decodes {came[0]}x{came[1]} {came[2]} with "
            f"{channels}: something would be lost. Convert it to a PNG of RGB or RGBA."
        )
    return Photo(_upright(image, header.orientation), header.profile)


def _decoded(data: bytes, header: Header) -> Array:
    """Pixels as they are stored, in RGB."""
    cv2 = load_cv2()
    swapped = header.format == ".jpg" and header.channels == 3  # by the decoder, at no cost
    flags = cv2.IMREAD_UNCHANGED
    if swapped:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    image = None
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        what = "is damaged, or stored in a way that OpenCV cannot decode"
        raise _no_image(data, f"its header is that of a {header.format}, its content {what}")
    return np.asarray(image) if swapped else _swap_red_and_blue(image)


def _check_header(header: Header, max_pixels: int, first_page: bool) -> None:
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise InvalidInputError(
            f"{header.width}x{header.height} are {pixels / 1e6:.1f} megapixels; at most "
            f"{max_pixels / 1e6:.1f} are allowed. If it is meant to be so large, raise "
            "--max-pixels (max_pixels)."
        )
    dtypes, channels = FORMATS[header.format]
    if header.dtype not in dtypes or header.channels not in (1, 3, 4):
        raise InvalidInputError(
            f"it holds {header.dtype} in a colour model that is not grey, RGB or RGBA of "
            f"{' or '.join(dtypes)} (such as CMYK); convert it first."
        )
    if header.misread:
        raise InvalidInputError(f"it holds {header.misread}; convert it first.")
    if header.pages > 1 and not first_page:
        raise InvalidInputError(
            "it has several pages or frames; split it, or take the first with --first-page "
            "(first_page=True)."
        )


def _upright(image: Array, orientation: int) -> Array:
    """Turn and mirror an image as its EXIF orientation, 1 to 8, says."""
    cv2 = load_cv2()
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    code = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if code is None else np.asarray(cv2.flip(image, code))


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
