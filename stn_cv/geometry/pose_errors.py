"""How far poses found lie from poses that are right.

Errors are measured in the upright picture, so that neither the photo's resolution nor the
thing's size and place in it count.
"""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError
from .affine import Floats
from .corners import FRAME, aspect
from .opencv_matrix import homogeneous
from .theta import check_any_theta, local_affine, source_points

__all__ = ["angle_error", "corner_error"]


def corner_error(
    theta: ArrayLike, true_theta: ArrayLike, output_shape: tuple[int, ...], *, symmetry: int = 1
) -> Floats:
    """Mean distance of the four corners from where they belong, in widths of the output.

    It is measured in the upright picture: theta's corners are looked up in the frame that the
    true theta shows, so that the photo's resolution and the thing's size in it do not count.

    Parameters
    ----------
    theta : array_like of shape (2, 3), (3, 3) or (k * k, 2), with or without n before it
        Poses found: output to source, normalized.
    true_theta : array_like of shape (2, 3) or (3, 3), with or without n before it
        Poses that are right.
    output_shape : tuple
        (height, width[, channels]) of the upright picture.
    symmetry : int, default 1
        A turn of the upright picture by 360 degrees / symmetry shows the same: the turn counts
        that is nearest.

    Returns
    -------
    float or ndarray of shape (n,), float64
        0 where they agree; a pose counts as failed above 0.1. Infinite where a corner lies
        behind the camera of the true pose.

    Raises
    ------
    InvalidInputError
        If a theta cannot be used or the true one has no inverse.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> from stn_cv import corner_error
    >>> an_eighth_right = [[1, 0, 0.25], [0, 1, 0]]
    >>> float(corner_error(an_eighth_right, [[1, 0, 0], [0, 1, 0]], (32, 32)))
    0.125
    """
    ratio = aspect(output_shape)
    places = _in_true_frame(check_any_theta(theta), check_any_theta(true_theta)) * ratio
    errors = []
    for turn in range(_check_symmetry(symmetry)):
        wanted = (FRAME * ratio) @ _turn(360 * turn / symmetry).T
        errors.append(np.linalg.norm(places - wanted, axis=-1).mean(axis=-1) / 2)
    return np.asarray(np.min(errors, axis=0))


def angle_error(
    theta: ArrayLike, true_theta: ArrayLike, output_shape: tuple[int, ...], *, symmetry: int = 1
) -> Floats:
    """The turn that is left between poses, in degrees.

    Parameters
    ----------
    theta, true_theta : array_like of shape (2, 3) or (3, 3), with or without n before it
        Poses found, and poses that are right: output to source, normalized.
    output_shape : tuple
        (height, width[, channels]) of the upright picture.
    symmetry : int, default 1
        A turn of the upright picture by 360 degrees / symmetry shows the same: angles are
        taken modulo that.

    Returns
    -------
    float or ndarray of shape (n,), float64
        Degrees from -180 / symmetry to 180 / symmetry by which the frame found is turned
        clockwise from the true one, in the output's middle.

    Raises
    ------
    InvalidInputError
        If a theta is a spline's or cannot be used, or the true one has no inverse.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> from stn_cv import angle_error
    >>> quarter = [[0, -1, 0], [1, 0, 0]]
    >>> float(angle_error(quarter, [[1, 0, 0], [0, 1, 0]], (32, 32)))
    90.0
    """
    found, true = check_any_theta(theta), check_any_theta(true_theta)
    if 2 in (found.shape[-1], true.shape[-1]):
        raise InvalidInputError("a spline has no one angle; wanted theta (n, 2, 3) or (n, 3, 3).")
    relative = _inverse(true) @ _square(found)
    batch = relative.reshape(-1, 3, 3)
    middles = [local_affine(matrix) for matrix in batch]
    linear = np.stack([np.full((2, 2), np.nan) if m is None else m[:, :2] for m in middles])
    x, y = aspect(output_shape)
    down, across = linear[:, 1, 0] * y / x, linear[:, 0, 1] * x / y
    degrees = np.rad2deg(np.arctan2(down - across, linear[:, 0, 0] + linear[:, 1, 1]))
    period = 360 / _check_symmetry(symmetry)
    wrapped = (degrees + period / 2) % period - period / 2
    return np.asarray(wrapped.reshape(relative.shape[:-2]))


def _in_true_frame(theta: Floats, true_theta: Floats) -> Floats:
    """Where theta's corners lie in the frame that the true theta shows, normalized."""
    places = source_points(theta, FRAME)
    back = _inverse(true_theta)
    if theta.ndim == true_theta.ndim == 3 and len(theta) != len(true_theta):
        raise InvalidInputError(
            f"theta holds {len(theta)} poses and true_theta {len(true_theta)}; wanted as many."
        )
    found = np.concatenate([places, np.ones((*places.shape[:-1], 1))], axis=-1)
    seen = found @ np.swapaxes(back, -1, -2)
    depth = seen[..., 2:]
    return np.divide(seen[..., :2], depth, out=np.full_like(seen[..., :2], np.inf), where=depth > 0)


def _square(theta: Floats) -> Floats:
    return theta if theta.shape[-2] == 3 else homogeneous(theta)


def _inverse(true_theta: Floats) -> Floats:
    """(..., 3, 3), its last entry positive in the middle of what theta shows."""
    if true_theta.shape[-1] == 2:
        raise InvalidInputError("true_theta is a spline's, which has no inverse of its kind.")
    square = _square(true_theta)
    if not (np.linalg.cond(square) < 1 / np.finfo(np.float64).eps).all():
        raise InvalidInputError("true_theta is singular and has no inverse.")
    back = np.linalg.inv(square)
    return back * np.sign(square[..., 2:, 2:])


def _turn(degrees: float) -> Floats:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _check_symmetry(symmetry: int) -> int:
    if isinstance(symmetry, bool) or not isinstance(symmetry, Integral) or symmetry < 1:
        raise InvalidInputError(f"symmetry is {symmetry!r}; wanted an integer of 1 or more.")
    return int(symmetry)
