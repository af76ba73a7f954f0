"""Lines and text on images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInputError
from .door import load_cv2

Array = NDArray[Any]
Colour = tuple[int, int, int]
SUBPIXEL_BITS = 8  # of the coordinates that cv2 draws at
FARTHEST = 2.0**22  # pixels; a corner beyond is drawn here, where cv2's int32 still holds it


def _check_canvas(image: Array) -> None:
    drawable = image.flags.c_contiguous and image.flags.writeable
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not drawable:
        raise InvalidInputError(
            f"cannot draw on {image.dtype} of shape {image.shape}; wanted uint8 (h, w, 3), RGB, "
            "contiguous and writable; give a copy."
        )


def draw_frame(
    image: Array, border: Array, colour: Colour, thickness: int = 1, top: int = 0
) -> None:
    """Draw a closed frame of four sides onto an image, antialiased.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3)
        uint8, RGB, contiguous; drawn on in place.
    border : ndarray of shape (4 * m, 2)
        (x, y) in pixels, pixel centres at integers: m points of each side, clockwise from
        the top left corner; one of a straight side.
    colour : tuple
        RGB.
    thickness : int, default 1
        Of the lines, in pixels.
    top : int, default 0
        Thickness of the first side where it is to tell which side is up; 0 is as the others.
    """
    _check_canvas(image)
    shaped = border.ndim == 2 and border.shape[1] == 2 and len(border) and len(border) % 4 == 0
    if not shaped or not np.isfinite(border).all():
        raise InvalidInputError(f"wanted finite points of shape (4 * m, 2), not {border!r}.")
    cv2 = load_cv2()
    scaled = np.clip(border, -FARTHEST, FARTHEST).astype(np.float64) * 2**SUBPIXEL_BITS
    points = np.rint(scaled).astype(np.int32)
    cv2.polylines(image, [points], True, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    if top:
        side = points[: len(points) // 4 + 1]
        cv2.polylines(image, [side], False, colour, top, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_line(image: Array, points: Array, colour: Colour, thickness: int = 1) -> None:
    """Draw a line through points, antialiased.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3)
        uint8, RGB, contiguous; drawn on in place.
    points : ndarray of shape (n, 2)
        (x, y) in pixels, pixel centres at integers.
    colour : tuple
        RGB.
    thickness : int, default 1
        In pixels.
    """
    _check_canvas(image)
    cv2 = load_cv2()
    places = np.rint(np.clip(points, -FARTHEST, FARTHEST) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.polylines(image, [places], False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


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
    cv2 = load_cv2()
    cv2.putText(image, _unicode(text), origin, colour, cv2.FontFace("sans"), size, weight)


def text_width(text: str, size: int = 13, weight: int = 400) -> int:
    """Pixels that `put_text` advances by for this text."""
    cv2 = load_cv2()
    rectangle = cv2.getTextSize((0, 0), _unicode(text), (0, 0), cv2.FontFace("sans"), size, weight)
    return int(rectangle[2])


def _unicode(text: str) -> str:
    """The text with question marks for lone surrogates, at which OpenCV crashes."""
    return text.encode("utf-8", "replace").decode()
