"""Theta of any family, told apart by its last axes: where it looks, and what it becomes.

(2, 3) is affine, (3, 3) a homography, (k * k, 2) the displacements of a thin-plate spline's
control points: output point p shows source point p + spline(p), see `spline`.
Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError, NonFiniteError
from .affine import Floats, as_array
from .homography import LEAST
from .spline import control_points, spline_values

FARTHEST = 1e9  # half sides, of a point behind the camera
SIDE_OF_SPLINE = 16  # points of an outline on each side
FINER = 3
SHALLOWEST = 1e-4  # of the depths of a homography's corners; an outline is cut off there
LOOKED_AT = 16  # points each way of which it is asked whether they lie outside
LATTICE = 17  # lines each way of the cells by which an area is found


def check_theta(theta: ArrayLike, wanted: tuple[int, int] = (2, 3), name: str = "theta") -> Floats:
    """Theta of one image or of a batch as floats, or an error that says what is wrong."""
    theta = as_array(name, theta)
    if theta.dtype.kind not in "fiu" or theta.ndim not in (2, 3) or theta.shape[-2:] != wanted:
        shape = ", ".join(map(str, wanted))
        raise InvalidInputError(
            f"{name} has shape {theta.shape} and dtype {theta.dtype}; wanted real numbers of "
            f"shape ({shape}) for one image or (n, {shape}) for a batch."
        )
    if not np.isfinite(theta).all():
        bad = np.argwhere(~np.isfinite(theta))[0].tolist()
        raise NonFiniteError(f"{name} holds NaN or infinity, first at {bad}; give finite numbers.")
    return theta if theta.dtype.kind == "f" else theta.astype(np.float64)


def check_any_theta(theta: ArrayLike) -> Floats:
    """Theta of any family, of one image or of a batch, as float64, or an error."""
    theta = as_array("theta", theta)
    if theta.ndim > 1 and theta.shape[-1] == 2:
        return check_spline(theta)
    if theta.shape[-2:] not in ((2, 3), (3, 3)):
        raise InvalidInputError(
            f"theta has shape {theta.shape}; wanted (2, 3) of an affine family, (3, 3) of a "
            "homography or (k * k, 2) of a spline, with or without n before it."
        )
    return check_theta(theta, theta.shape[-2:]).astype(np.float64)


def check_spline(theta: ArrayLike) -> Floats:
    """As `check_theta`, of a square number of control points."""
    theta = as_array("theta", theta)
    count = theta.shape[-2] if theta.ndim > 1 else 0
    if count < 4 or math.isqrt(count) ** 2 != count:
        raise InvalidInputError(
            f"theta has shape {theta.shape}; wanted (k * k, 2), what k x k control points are "
            "displaced by, with or without n before it."
        )
    return check_theta(theta, (count, 2)).astype(np.float64)


def points_a_side(theta: Floats) -> int:
    """The k of a spline's k x k control points."""
    return math.isqrt(theta.shape[-2])


def source_points(theta: Floats, points: Floats) -> Floats:
    """Where output points (m, 2) lie in the source, (..., m, 2); normalized, both.

    Points behind the camera of a homography lie 1e9 half sides away.
    """
    if theta.shape[-1] == 2:
        return points + spline_values(points, points_a_side(theta)) @ theta
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    source = homogeneous @ np.swapaxes(theta, -1, -2)
    return source if theta.shape[-2] == 2 else _seen(source, theta)


def _seen(source: Floats, theta: Floats) -> Floats:
    """Homogeneous points (..., m, 3) divided by their w, or put far away; see the kernel."""
    point, w = source[..., :2], source[..., 2:]
    seen = w > LEAST * np.abs(theta[..., 2, :]).sum(axis=-1)[..., None, None]
    largest = np.abs(point).max(axis=-1, keepdims=True)
    far = np.divide(point, largest, out=np.ones_like(point), where=largest > 0) * FARTHEST
    with np.errstate(over="ignore"):
        near = np.divide(point, w, out=far.copy(), where=seen)
    return np.clip(near, -FARTHEST, FARTHEST)


