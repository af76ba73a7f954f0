"""Theta of any family, told apart by its last axes: where it looks, and what it becomes.

(2, 3) is affine, (3, 3) a homography.
Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError, NonFiniteError
from .affine import Floats, as_array
from .homography import LEAST

FARTHEST = 1e9  # half sides, of a point behind the camera
LATTICE = 17  # lines each way of the cells by which an area is found


def check_warp(theta: ArrayLike, wanted: tuple[int, int]) -> Floats:
    """Theta of one image or of a batch as float64, or an error that says what is wrong."""
    theta = as_array("theta", theta)
    if theta.dtype.kind not in "fiu" or theta.ndim not in (2, 3) or theta.shape[-2:] != wanted:
        shape = ", ".join(map(str, wanted))
        raise InvalidInputError(
            f"theta has shape {theta.shape} and dtype {theta.dtype}; wanted real numbers of "
            f"shape ({shape}) for one image or (n, {shape}) for a batch."
        )
    if not np.isfinite(theta).all():
        bad = np.argwhere(~np.isfinite(theta))[0].tolist()
        raise NonFiniteError(f"theta holds NaN or infinity, first at {bad}; give finite numbers.")
    return theta.astype(np.float64)


def any_theta(theta: ArrayLike) -> Floats:
    """Theta of any family, of one image or of a batch, as float64, or an error."""
    theta = as_array("theta", theta)
    if theta.shape[-2:] not in ((2, 3), (3, 3)):
        raise InvalidInputError(
            f"theta has shape {theta.shape}; wanted (2, 3) of an affine family or (3, 3) of a "
            "homography, with or without n before it."
        )
    return check_warp(theta, theta.shape[-2:])


def source_points(theta: Floats, points: Floats) -> Floats:
    """Where output points (m, 2) lie in the source, (..., m, 2); normalized, both.

    Points behind the camera of a homography lie 1e9 half sides away.
    """
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    source = homogeneous @ np.swapaxes(theta, -1, -2)
    return source if theta.shape[-2] == 2 else _seen(source, theta)


def _seen(source: Floats, theta: Floats) -> Floats:
    """Homogeneous points (..., m, 3) divided by their w, or put far away; see the kernel."""
    place, w = source[..., :2], source[..., 2:]
    seen = w > LEAST * np.abs(theta[..., 2, :]).sum(axis=-1)[..., None, None]
    largest = np.abs(place).max(axis=-1, keepdims=True)
    far = np.divide(place, largest, out=np.ones_like(place), where=largest > 0) * FARTHEST
    with np.errstate(over="ignore"):
        near = np.divide(place, w, out=far.copy(), where=seen)
    return np.clip(near, -FARTHEST, FARTHEST)


def outline(theta: Floats) -> Floats:
    """The border of the output's frame in the source, (..., m, 2), normalized.

    Clockwise from the top left, as many points on each side. Straight sides have one each.
    """
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    return source_points(theta, corners)


def scaled(theta: Floats, factors: ArrayLike) -> Floats:
    """Theta whose source coordinates (x, y) are multiplied by factors."""
    factors = np.asarray(factors, np.float64)
    result = np.array(theta, np.float64)
    result[..., :2, :] *= factors[:, None]
    return result


def narrowed(theta: Floats, factors: ArrayLike) -> Floats:
    """Theta whose output shows a middle part, its sides (x, y) divided by factors."""
    result = np.array(theta, np.float64)
    result[..., :2] /= np.asarray(factors, np.float64)
    return result


def area_gain(theta: Floats) -> float:
    """Area in the source over area in the output, normalized both, of the median output pixel."""
    if theta.shape == (2, 3):
        return abs(float(np.linalg.det(theta[:, :2])))
    line = np.linspace(-1, 1, LATTICE)
    lattice = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    points = source_points(theta, lattice).reshape(LATTICE, LATTICE, 2)
    one, other = points[1:, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, 1:]
    areas = np.abs(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]) / 2
    return float(np.median(areas)) / (line[1] - line[0]) ** 2


def local_affine(theta: Floats) -> Floats | None:
    """The affine theta (2, 3) that is nearest in the output's middle; None where none shows it."""
    if theta.shape == (2, 3):
        return theta
    w = theta[2, 2]
    if not w > LEAST * np.abs(theta[2]).sum():
        return None
    middle = theta[:2, 2] / w
    linear = (theta[:2, :2] - np.outer(middle, theta[2, :2])) / w
    return np.column_stack([linear, middle])
