"""One photo's corners, whichever file they come from."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import Array
from ...errors import InvalidInputError
from ...geometry.letterbox import Shape, letterbox_theta_from_corners

__all__ = [
    "KnownCorners",
    "letterbox_theta",
    "numbers_in",
    "photo_beside",
    "row_of",
    "theta_of_frame",
]

NEAR = 0.05  # of a photo's longer side; how far out corners are believed if no size is stated


@dataclass(frozen=True)
class KnownCorners:
    """One photo's corners (4, 2), and where that is said.

    Pixels of the upright photo, whose edges are 0 and width or height; the output's top left
    first, then clockwise. None of a photo that was marked as hopeless: there is no frame in
    it. `size` is (width, height) of the photo, where the file says it.
    """

    path: str
    corners: Array | None
    size: tuple[float, float] | None
    place: str


def letterbox_theta(
    row: KnownCorners, photo: tuple[int, ...], proportions: tuple[int, int], family: str
) -> Array:
    """Theta of corners on the letterbox of their photo, (height, width).

    Raises
    ------
    InvalidInputError
        If the photo has another size than the file says, or corners are no frame of it.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.
    """
    height, width = photo[:2]
    if row.size is not None and row.size != (width, height):
        raise InvalidInputError(
            f"{row.place}: the photo would be {row.size[0]:g} wide and {row.size[1]:g} high, but "
            f"it is {width} and {height}, upright; give its corners in its own pixels."
        )
    if row.corners is None:
        raise InvalidInputError(f"{row.place}: the photo was marked as hopeless, without corners.")
    beyond = {"beyond": NEAR} if row.size is None else {}
    try:
        return theta_of_frame(row.corners, (height, width), proportions, family, **beyond)
    except InvalidInputError as error:
        raise InvalidInputError(f"{row.place}: {error}") from error


def theta_of_frame(
    corners: Array, photo: Shape, proportions: Shape, family: str = "projective", **beyond: float
) -> Array:
    """As `letterbox_theta_from_corners`, with errors for those who drew the frame: no numbers."""
    try:
        return letterbox_theta_from_corners(corners, photo, proportions, family, **beyond)
    except InvalidInputError as error:
        raise InvalidInputError(str(error).partition("]]: ")[2] or str(error)) from error


def numbers_in(values: Sequence[Any]) -> list[float] | None:
    """All as finite floats, or None."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def row_of(
    photo: str, points: Sequence[Any], sizes: Mapping[str, Any], names: tuple[str, str], place: str
) -> KnownCorners:
    """A row of x1, y1, ..., x4, y4; `names` are those of width and height in `sizes`."""
    numbers = numbers_in(points)
    if numbers is None or len(numbers) != 8:
        raise InvalidInputError(f"{place} holds {str(points)[:80]}; wanted four points.")
    size = numbers_in([sizes.get(name) for name in names])
    corners = np.array(numbers).reshape(4, 2)
    return KnownCorners(photo, corners, None if size is None else (size[0], size[1]), place)


def photo_beside(file: str, name: str) -> str:
    """The path of a photo that a file names: in its folder, or in the folder images there."""
    folder = os.path.dirname(file)
    path = os.path.join(folder, name)
    below = os.path.join(folder, "images", name)
    return below if os.path.isfile(below) and not os.path.isfile(path) else path
