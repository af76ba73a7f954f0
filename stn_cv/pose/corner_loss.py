"""How far a theta's corners lie from where they should, with the gradient.

Distances are taken in the upright picture's frame, in its widths: the corners that theta
shows in the source are brought back by the linear part of the true theta in the picture's
middle. Of affine families that is the corner error itself, of homographies and splines its
first order. A spline has its control points for corners.
"""

from collections.abc import Callable

import numpy as np

from ..arrays import Array
from ..geometry import control_points, points_a_side
from .algebra import middles

__all__ = ["CORNERS", "corner_loss"]

Backward = Callable[[Array], Array]
CORNERS = control_points(2)
ROUND = 1e-3  # widths: below it a distance goes over into its square, so that it has a gradient
SHALLOWEST = 0.05  # of a homography's w; what lies nearer to the horizon has no gradient


def corner_loss(theta: Array, target: Array, output_shape: tuple[int, int]) -> tuple[Array, Array]:
    """Mean distance of each theta's corners from the target's, and the gradient by theta.

    Parameters
    ----------
    theta, target : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        Output to source, normalized, of one family.
    output_shape : tuple
        (height, width) of the upright picture.

    Returns
    -------
    loss : ndarray of shape (n,)
        In widths of the upright picture.
    dtheta : ndarray
        Of theta's shape.
    """
    found, backward = _in_source(theta)
    wanted, _ = _in_source(target)
    height, width = output_shape
    back = np.linalg.inv(middles(target)[:, :, :2]).swapaxes(1, 2)
    back = back * (np.array([1.0, height / width]) / 2)
    apart = (found - wanted) @ back
    distance = np.sqrt((apart**2).sum(axis=2) + ROUND**2)
    count = apart.shape[1]
    dfound = (apart / distance[:, :, None] / count) @ back.swapaxes(1, 2)
    return distance.mean(axis=1) - ROUND, backward(dfound)


def _in_source(theta: Array) -> tuple[Array, Backward]:
    """Where corners or control points lie in the source, (n, m, 2), with the backward."""
    if theta.shape[-1] == 2:
        return control_points(points_a_side(theta)) + theta, lambda dpoints: dpoints
    corners = np.concatenate([CORNERS, np.ones((4, 1))], axis=1)
    points = corners @ theta.swapaxes(1, 2)
    if theta.shape[-2] == 2:
        return points, lambda dpoints: dpoints.swapaxes(1, 2) @ corners
    depth = np.maximum(points[:, :, 2:], SHALLOWEST)
    seen = points[:, :, :2] / depth

    def backward(dseen: Array) -> Array:
        dplace = dseen / depth
        ddepth = -(dplace * seen).sum(axis=2, keepdims=True) * (points[:, :, 2:] > SHALLOWEST)
        return np.concatenate([dplace, ddepth], axis=2).swapaxes(1, 2) @ corners

    return seen, backward
