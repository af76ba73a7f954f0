"""Theta as the pixel matrix that OpenCV's ``warpAffine`` takes, and back."""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidInputError
from .affine import (
    Floats,
    Shape,
    axes,
    check_shape,
    matrix_output_to_source,
    normalized_from_pixel,
    pixel_from_normalized,
)
from .theta import check_theta

__all__ = ["theta_from_cv2", "theta_to_cv2"]


def homogeneous(matrix: Floats) -> Floats:
    """Append the row (0, 0, 1) to (..., 2, 3)."""
    row = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (*matrix.shape[:-2], 1, 3))
    return np.concatenate([matrix, row], axis=-2)


def invert(matrix: Floats) -> Floats:
    """The inverse of affine matrices (..., 2, 3); one that is none up to rounding is refused."""
    with np.errstate(over="ignore", invalid="ignore"):
        main = matrix[..., 0, 0] * matrix[..., 1, 1]
        cross = matrix[..., 0, 1] * matrix[..., 1, 0]
        rounding = 4 * np.finfo(np.float64).eps * (np.abs(main) + np.abs(cross))
        regular = np.abs(main - cross) > rounding
    if not regular.all():
        raise InvalidInputError(
            "an affine matrix is singular and has no inverse; its 2 x 2 part needs a "
            "determinant other than 0."
        )
    return np.linalg.inv(homogeneous(matrix))[..., :2, :]


def theta_to_cv2(
    theta: ArrayLike,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    *,
    direction: str = "source_to_output",
    align_corners: bool = False,
) -> Floats:
    """Convert theta to the pixel matrix of ``cv2.warpAffine``.

    Parameters
    ----------
    theta : array_like of shape (2, 3) or (n, 2, 3)
        Output to source, normalized coordinates.
    input_shape, output_shape : tuple
        (height, width[, channels]) of the source and of the warped image.
    direction : {"source_to_output", "output_to_source"}, default "source_to_output"
        What the result maps. OpenCV takes source to output, and output to source under the
        flag ``WARP_INVERSE_MAP``.
    align_corners : bool, default False
        Whether theta's corners -1 and 1 are the centres of the corner pixels (True) or
        their outer edges (False).

    Returns
    -------
    ndarray of shape (2, 3) or (n, 2, 3), float64
        Pixel matrix on (x, y), pixel centres at integers.

    Raises
    ------
    InvalidInputError
        If theta has another shape, is not finite, or cannot be inverted.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1].

    Examples
    --------
    >>> from stn_cv import theta_to_cv2
    >>> shifted = [[1, 0, 0.5], [0, 1, 0]]  # look a quarter of the width to the right
    >>> theta_to_cv2(shifted, (4, 8), (4, 8))
    array([[ 1.,  0., -2.],
           [ 0.,  1.,  0.]])
    """
    check_direction(direction)
    shapes = _both_shapes(input_shape, output_shape)
    matrix = matrix_output_to_source(check_theta(theta), *shapes, align_corners)
    return matrix if direction == "output_to_source" else invert(matrix) + 0.0


def theta_from_cv2(
    matrix: ArrayLike,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    *,
    direction: str = "source_to_output",
    align_corners: bool = False,
) -> Floats:
    """Convert a pixel matrix of ``cv2.warpAffine`` to theta.

    Parameters
    ----------
    matrix : array_like of shape (2, 3) or (n, 2, 3)
        Pixel matrix on (x, y), pixel centres at integers.
    input_shape, output_shape : tuple
        (height, width[, channels]) of the source and of the warped image.
    direction : {"source_to_output", "output_to_source"}, default "source_to_output"
        What `matrix` maps.
    align_corners : bool, default False
        The corner rule of the theta wanted.

    Returns
    -------
    ndarray of shape (2, 3) or (n, 2, 3), float64
        Theta, output to source, normalized.

    Raises
    ------
    InvalidInputError
        If the matrix has another shape, is not finite, or cannot be inverted; if a side of
        1 pixel has no extent under ``align_corners=True``.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1].

    Examples
    --------
    >>> from stn_cv import theta_from_cv2
    >>> theta_from_cv2([[1, 0, -2], [0, 1, 0]], (4, 8), (4, 8))
    array([[1. , 0. , 0.5],
           [0. , 1. , 0. ]])
    """
    check_direction(direction)
    input_shape, output_shape = _both_shapes(input_shape, output_shape)
    matrix = check_theta(matrix, name="matrix").astype(np.float64)
    if align_corners and 1 in (*input_shape, *output_shape):
        raise InvalidInputError(
            "a side of 1 pixel spans nothing under align_corners=True; use align_corners=False."
        )
    if direction == "source_to_output":
        matrix = invert(matrix)
    gains_in, offsets_in = axes(normalized_from_pixel, input_shape, align_corners)
    gains_out, offsets_out = axes(pixel_from_normalized, output_shape, align_corners)
    linear = matrix[..., :2] * gains_in[:, None] * gains_out
    offset = (matrix[..., :2] @ offsets_out + matrix[..., 2]) * gains_in + offsets_in
    return np.concatenate([linear, offset[..., None]], axis=-1)


def _both_shapes(
    input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> tuple[Shape, Shape]:
    return (
        check_shape("input_shape", input_shape, (2, 3)),
        check_shape("output_shape", output_shape, (2, 3)),
    )


def check_direction(direction: str) -> None:
    """Refuse a direction other than the two there are."""
    if direction not in ("source_to_output", "output_to_source"):
        raise InvalidInputError(
            f"direction is {direction!r}; wanted 'source_to_output' (what cv2.warpAffine takes) "
            "or 'output_to_source' (with WARP_INVERSE_MAP)."
        )
