"""The algebra of an affine theta: normalized, pixel and isotropic coordinates.

Normalized coordinates run over [-1, 1]. With ``align_corners=False`` the centre of pixel
``i`` of ``N`` lies at ``(2 i + 1) / N - 1``, with True at ``2 i / (N - 1) - 1``.

Isotropic ones count half the geometric mean of an image's sides from its middle, along both axes:
in them a rotation is a rotation on a picture of any aspect.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidInputError

Floats = NDArray[Any]
Shape = tuple[int, int]
_EPSILON = float(np.finfo(np.float64).eps)
_ROUNDINGS = 16  # by which an entry that is meant to be an integer may be off
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
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise InvalidInputError(
            f"{name} is a masked array, and masks are not looked at; give its filled(...) values."
        )
    try:
        return np.asarray(value)
    except ValueError:
        raise InvalidInputError(
            f"{name} cannot be read as one array: its parts differ in shape; bring them to one."
        ) from None


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
    theta = theta.astype(np.float64, order="C")  # one layout, so that kernels compile once
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
    return with_exact_integers(matrix, input_shape)


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


def with_exact_integers(matrix: Floats, input_shape: tuple[int, ...]) -> Floats:
    """Entries that are integers but for a few roundings, as those integers."""
    nearest = np.rint(matrix)
    near = np.abs(matrix - nearest) <= integer_tolerance(input_shape)
    return np.where(near, nearest, matrix)


def integer_tolerance(input_shape: tuple[int, ...]) -> float:
    """By how much an entry that is meant to be an integer may be off, for a source's shape."""
    return _ROUNDINGS * _EPSILON * max(*input_shape[:2], 1)


def isotropic_sides(shape: tuple[int, ...]) -> Floats:
    """What a matrix in isotropic coordinates is scaled by: (width, height, their mean).

    ``matrix * (sides / sides[:, None])`` is the matrix in normalized coordinates.
    """
    height, width = shape[:2]
    return np.array([width, height, math.sqrt(height * width)])
