"""Poses as matrices: one after another, back again, and what is turned and scaled in them.

A pose is a theta: it maps the upright picture, the output, to the photo, the source.
"""

import math

import numpy as np

from ..arrays import Array
from ..families import FAMILIES
from ..geometry import control_points, points_a_side, source_points
from ..sampling import WarpRules

__all__ = [
    "after",
    "inverses",
    "isotropic_gains",
    "middles",
    "similarity_parts",
    "square",
    "warped",
]

LARGEST = 1e50  # of an entry: the product of two is finite


def square(theta: Array) -> Array:
    """(n, 3, 3) of affine thetas (n, 2, 3) or homographies."""
    matrices = np.zeros((len(theta), 3, 3))
    matrices[:, 2, 2] = 1
    matrices[:, : theta.shape[1]] = np.clip(theta, -LARGEST, LARGEST)
    return matrices


def after(moves: Array, theta: Array) -> Array:
    """The pose of a thing in a photo that was itself moved.

    Parameters
    ----------
    moves : ndarray of shape (n, 2, 3) or (n, 3, 3)
        The photo as it was to the photo as it is now.
    theta : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        Output to the photo as it was.

    Returns
    -------
    ndarray
        Output to the photo as it is now; of a spline exact at its control points.
    """
    if theta.shape[-1] == 2:
        controls = control_points(points_a_side(theta))
        return np.stack(
            [
                source_points(move, controls + own) - controls
                for move, own in zip(moves, theta, strict=True)
            ]
        )
    product = square(moves) @ square(theta)
    if moves.shape[1] == theta.shape[1] == 2:
        return product[:, :2]
    return product / product[:, 2:, 2:]


def inverses(theta: Array) -> Array:
    """Source to output of affine thetas (n, 2, 3) or homographies (n, 3, 3)."""
    inverse = np.linalg.inv(square(theta))
    return inverse[:, :2] if theta.shape[1] == 2 else inverse / inverse[:, 2:, 2:]


def middles(theta: Array) -> Array:
    """The affine theta nearest to each in the output's middle, (n, 2, 3)."""
    if theta.shape[-1] == 2:
        controls = control_points(points_a_side(theta))
        points = controls + theta
        linear = points.swapaxes(1, 2) @ controls / (controls**2).sum(axis=0)
        return np.concatenate([linear, points.mean(axis=1)[:, :, None]], axis=2)
    if theta.shape[1] == 2:
        return theta
    depth = theta[:, 2:, 2:]
    middle = theta[:, :2, 2:] / depth
    linear = theta[:, :2, :2] / depth - middle * (theta[:, 2:, :2] / depth)
    return np.concatenate([linear, middle], axis=2)


def isotropic_gains(shape: tuple[int, ...]) -> Array:
    """What the entries (2, 3) of a motion in isotropic units are multiplied by to be theta's."""
    height, width = shape[:2]
    unit = math.sqrt(height * width)
    return np.array([[1, height / width, unit / width], [width / height, 1, unit / height]])


def similarity_parts(theta: Array, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """(log scale, angle in radians, shift (n, 2)) of the similarity nearest in the middle.

    In the isotropic units of `stn_cv.families`, for sources of `shape`.
    """
    motion = middles(theta) / isotropic_gains(shape)
    along = motion[:, 0, 0] + motion[:, 1, 1]
    across = motion[:, 1, 0] - motion[:, 0, 1]
    scale = np.maximum(np.hypot(along, across) / 2, 1e-6)
    return np.log(scale), np.arctan2(across, along), motion[:, :, 2]


def warped(images: Array, theta: Array, output_shape: tuple[int, int], padding_mode: str) -> Array:
    """Images (n, h, w, c) warped by theta of any family, on the calling thread."""
    name = {2: "tps", 3: "affine"}[theta.shape[-1]] if theta.shape[-2:] != (3, 3) else "projective"
    return FAMILIES[name].apply(images, theta, output_shape, WarpRules(padding_mode))


def identities(family: str, n: int) -> Array:
    """Theta of pictures that are upright already."""
    parameters = np.zeros((n, FAMILIES[family].n_parameters))
    return FAMILIES[family].theta(parameters, (1, 1))[0]
