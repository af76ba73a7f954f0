"""Where a thin-plate spline looks in the source, and the gradient of that."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import (
    axes,
    matrix_output_to_source,
    pixel_from_normalized,
    points_a_side,
    spline_at_pixels,
)

__all__ = ["spline_places", "spline_places_backward"]

Array = NDArray[Any]
IDENTITY: Array = np.eye(2, 3)


def spline_places(
    theta: Array,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, int],
    rows: slice = slice(None),
) -> Array:
    """Pixels of the source that splines show in pixels of the output.

    Parameters
    ----------
    theta : ndarray of shape (n, k * k, 2), float64
        By how much the k x k control points of the output, which stand on [-1, 1] x [-1, 1],
        row by row from the top left, are displaced in the source: (x, y), normalized.
    input_shape, output_shape : tuple
        (height, width) of the source and of the output.
    rows : slice, default all
        Which of the output's rows are wanted.

    Returns
    -------
    ndarray of shape (n, rows, width, 2), float64
        (x, y) in pixels, centres at integers; exact for the identity.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``. Source:
    Jaderberg et al. 2015, section 3.2; Bookstein 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.sampling.spline import spline_places
    >>> theta = np.zeros((1, 4, 2))
    >>> theta[:, 1::2, 0] = 1  # the right side is fetched from half a width farther right
    >>> spline_places(theta, (1, 4), (1, 4))[0, 0, :, 0].round(9)
    array([0.25, 1.75, 3.25, 4.75])
    """
    n, height, width = len(theta), *output_shape
    first, end, _ = rows.indices(height)
    (x_step, _, x_first), (_, y_step, y_first) = matrix_output_to_source(
        IDENTITY, input_shape, output_shape, False
    )
    gains, _ = axes(pixel_from_normalized, input_shape, False)
    values = spline_at_pixels(points_a_side(theta), output_shape, rows)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is shown as 0
        moved = (theta * gains).transpose(0, 2, 1).reshape(2 * n, theta.shape[1]) @ values.T
    moved = moved.reshape(n, 2, end - first, width)
    places = np.empty((n, end - first, width, 2))
    np.add(moved[:, 0], x_first + x_step * np.arange(width), out=places[..., 0])
    np.add(moved[:, 1], y_first + y_step * np.arange(first, end)[:, None], out=places[..., 1])
    return places


def spline_places_backward(dplaces: Array, theta: Array, input_shape: tuple[int, ...]) -> Array:
    """Gradient by theta from the gradient by `spline_places`'s result.

    Parameters
    ----------
    dplaces : ndarray of shape (n, height, width, 2)
        Gradient by all places.
    theta : ndarray of shape (n, k * k, 2)
        As given to `spline_places`.
    input_shape : tuple
        (height, width) of the source.

    Returns
    -------
    ndarray of shape (n, k * k, 2), float64
        Gradient by theta.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.sampling.spline import spline_places_backward
    >>> dplaces = np.ones((1, 1, 2, 2))  # a pixel is half the height, a fourth of the width
    >>> spline_places_backward(dplaces, np.zeros((1, 4, 2)), (1, 2))[0].round(9)
    array([[0.5 , 0.25],
           [0.5 , 0.25],
           [0.5 , 0.25],
           [0.5 , 0.25]])
    """
    n, height, width, _ = dplaces.shape
    gains, _ = axes(pixel_from_normalized, input_shape, False)
    values = spline_at_pixels(points_a_side(theta), (height, width))
    dmoved = dplaces.reshape(n, height * width, 2).transpose(0, 2, 1)
    dtheta = dmoved.reshape(2 * n, height * width) @ values
    dtheta = dtheta.reshape(n, 2, theta.shape[1]).transpose(0, 2, 1)
    return np.asarray(dtheta * gains)
