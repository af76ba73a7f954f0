"""Lines and text on images."""

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .door import load_cv2

Colour = tuple[int, int, int]
SUBPIXEL_BITS = 8  # of the coordinates that cv2 draws at
FARTHEST = 1e9  # pixels; what is farther is drawn to here, so not quite in its direction


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
        the top left corner, from the first of them to the next side's first.
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
    closed = np.concatenate([border, border[:1]])
    draw_line(image, closed, colour, thickness)
    if top:
        draw_line(image, closed[: len(border) // 4 + 1], colour, top)


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
    lines = _near(np.clip(points, -FARTHEST, FARTHEST), image.shape[1::-1])
    lines = np.rint(lines * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.polylines(image, list(lines), False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _near(points: Array, size: tuple[int, ...]) -> Array:
    """The lines (m, points, 2) that are left of one within a picture's size of the picture.

    So that directions stay, and that cv2's int32 holds them: all of it, or pieces between two
    points. Source: Liang and Barsky 1984.
    """
    first, motion = points[:-1], np.diff(points, axis=0)
    low, high = -1.0 * np.array(size), 2.0 * np.array(size)
    if ((points > low) & (points < high)).all():
        return points[None]
    moves, beside = motion != 0, (first <= low) | (first >= high)
    begins = np.where(beside, np.inf, -np.inf)  # of what does not move along an axis
    ends = np.full_like(first, np.inf)
    np.divide(np.where(motion > 0, low, high) - first, motion, out=begins, where=moves)
    np.divide(np.where(motion > 0, high, low) - first, motion, out=ends, where=moves)
    begin, end = begins.max(axis=1).clip(0), ends.min(axis=1).clip(max=1)
    near = begin <= end
    shares = np.stack([begin, end], axis=1)[near]
    return first[near, None] + shares[:, :, None] * motion[near, None]


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
