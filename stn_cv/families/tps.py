"""Thin-plate splines: control points, each displaced on its own."""

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..geometry import check_spline
from ..sampling.spline import spline_places, spline_places_backward, spline_places_in_rows
from .by_places import Backward, PlacingFamily

__all__ = ["SplineFamily"]


@dataclass(frozen=True)
class SplineFamily(PlacingFamily):
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
        height, width = input_shape[:2]
        gains = math.sqrt(height * width) / np.array([width, height])
        displacements = parameters.astype(np.float64).reshape(-1, self.k**2, 2)

        def backward(dtheta: Array) -> Array:
            return (dtheta * gains).reshape(parameters.shape).astype(parameters.dtype)

        return displacements * gains, backward

    def places(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """Pixels (x, y) of the source that each theta shows: (n, height, width, 2), float64."""
        return spline_places(theta, input_shape, output_shape)

    def places_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Some rows of `places`, for photos: (n, rows, width, 2)."""
        return spline_places_in_rows(theta, input_shape, output_shape, rows)

    def places_backward(self, dplaces: Array, theta: Array, input_shape: tuple[int, ...]) -> Array:
        """Gradient by theta from that by all places."""
        return spline_places_backward(dplaces, theta, input_shape)

    def check(self, theta: Array) -> Array:
        """Theta (k * k, 2) or (n, k * k, 2), of any k, as float64, or an error."""
        return check_spline(theta)
