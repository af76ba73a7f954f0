"""Photos of any proportions and a model of one: letterboxes, sizes, and what theta means.

A photo is never squashed: it lies in the middle of a letterbox of the model's proportions.
Theta, output to source, is found on a small copy of the letterbox and turned into one of the
photo; being normalized, it then holds at every resolution of the photo.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from .affine import matrix_output_to_source
from .corners import theta_from_corners
from .opencv_matrix import invert
from .theta import area_gain, cropped, local_affine, scaled

__all__ = [
    "letterbox_sides",
    "letterbox_theta_from_corners",
    "native_shape",
    "pose_of",
    "shrinkage",
    "theta_of_photo",
]

Shape = tuple[int, int]
LARGEST_GROWTH = 8  # pixels of an output for one of its photo, but for those of a SMALL one
SMALL = 2**16
FARTHEST = 2.0  # of a photo's longer side; frames of turned, letterboxed photos reach beyond it


def letterbox_sides(shape: tuple[int, ...], proportions: Shape) -> tuple[float, float]:
    """(x, y) sides of the smallest letterbox around a photo, the photo's own being 1.

    Parameters
    ----------
    shape : tuple
        (height, width[, channels]) of the photo.
    proportions : tuple
        (height, width) whose ratio the letterbox has.
    """
    ratio = (shape[0] * proportions[1]) / (shape[1] * proportions[0])
    return max(ratio, 1.0), max(1 / ratio, 1.0)


def letterbox_theta_from_corners(
    corners: ArrayLike,
    photo: tuple[int, ...],
    proportions: Shape,
    family: str = "projective",
    beyond: float = FARTHEST,
) -> Array:
    """Theta of corners on the letterbox that their photo lies in; see `theta_from_corners`.

    Parameters
    ----------
    corners : array_like of shape (4, 2)
        Pixels of the photo.
    photo : tuple
        (height, width[, channels]) of the photo.
    proportions : tuple
        (height, width) that the model was fitted on.
    family, beyond
        As in `theta_from_corners`.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.
    """
    theta = theta_from_corners(corners, photo, proportions, family=family, beyond=beyond)
    return np.asarray(scaled(theta, 1 / np.array(letterbox_sides(photo, proportions))))


def theta_of_photo(
    theta: Array, photo: tuple[int, ...], proportions: Shape, output: Shape | None = None
) -> Array:
    """Theta of a letterbox as theta of the photo that lies in it.

    Parameters
    ----------
    theta : ndarray of shape (2, 3), (3, 3) or (k * k, 2)
        Output to source, normalized on the letterbox.
    photo : tuple
        (height, width[, channels]).
    proportions : tuple
        (height, width) that the model was fitted on.
    output : tuple or None, default None
        (height, width) of an output that is to show the largest middle part of the model's
        output that has its proportions; None is the whole of it.

    Returns
    -------
    ndarray of theta's shape, float64
        Output to source, normalized on the photo. Where `output` is given, a spline has more
        control points, see `stn_cv.geometry.cropped`.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.
    """
    theta = scaled(theta, letterbox_sides(photo, proportions))
    return theta if output is None else cropped(theta, letterbox_sides(output, proportions))


def native_shape(
    theta: Array, photo: tuple[int, ...], proportions: Shape, max_pixels: int
) -> Shape:
    """(height, width), so proportioned, at which the median output pixel covers one.

    Of a strip, whose letterbox is empty for the most part, it covers more.
    """
    own = photo[0] * photo[1]
    max_pixels = min(max_pixels, max(LARGEST_GROWTH * own, SMALL))
    pixels = min(area_gain(theta) * own, max_pixels)
    height = math.sqrt(pixels * proportions[0] / proportions[1])
    width = height * proportions[1] / proportions[0]
    shape = max(round(height), 1), max(round(width), 1)
    return shape if math.prod(shape) <= max_pixels else (max(int(height), 1), max(int(width), 1))


def shrinkage(theta: Array, photo: tuple[int, ...], output: Shape) -> float:
    """How many pixels of the photo, along a side, the median output pixel covers."""
    pixels = area_gain(theta) * photo[0] * photo[1]
    return math.sqrt(pixels / math.prod(output))


def pose_of(theta: Array, photo: tuple[int, ...], output: Shape) -> dict[str, Any]:
    """What a warp did to the content: angle, scale, shift; null for a theta without inverse.

    Of a homography, what it did around the output's middle; null of a spline.

    Returns
    -------
    dict
        ``angle``: degrees counter-clockwise; ``scale``: source to output, along a side;
        ``shift``: [x, y] in source pixels, from the photo's centre to what came to lie in the
        output's centre.
    """
    affine = local_affine(theta)
    if affine is None:
        return {"angle": None, "scale": None, "shift": None}
    matrix = matrix_output_to_source(affine, photo, output, False)
    middle = (output[1] - 1) / 2, (output[0] - 1) / 2
    shift = matrix @ (*middle, 1.0) - ((photo[1] - 1) / 2, (photo[0] - 1) / 2)
    try:
        forward = invert(matrix)
    except ValueError:
        return {"angle": None, "scale": None, "shift": shift.tolist()}
    clockwise = math.atan2(forward[1, 0] - forward[0, 1], forward[0, 0] + forward[1, 1])
    return {
        "angle": -math.degrees(clockwise) + 0.0,
        "scale": math.sqrt(abs(float(np.linalg.det(forward[:, :2])))),
        "shift": shift.tolist(),
    }
