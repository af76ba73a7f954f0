"""Encoding: an image becomes a file of a format that holds all of it, or is refused."""

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .format import Format, HoldsExif, HoldsProfile
from .formats import FORMATS, format_named

__all__ = ["encode", "format_to_write"]

WRITTEN = tuple(format for format in FORMATS if format.is_written)


def encode(
    image: Array,
    suffix: str,
    quality: int | None = None,
    profile: bytes | None = None,
    sampling: str | None = None,
    dpi: float | None = None,
    exif: bytes | None = None,
) -> bytes:
    """Encode an image as a file of the format that a suffix names.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        Grey, RGB or RGBA, of a dtype that the format keeps as it is; see `FORMATS`.
    suffix : str
        Such as ``".png"``, in either case.
    quality : int or None, default None
        1 to 100 for JPEG (None: 95), WebP and AVIF (None: lossless); others lose nothing.
    profile : bytes or None, default None
        ICC colour profile to put into the file.
    sampling : {"444", "422", "420", "440", "411"} or None, default None
        How many colours a JPEG keeps beside its shades, of "444" all; None is "420".
    dpi : float or None, default None
        Pixels an inch, for formats that have a place for it: JPEG, PNG, TIFF and BMP.
    exif : bytes or None, default None
        EXIF block, from its byte order on.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    InvalidInputError
        If the format is unknown, or would change the dtype, drop channels, the profile or the
        EXIF block.
    """
    image = np.asarray(image)
    format = format_to_write(suffix)
    _check_holds(image, format, quality)
    for what, value, kind in (
        ("a colour profile", profile, HoldsProfile),
        ("an EXIF block", exif, HoldsExif),
    ):
        if value is not None and not isinstance(format, kind):
            others = [other.suffix for other in WRITTEN if isinstance(other, kind)]
            raise InvalidInputError(
                f"{format.suffix} cannot hold {what}; write one of {', '.join(others)}."
            )
    data = format.encode(image, quality, sampling)
    if data is None:
        raise InvalidInputError(
            f"OpenCV cannot encode shape {image.shape} as {format.suffix}; it may be too large "
            "for the format, so shrink it or write .png or .tiff."
        )
    data = data if dpi is None else format.with_dpi(data, dpi)
    if exif is not None and isinstance(format, HoldsExif):
        data = format.with_exif(data, exif)
    if profile is not None and isinstance(format, HoldsProfile):
        data = format.with_profile(data, profile)
    return data


def format_to_write(suffix: str) -> Format:
    """The format that a suffix such as ``".JPG"`` names.

    Raises
    ------
    InvalidInputError
        If there is none, or it is one that is only read.
    """
    format = format_named(suffix)
    if format is None or not format.is_written:
        only_read = "" if format is None else f" ({format.name} is only read)"
        known = ", ".join(format.suffix for format in WRITTEN)
        raise InvalidInputError(f"cannot write {suffix!r}{only_read}; wanted one of {known}.")
    return format


def _check_holds(image: Array, format: Format, quality: int | None) -> None:
    channels = 1 if image.ndim == 2 else image.shape[-1]
    dtypes, counts = format.dtypes, format.channels
    if image.dtype.name not in dtypes or channels not in counts or image.ndim not in (2, 3):
        raise InvalidInputError(
            f"{format.suffix} cannot hold {image.dtype} of shape {image.shape} unchanged; it "
            f"takes {' or '.join(dtypes)} with {' or '.join(map(str, counts))} channels. Convert "
            "the image, or write .png or .tiff."
        )
    if 0 in image.shape or (quality is not None and not 1 <= quality <= 100):
        raise InvalidInputError(
            f"cannot encode shape {image.shape} at quality {quality}; wanted at least one pixel "
            "and a quality from 1 to 100."
        )
