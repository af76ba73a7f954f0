"""Thin-plate splines through a square of control points, as matrices.

A spline that bends least between k x k control points is a sum of one bump a point, times
what it is to be there. So its values anywhere are a matrix times the values at the control
points, and the matrix depends on the coordinates alone. Control points stand on [-1, 1] x [-1, 1]
of the output, outermost ones on its border, row by row from the top left.
Source: Bookstein 1989, Principal warps, eq. 1 to 7; U(r) = r^2 log r^2.
"""

import math
from functools import lru_cache

import numpy as np

from .affine import Floats, axes, normalized_from_pixel

__all__ = [
    "control_points",
    "spline_at_pixels",
    "spline_slopes",
    "spline_values",
    "splines_at_crossings",
]

LARGEST_KEPT = 2**17  # pixels of an output whose matrix is kept: 16 MB for 16 points


def control_points(k: int) -> Floats:
    """(x, y) of the k x k control points, (k * k, 2), normalized."""
    line = np.linspace(-1, 1, k)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


def spline_values(points: Floats, k: int) -> Floats:
    """What each control point's value adds at each of the points.

    Parameters
    ----------
    points : ndarray of shape (m, 2)
        (x, y), normalized.
    k : int
        Control points a side, 2 or more.

    Returns
    -------
    ndarray of shape (m, k * k), float64
        Rows add up to 1; a linear function comes out as itself.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.geometry import spline_values
    >>> spline_values(np.array([[0.0, 0], [-1, -1]]), 2).round(9) + 0.0
    array([[0.25, 0.25, 0.25, 0.25],
           [1.  , 0.  , 0.  , 0.  ]])
    """
    x, y = points[:, 0], points[:, 1]
    terms = _terms(k, _squares(x, k)[None], _squares(y, k)[:, None], x, y)
    return (_weights(k).T @ terms).T


def spline_slopes(points: Floats, k: int) -> Floats:
    """Slopes by x and by y of `spline_values`, (m, k * k, 2), at points (m, 2)."""
    offsets = points[:, None] - control_points(k)
    squares = np.square(offsets).sum(axis=-1, keepdims=True) + np.finfo(np.float64).tiny
    terms = np.zeros((len(points), k * k + 3, 2))
    terms[:, :-3] = 2 * offsets * (np.log(squares) + 1)
    terms[:, -2, 0] = terms[:, -1, 1] = 1
    return np.swapaxes(_weights(k), 0, 1) @ terms


def spline_at_pixels(k: int, output_shape: tuple[int, int]) -> Floats:
    """`spline_values` at the pixels of an output, row by row: (height * width, k * k).

    Of an output that is not large they are computed once and kept.
    """
    at_pixels = _kept if math.prod(output_shape) <= LARGEST_KEPT else _at_pixels
    return at_pixels(k, output_shape)


def _at_pixels(k: int, output_shape: tuple[int, int]) -> Floats:
    return (_weights(k).T @ _terms_at_crossings(k, output_shape, *map(np.arange, output_shape))).T


@lru_cache(maxsize=4)
def _kept(k: int, output_shape: tuple[int, int]) -> Floats:
    values = _at_pixels(k, output_shape)
    values.flags.writeable = False
    return values


def splines_at_crossings(
    values: Floats, output_shape: tuple[int, int], rows: Floats, columns: Floats
) -> Floats:
    """Splines where some rows of an output cross some columns.

    Parameters
    ----------
    values : ndarray of shape (n, k * k)
        What each spline is at the control points.
    output_shape : tuple
        (height, width).
    rows, columns : ndarray of shape (r,) and (c,)
        Numbers of pixels along y and along x.

    Returns
    -------
    ndarray of shape (n, r, c), float64
        What each is at the crossings.
    """
    k = math.isqrt(values.shape[1])
    terms = _terms_at_crossings(k, output_shape, rows, columns)
    return (values @ _weights(k).T @ terms).reshape(len(values), len(rows), len(columns))


def _terms_at_crossings(
    k: int, output_shape: tuple[int, int], rows: Floats, columns: Floats
) -> Floats:
    gains, offsets = axes(normalized_from_pixel, output_shape, False)
    x = gains[0] * columns + offsets[0]
    y = (gains[1] * rows + offsets[1])[:, None]
    return _terms(k, _squares(x, k)[None, :, None], _squares(y, k)[:, None], x, y)


def _squares(coordinates: Floats, k: int) -> Floats:
    """Squared distances to the control points along one axis, (k, ...)."""
    line = np.linspace(-1, 1, k).reshape(k, *[1] * coordinates.ndim)
    return np.square(coordinates - line)


def _terms(k: int, squares_x: Floats, squares_y: Floats, x: Floats, y: Floats) -> Floats:
    """U of the distance to each control point, then 1, x and y: (k * k + 3, m).

    The squares add up to (k, k, ...), m of them in each.
    """
    shape = np.broadcast_shapes(squares_x.shape, squares_y.shape)
    terms = np.empty((k * k + 3, *shape[2:]))
    bumps = terms[:-3].reshape(shape)
    np.add(squares_x, squares_y, out=bumps)
    bumps += np.finfo(np.float64).tiny  # so that 0 log 0 is 0
    bumps *= np.log(bumps)
    terms[-3], terms[-2], terms[-1] = 1, x, y
    return terms.reshape(k * k + 3, -1)


@lru_cache
def _weights(k: int) -> Floats:
    """Coefficients of the terms, (k * k + 3, k * k), for each control point's bump."""
    x, y = control_points(k).T
    squares = np.square(x - x[:, None]) + np.square(y - y[:, None])
    flat = np.stack([np.ones(k * k), x, y])
    bumps = squares * np.log(squares + np.finfo(np.float64).tiny)
    system = np.block([[bumps, flat.T], [flat, np.zeros((3, 3))]])
    return np.asarray(np.linalg.inv(system)[:, : k * k])
