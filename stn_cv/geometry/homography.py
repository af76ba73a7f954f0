"""The algebra of a homography's theta (n, 3, 3)."""

import numpy as np

from .affine import Floats, axes, normalized_from_pixel, pixel_from_normalized, with_exact_integers

SMALLEST = 1e-100  # w: less is behind the camera in any case, so that 1 / w stays finite
SMALLEST_EXPONENT = -1000  # whose power of two has a finite inverse
ORDINARY = 300  # binary exponents of a theta that no product of overflows
LEAST = 1e-3  # of the largest w in the output; what is less lies behind the camera, or nearly


def homography_output_to_source(
    theta: Floats, input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> Floats:
    """Pixel matrices (n, 3, 3), float64, of normalized homographies, ``align_corners=False``.

    Entries of the first two rows that lie within a few roundings of an integer become that
    integer.
    """
    to_source, from_output = _conversions(input_shape, output_shape)
    with np.errstate(invalid="ignore"):  # what is not finite stays so
        matrix = to_source @ (theta * _gain(theta) @ from_output)
        matrix[:, :2] = with_exact_integers(matrix[:, :2], input_shape)
    return matrix


def homography_gradient_to_theta(
    dmatrix: Floats,
    theta: Floats,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
) -> Floats:
    """Gradient of theta from that of `homography_output_to_source`'s result."""
    to_source, from_output = _conversions(input_shape, output_shape)
    return to_source.T @ dmatrix @ from_output.T * _gain(theta)


def horizon(theta: Floats) -> Floats:
    """The w, (n,), up to which a pixel lies behind the camera; NaN of a theta not finite."""
    least = LEAST * np.abs(theta[:, 2] * _gain(theta)[:, 0]).sum(axis=-1)
    finite = np.isfinite(theta).all(axis=(-2, -1))
    return np.where(finite, np.maximum(least, SMALLEST), np.nan)


def _conversions(
    input_shape: tuple[int, ...], output_shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Matrices (3, 3) from normalized coordinates to the source's pixels, and from the output's."""
    to_source, from_output = np.eye(3), np.eye(3)
    for matrix, conversion, shape in (
        (to_source, pixel_from_normalized, input_shape),
        (from_output, normalized_from_pixel, output_shape),
    ):
        gains, offsets = axes(conversion, shape, False)
        matrix[0, 0], matrix[1, 1] = gains
        matrix[:2, 2] = offsets
    return to_source, from_output


def _gain(theta: Floats) -> Floats:
    """What an extreme theta is multiplied by to lie near 1, (n, 1, 1).

    A multiple of a homography is the same homography; its products stay within float64's range.
    """
    exponent = np.frexp(np.abs(theta).max(axis=(-2, -1), keepdims=True))[1]
    extreme = np.abs(exponent) > ORDINARY
    return np.ldexp(1.0, np.where(extreme, -np.maximum(exponent, SMALLEST_EXPONENT), 0))
