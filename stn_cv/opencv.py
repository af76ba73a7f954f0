"""The only door to cv2: resize, draw, encode, and files that are written whole or not at all.

Colours are RGB and shapes (height, width) on this side of the door. cv2 is imported at the
first call, so importing this module costs nothing.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic import write_bytes
from .errors import InvalidInputError, InvalidTypeError, MissingLibraryError

Array = NDArray[Any]
Colour = tuple[int, int, int]
# What each format keeps as it is: dtypes and numbers of channels.
FORMATS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    ".png": (("uint8", "uint16"), (1, 3, 4)),
    ".jpg": (("uint8",), (1, 3)),
    ".webp": (("uint8",), (3, 4)),
    ".tiff": (("uint8", "uint16", "float32"), (1, 3, 4)),
    ".bmp": (("uint8",), (1, 3)),
}
ALIASES = {".jpeg": ".jpg", ".tif": ".tiff"}
RESIZABLE = ("uint8", "uint16", "float32", "float64")
SUBPIXEL_BITS = 8  # of the coordinates that cv2 draws at
FARTHEST = 2.0**22  # pixels; a corner beyond is drawn here, where cv2's int32 still holds it


def _cv2() -> Any:
    """The module cv2, or an error that says how to get one that works here."""
    try:
        import cv2
    except ImportError as error:
        raise MissingLibraryError(_how_to_get_cv2(f"cannot be imported here: {error}")) from error
    version = str(getattr(cv2, "__version__", ""))
    if not version:  # what is left when one of two installed OpenCV wheels is uninstalled
        raise MissingLibraryError(_how_to_get_cv2("is installed incompletely"))
    if int(version.split(".")[0]) < 5:
        raise MissingLibraryError(_how_to_get_cv2(f"is version {version}; wanted 5 or newer"))
    return cv2


def _how_to_get_cv2(what: str) -> str:
    return (
        f"OpenCV (cv2) {what}. On a machine without a display, such as a server or container, "
        "libGL and its relatives are often missing; the headless wheel does without them. "
        "Two wheels overwrite each other, so first remove what is there:\n"
        "    python -m pip uninstall -y opencv-python opencv-contrib-python "
        "opencv-python-headless\n"
        '    python -m pip install "opencv-python-headless>=5"'
    )


def resize_area(images: Array, shape: tuple[int, int]) -> Array:
    """Resize images, each shrunk axis antialiased by area, each enlarged one linearly.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        uint8, uint16, float32 or float64.
    shape : tuple
        (height, width) wanted.

    Returns
    -------
    ndarray of shape (n, height, width[, c])
        New, of the images' dtype.
    """
    if images.dtype.name not in RESIZABLE:
        raise InvalidTypeError(f"images are {images.dtype}; wanted one of {', '.join(RESIZABLE)}.")
    if images.ndim not in (3, 4) or 0 in images.shape[1:] or min(shape) < 1:
        raise InvalidInputError(
            f"images of shape {images.shape} cannot become {shape}; wanted (n, h, w[, c]) and a "
            "shape (height, width), with at least one pixel each."
        )
    cv2 = _cv2()
    height, width = shape
    smaller = (min(width, images.shape[2]), min(height, images.shape[1]))
    out = np.empty((len(images), height, width, *images.shape[3:]), images.dtype.newbyteorder("="))
    for image, result in zip(images, out, strict=True):
        part = np.ascontiguousarray(image, out.dtype)
        if smaller != part.shape[1::-1]:
            part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)
        if smaller != (width, height):
            part = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        result[...] = part.reshape(result.shape)
    return out


def _check_canvas(image: Array) -> None:
    drawable = image.flags.c_contiguous and image.flags.writeable
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not drawable:
        raise InvalidInputError(
            f"cannot draw on {image.dtype} of shape {image.shape}; wanted uint8 (h, w, 3), RGB, "
            "contiguous and writable; give a copy."
        )


def draw_frame(
    image: Array, corners: Array, colour: Colour, thickness: int = 1, top: int = 0
) -> None:
    """Draw a closed quadrilateral onto an image, antialiased.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3)
        uint8, RGB, contiguous; drawn on in place.
    corners : ndarray of shape (4, 2)
        (x, y) in pixels, pixel centres at integers: top left, top right, bottom right,
        bottom left of the frame.
    colour : tuple
        RGB.
    thickness : int, default 1
        Of the lines, in pixels.
    top : int, default 0
        Thickness of the first edge where it is to tell which side is up; 0 is as the others.
    """
    _check_canvas(image)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise InvalidInputError(f"wanted finite corners of shape (4, 2), not {corners!r}.")
    cv2 = _cv2()
    scaled = np.clip(corners, -FARTHEST, FARTHEST).astype(np.float64) * 2**SUBPIXEL_BITS
    points = np.rint(scaled).astype(np.int32)
    cv2.polylines(image, [points], True, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    if top:
        cv2.polylines(image, [points[:2]], False, colour, top, cv2.LINE_AA, SUBPIXEL_BITS)


def put_text(
    image: Array,
    text: str,
    origin: tuple[int, int],
    colour: Colour = (0, 0, 0),
    size: int = 13,
    weight: int = 400,
) -> None:
    """Write one line of text onto an image, in OpenCV's own sans-serif font.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3)
        uint8, RGB, contiguous; drawn on in place.
    text : str
        Any script; what the font lacks becomes a question mark.
    origin : tuple
        (x, y) of the left end of the baseline, in pixels.
    colour : tuple, default black
        RGB.
    size, weight : int, default 13 and 400
        Height of the font in pixels; 400 is regular, 600 half bold.
    """
    _check_canvas(image)
    cv2 = _cv2()
    cv2.putText(image, text, origin, colour, cv2.FontFace("sans"), size, weight)


def text_width(text: str, size: int = 13, weight: int = 400) -> int:
    """Pixels that `put_text` advances by for this text."""
    cv2 = _cv2()
    rectangle = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, weight)
    return int(rectangle[2])


def encode(image: Array, suffix: str, quality: int | None = None) -> bytes:
    """Encode an image as a file of the format that a suffix names.

    Parameters
    ----------
    image : ndarray of shape (h, w) or (h, w, c)
        Grey, RGB or RGBA, of a dtype that the format keeps as it is; see `FORMATS`.
    suffix : str
        Such as ``".png"``, in either case.
    quality : int or None, default None
        1 to 100 for JPEG (None: 95) and WebP (None: lossless); other formats lose nothing.

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    InvalidInputError
        If the format is unknown, or would change the dtype or drop channels.
    """
    image = np.asarray(image)
    channels = 1 if image.ndim == 2 else image.shape[-1]
    kind = ALIASES.get(suffix.lower(), suffix.lower())
    if kind not in FORMATS:
        raise InvalidInputError(f"cannot write {suffix!r}; wanted one of {', '.join(FORMATS)}.")
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
    cv2 = _cv2()
    flags = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}
    options = [flags[kind], int(quality)] if quality is not None and kind in flags else []
    done, data = cv2.imencode(kind, _swap_red_and_blue(image), options)
    if not done:  # also where the encoder raises
        raise InvalidInputError(
            f"OpenCV cannot encode shape {image.shape} as {kind}; it may be too large for the "
            "format, so shrink it or write .png or .tiff."
        )
    return bytes(data)


def _swap_red_and_blue(image: Array) -> Array:
    """RGB[A] to BGR[A] or back; grey stays grey. Native and contiguous, as cv2 wants it."""
    if image.ndim == 3 and image.shape[2] >= 3:
        image = image[..., [2, 1, 0, *range(3, image.shape[2])]]
    return np.ascontiguousarray(image, image.dtype.newbyteorder("="))


def decode(data: bytes) -> Array:
    """Decode an image file: grey (h, w) or RGB (h, w, 3), turned as its EXIF says.

    The depth stays; an alpha channel is dropped.
    """
    cv2 = _cv2()
    image = None
    if data:
        with contextlib.suppress(cv2.error):
            flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise InvalidInputError(
            f"{len(data)} bytes are no image that OpenCV can decode; wanted a whole JPEG, PNG, "
            "WebP, TIFF or BMP."
        )
    return _swap_red_and_blue(image)


def read_image(path: str | os.PathLike[str]) -> Array:
    """Read an image file, chosen by its content: grey (h, w) or RGB (h, w, 3)."""
    try:
        return decode(Path(path).read_bytes())
    except InvalidInputError as error:
        raise InvalidInputError(f"{os.fspath(path)!r}: {error}") from error


def write_image(path: str | os.PathLike[str], image: Array, quality: int | None = None) -> None:
    """Encode by the path's suffix, then write the file whole or leave what was there."""
    write_bytes(path, encode(image, Path(path).suffix, quality))
