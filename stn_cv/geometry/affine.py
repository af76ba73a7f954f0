"""The algebra of an affine theta: normalized and pixel coordinates, and OpenCV's matrices.

Normalized coordinates run over [-1, 1]. With ``align_corners=False`` the centre of pixel
``i`` of ``N`` lies at ``(2 i + 1) / N - 1``, with True at ``2 i / (N - 1) - 1``.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidInputError, NonFiniteError

__all__ = ["theta_from_cv2", "theta_to_cv2"]

Floats = NDArray[Any]
Shape = tuple[int, int]
_LARGEST = 1e100  # beyond it sums of coordinates could overflow; no picture is that large


def pixel_from_normalized(size: int, align_corners: bool) -> tuple[float, float]:
    """(gain, offset) with ``pixel = gain * normalized + offset``."""
    gain = (size - 1) / 2 if align_corners else size / 2
    return gain, (size - 1) / 2


def normalized_from_pixel(size: int, align_corners: bool) -> tuple[float, float]:
    """(gain, offset) with ``normalized = gain * pixel + offset``; one pixel lies at 0."""
    span = size - 1 if align_corners else size
    if span == 0:
        return 0.0, 0.0
    return 2.0 / span, -(size - 1) / span


def as_array(name: str, value: ArrayLike) -> Floats:
    """`value` as one array, or an error that names it."""
    try:
        return np.asarray(value)
    except ValueError:
        raise InvalidInputError(
            f"{name} cannot be read as one array: its parts differ in shape; bring them to one."
        ) from None


def check_theta(theta: ArrayLike, name: str = "theta") -> Floats:
    """Return theta as a float array of shape (2, 3) or (n, 2, 3), or say what is wrong."""
    theta = as_array(name, theta)
    if theta.dtype.kind not in "fiu" or theta.shape[-2:] != (2, 3) or theta.ndim not in (2, 3):
        raise InvalidInputError(
            f"{name} has shape {theta.shape} and dtype {theta.dtype}; wanted real numbers of "
            "shape (2, 3) for one image or (n, 2, 3) for a batch."
        )
    if not np.isfinite(theta).all():
        bad = np.argwhere(~np.isfinite(theta))[0].tolist()
        raise NonFiniteError(f"{name} holds NaN or infinity, first at {bad}; give finite numbers.")
    return theta if theta.dtype.kind == "f" else theta.astype(np.float64)


def check_shape(name: str, shape: tuple[int, ...], lengths: tuple[int, ...] = (2,)) -> Shape:
    """(height, width) as two positive integers; `lengths` says whether channels may follow."""
    try:
        sides = tuple(int(side) for side in shape)
        valid = len(sides) in lengths and min(sides) > 0 and sides == tuple(shape)
    except (TypeError, ValueError, OverflowError):
        valid = False
    if not valid:
        wanted = "(height, width)" if lengths == (2,) else "(height, width[, channels])"
        raise InvalidInputError(f"{name} is {shape!r}; wanted {wanted}, positive integers.")
    return sides[0], sides[1]


def matrix_output_to_source(
    theta: Floats, input_shape: tuple[int, ...], output_shape: tuple[int, ...], align_corners: bool
) -> Floats:
    """Pixel matrix (..., 2, 3), float64, of a normalized theta.

    Entries within a few roundings of an integer become that integer, so that identity,
    flips, right angles and integer shifts stay exact. A theta that is not finite gives NaN.
    """
    theta = theta.astype(np.float64)
    gains_in, offsets_in = axes(pixel_from_normalized, input_shape, align_corners)
    gains_out, offsets_out = axes(normalized_from_pixel, output_shape, align_corners)
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = np.empty_like(theta)
        matrix[..., :2] = theta[..., :2] * (gains_in[:, None] * gains_out)
        shift = theta[..., 0] * offsets_out[0] + theta[..., 1] * offsets_out[1] + theta[..., 2]
        matrix[..., 2] = shift * gains_in + offsets_in
    if not (np.abs(matrix) <= _LARGEST).all():
        finite = np.isfinite(theta).all(axis=(-2, -1), keepdims=True)
        matrix = np.clip(np.nan_to_num(matrix, nan=_LARGEST), -_LARGEST, _LARGEST)
        matrix = np.where(finite, matrix, np.nan)
    return snapped(matrix, input_shape)


def matrix_gradient_to_theta(
    dmatrix: Floats,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    align_corners: bool,
) -> Floats:
    """Gradient of theta from that of `matrix_output_to_source`'s result (its transpose)."""
    gains_in, _ = axes(pixel_from_normalized, input_shape, align_corners)
    gains_out, offsets_out = axes(normalized_from_pixel, output_shape, align_corners)
    doffset = dmatrix[..., 2] * gains_in
    dlinear = dmatrix[..., :2] * gains_in[:, None] * gains_out + doffset[..., None] * offsets_out
    return np.concatenate([dlinear, doffset[..., None]], axis=-1)


def axes(conversion: Any, shape: tuple[int, ...], align_corners: bool) -> tuple[Floats, Floats]:
    """The conversion's gains and offsets along (x, y)."""
    height, width = shape[:2]
    return _axes(conversion, width, height, align_corners)


@lru_cache
def _axes(conversion: Any, width: int, height: int, align_corners: bool) -> tuple[Floats, Floats]:
    pairs = np.array([conversion(width, align_corners), conversion(height, align_corners)])
    gains, offsets = pairs.T.copy()
    gains.flags.writeable = offsets.flags.writeable = False
    return gains, offsets


def snapped(matrix: Floats, input_shape: tuple[int, ...]) -> Floats:
    """Entries that are integers but for a few roundings, as those integers."""
    tolerance = 16 * np.finfo(np.float64).eps * max(*input_shape[:2], 1)
    nearest = np.rint(matrix)
    return np.where(np.abs(matrix - nearest) <= tolerance, nearest, matrix)


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
    matrix = check_theta(matrix, "matrix").astype(np.float64)
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
