"""Thin-plate splines: control points, each displaced on its own."""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..geometry import (
    axes,
    check_spline,
    isotropic_sides,
    matrix_output_to_source,
    pixel_from_normalized,
    points_a_side,
    spline_at_pixels,
    splines_at_crossings,
)
from .coordinate_family import Backward, CoordinateFamily

__all__ = ["SplineFamily"]

IDENTITY: Array = np.eye(2, 3)
LARGEST_EXACT = 2**19  # pixels of an output whose coordinates are all computed one by one
APART = 4  # pixels between the coordinates that are, in larger outputs


@dataclass(frozen=True)
class SplineFamily(CoordinateFamily):
    """Parameters (n, 2 k k) to theta (n, k * k, 2).

    Parameters are by how much each of `k` x `k` control points of the output is displaced in
    the source, x then y, in half the geometric mean of the source's sides; theta is the same
    in half the width and half the height. The points stand evenly on the output, outermost
    ones on its border, row by row from the top left. Between them goes the surface that bends
    least, in the output's normalized coordinates: so theta means the same at every resolution
    of the source and of the output.
    """

    name: str = "tps"
    k: int = 4

    @property
    def n_parameters(self) -> int:
        """Two for each control point."""
        return 2 * self.k**2

    def composed(self, n_steps: int) -> "SplineFamily":
        """Refused: a spline of a spline is none."""
        raise InvalidInputError(
            f"n_steps is {n_steps}, but warps of the family {self.name!r} one after another are "
            "none of it; use n_steps=1, or another family such as 'projective'."
        )

    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta (n, k * k, 2), float64, for sources of `input_shape`, and its backward."""
        width, height, unit = isotropic_sides(input_shape)
        gains = unit / np.array([width, height])
        displacements = parameters.astype(np.float64).reshape(-1, self.k**2, 2)

        def backward(dtheta: Array) -> Array:
            return (dtheta * gains).reshape(parameters.shape).astype(parameters.dtype)

        return displacements * gains, backward

    def coordinates(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """Pixels of the source that splines show in pixels of the output.

        Parameters
        ----------
        theta : ndarray of shape (n, k * k, 2), float64
            By how much the control points of the output are displaced in the source: (x, y),
            normalized.
        input_shape, output_shape : tuple
            (height, width) of the source and of the output.

        Returns
        -------
        ndarray of shape (n, height, width, 2), float64
            (x, y) in pixels, centres at integers; exact for the identity.

        Notes
        -----
        Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.
        Source: Jaderberg et al. 2015, section 3.2; Bookstein 1989.

        Examples
        --------
        >>> import numpy as np
        >>> from stn_cv.families import FAMILIES
        >>> theta = np.zeros((1, 16, 2))
        >>> theta[:, 3::4, 0] = 1  # the right side is fetched from half a width farther right
        >>> theta[:, 2::4, 0] = 2 / 3
        >>> theta[:, 1::4, 0] = 1 / 3
        >>> FAMILIES["tps"].coordinates(theta, (1, 4), (1, 4))[0, 0, :, 0].round(9)
        array([0.25, 1.75, 3.25, 4.75])
        """
        values = spline_at_pixels(points_a_side(theta), output_shape)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is shown as 0
            moved = _by_axis(theta, input_shape) @ values.T
        return _coordinates(moved.reshape(-1, *output_shape), input_shape, output_shape, 0)

    def coordinates_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Some rows of `coordinates`, (n, rows, width, 2), quickly for photos.

        Where the output is large, displacements are computed at every fourth pixel of every
        fourth row, and are linear between. With random ones of a tenth of half a side,
        coordinates are off by 0.1 pixels at most in an output of 724 x 724, by 0.03 in one of
        4000 x 4000, and that only beside control points: there a spline's curvature has no bound.
        """
        height, width = output_shape
        first, end, _ = rows.indices(height)
        apart = 1 if height * width <= LARGEST_EXACT else APART
        above = first // apart
        crossing_rows = apart * np.arange(above, -(-end // apart) + 1)
        crossing_columns = apart * np.arange(-(-width // apart) + 1)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is shown as 0
            moved = splines_at_crossings(
                _by_axis(theta, input_shape), output_shape, crossing_rows, crossing_columns
            )
        if apart > 1:
            moved = _linear_between(_linear_between(moved).swapaxes(1, 2)).swapaxes(1, 2)
        start = first - apart * above
        moved = moved[:, start : start + end - first, :width]
        return _coordinates(moved, input_shape, output_shape, first)

    def coordinates_backward(
        self, dcoordinates: Array, theta: Array, input_shape: tuple[int, ...]
    ) -> Array:
        """Gradient by theta from that by all coordinates.

        Parameters
        ----------
        dcoordinates : ndarray of shape (n, height, width, 2)
            Gradient by all of `coordinates`.
        theta : ndarray of shape (n, k * k, 2)
            As given to `coordinates`.
        input_shape : tuple
            (height, width) of the source.

        Returns
        -------
        ndarray of shape (n, k * k, 2), float64
            Gradient by theta.

        Examples
        --------
        >>> import numpy as np
        >>> from stn_cv.families import FAMILIES
        >>> dcoordinates = np.ones((1, 1, 2, 2))  # a pixel is half the height, a fourth the width
        >>> theta = np.zeros((1, 16, 2))
        >>> dtheta = FAMILIES["tps"].coordinates_backward(dcoordinates, theta, (1, 2))
        >>> dtheta.sum(axis=1)  # of all points together it is that of a shift
        array([[2., 1.]])
        """
        n, height, width, _ = dcoordinates.shape
        gains, _ = axes(pixel_from_normalized, input_shape, False)
        values = spline_at_pixels(points_a_side(theta), (height, width))
        dmoved = dcoordinates.reshape(n, height * width, 2).transpose(0, 2, 1)
        dtheta = dmoved.reshape(2 * n, height * width) @ values
        dtheta = dtheta.reshape(n, 2, theta.shape[1]).transpose(0, 2, 1)
        return np.asarray(dtheta * gains)

    def check(self, theta: Array) -> Array:
        """Theta (k * k, 2) or (n, k * k, 2), of any k, as float64, or an error."""
        return check_spline(theta)


def _by_axis(theta: Array, input_shape: tuple[int, ...]) -> Array:
    """Displacements in pixels of the source, (2 n, k * k): all x of an image, then all y."""
    gains, _ = axes(pixel_from_normalized, input_shape, False)
    return (theta * gains).transpose(0, 2, 1).reshape(2 * len(theta), theta.shape[1])


def _linear_between(values: Array) -> Array:
    """The last axis `APART` times as fine, up to its last value."""
    steps = np.diff(values) / APART
    fine = values[..., :-1, None] + steps[..., None] * np.arange(APART)
    return fine.reshape(*values.shape[:-1], -1)


def _coordinates(
    moved: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int], first: int
) -> Array:
    """Coordinates of the rows from `first` on, moved by (2 n, rows, width)."""
    n, rows, width = len(moved) // 2, *moved.shape[1:]
    (x_step, _, x_first), (_, y_step, y_first) = matrix_output_to_source(
        IDENTITY, input_shape, output_shape, False
    )
    coordinates = np.empty((n, rows, width, 2))
    np.add(moved[::2], x_first + x_step * np.arange(width), out=coordinates[..., 0])
    down = y_first + y_step * np.arange(first, first + rows)
    np.add(moved[1::2], down[:, None], out=coordinates[..., 1])
    return coordinates