def share_outside(theta: Floats) -> Floats:
    """The share of some points spread over the output that lie outside the source, (...)."""
    centres = (2 * np.arange(LOOKED_AT) + 1) / LOOKED_AT - 1
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    return np.asarray((np.abs(source_points(theta, points)) > 1).any(axis=-1).mean(axis=-1))


def outline(theta: Floats) -> Floats:
    """The border of the output's frame in the source, (..., m, 2), normalized.

    Clockwise from the top left, as many points on each side: one of an affine map, two of a
    homography, where its side begins and ends in front of the camera.
    """
    steps = SIDE_OF_SPLINE if theta.shape[-1] == 2 else 1
    along = np.linspace(-1, 1, steps, endpoint=False)
    top = np.stack([along, np.full(steps, -1.0)], axis=-1)
    right = np.stack([-top[:, 1], top[:, 0]], axis=-1)
    border = np.concatenate([top, right, -top, -right])
    if theta.shape[-2:] != (3, 3):
        return source_points(theta, border)
    return _cut_at_horizon(np.column_stack([border, np.ones(4)]) @ np.swapaxes(theta, -1, -2))


def _cut_at_horizon(corners: Floats) -> Floats:
    """The part of a quadrilateral before the camera, (..., 8, 2), of homogeneous (..., 4, 3).

    A side that lies behind it shrinks to the end of the one before; if all do, the points are
    `FARTHEST` away.
    """
    sides = np.stack([corners, np.roll(corners, -1, axis=-2)], axis=-2)
    others, depth = sides[..., ::-1, :], sides[..., 2]
    least = SHALLOWEST * np.abs(corners[..., 2]).max(axis=-1)[..., None, None]
    cut = (depth < least) & (others[..., 2] > least)
    share = np.divide(least - depth, others[..., 2] - depth, out=np.zeros_like(depth), where=cut)
    points = sides + share[..., None] * (others - sides)
    seen = (depth > least).any(axis=-1, keepdims=True) & np.ones(2, bool)
    border = np.full((*depth.shape, 2), FARTHEST)
    np.divide(points[..., :2], points[..., 2:], out=border, where=seen[..., None])
    border, seen = border.reshape(*depth.shape[:-2], 8, 2), seen.reshape(*depth.shape[:-2], 8)
    for i in (*range(8), *range(8)):
        border[..., i, :] = np.where(seen[..., i, None], border[..., i, :], border[..., i - 1, :])
        seen[..., i] |= seen[..., i - 1]
    return np.clip(border, -FARTHEST, FARTHEST)


def scaled(theta: Floats, factors: ArrayLike) -> Floats:
    """Theta whose source coordinates (x, y) are multiplied by factors."""
    factors = np.asarray(factors, np.float64)
    if theta.shape[-1] == 2:
        controls = control_points(points_a_side(theta))
        return factors * (controls + theta) - controls
    result = np.array(theta, np.float64)
    result[..., :2, :] *= factors[:, None]
    return result


def cropped(theta: Floats, factors: ArrayLike) -> Floats:
    """Theta whose output shows a middle part, its sides (x, y) divided by factors.

    A part of a spline is no spline of as many control points. What is returned has `FINER` times
    as many on each side, which go exactly where the spline puts them: with random displacements
    of 0.1, the points between them are off by 0.0003 on average and by 0.01 at most.
    """
    if theta.shape[-1] == 2:
        controls = control_points(FINER * (points_a_side(theta) - 1) + 1)
        return source_points(theta, controls / np.asarray(factors, np.float64)) - controls
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
    """The affine theta (2, 3) that is nearest in the output's middle.

    None for a spline, and where the middle lies behind the camera.
    """
    if theta.shape[-1] == 2:
        return None
    if theta.shape == (2, 3):
        return theta
    w = theta[2, 2]
    if not w > LEAST * np.abs(theta[2]).sum():
        return None
    middle = theta[:2, 2] / w
    linear = (theta[:2, :2] - np.outer(middle, theta[2, :2])) / w
    return np.column_stack([linear, middle])
