"""Homographies: an affine motion and a tilt away from the picture's plane."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..geometry import check_warp
from ..sampling.projective import projective_places, projective_places_backward
from .by_places import Backward, PlacingFamily
from .composition import Motion, Steps

__all__ = ["ProjectiveFamily"]

IDENTITY: NDArray[Any] = np.eye(2, 3)


def _homography(parameters: Array) -> tuple[Array, Backward]:
    """The matrix (n, 3, 3) of one step, in isotropic units from the middle."""
    affine, tilt = parameters[:, :6].reshape(-1, 2, 3) + IDENTITY, parameters[:, 6:]
    shift = affine[:, :, 2]
    motion = np.empty((len(parameters), 3, 3))
    motion[:, :2] = affine
    with np.errstate(over="ignore", invalid="ignore"):  # not finite, it is shown as 0
        motion[:, :2, :2] += shift[:, :, None] * tilt[:, None, :]
    motion[:, 2, :2], motion[:, 2, 2] = tilt, 1

    def backward(dmotion: Array) -> Array:
        dlinear = dmotion[:, :2, :2]
        daffine = dmotion[:, :2].copy()
        daffine[:, :, 2] += np.einsum("nij,nj->ni", dlinear, tilt)
        dtilt = dmotion[:, 2, :2] + np.einsum("nij,ni->nj", dlinear, shift)
        return np.concatenate([daffine.reshape(len(dmotion), 6), dtilt], axis=1)

    return motion, backward


@dataclass(frozen=True)
class ProjectiveFamily(PlacingFamily):
    """Parameters (n, 8) to theta (n, 3, 3).

    The first six are those of the affine family, and move the middle of the output just as
    they do there; the last two, (a, b), tilt: an output point p from the middle, in half
    the geometric mean of the source's sides, is first brought to p / (1 + a x + b y). So
    the warp near the middle, where it goes and how it turns and stretches, does not depend
    on the tilt, and every number is of the size of 1.

    What lies behind the camera, where 1 + a x + b y is not above a thousandth of its largest
    value in the frame, is outside the source and has no gradient. Where the source is repeated
    there by padding_mode "reflection", what it shows is left to rounding.
    """

    name: str = "projective"
    n_parameters: int = 8
    motion: Motion = _homography

    def composed(self, n_steps: int) -> "ProjectiveFamily":
        """Of so many warps one after another, the last nearest the output."""
        motion = Steps(self.motion, n_steps)
        return ProjectiveFamily(self.name, n_steps * self.n_parameters, motion)

    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta (n, 3, 3), float64, for sources of `input_shape`, and its backward."""
        motion, backward = self.motion(parameters.astype(np.float64))
        height, width = input_shape[:2]
        sides = np.array([width, height, math.sqrt(height * width)])
        gains = sides / sides[:, None]  # isotropic units to normalized ones
        return motion * gains, lambda dtheta: backward(dtheta * gains).astype(parameters.dtype)

    def places(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """Pixels (x, y) of the source that each theta shows: (n, height, width, 2), float64."""
        return projective_places(theta, input_shape, output_shape)

    def places_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Some rows of `places`, for photos: (n, rows, width, 2)."""
        return projective_places(theta, input_shape, output_shape, rows)

    def places_backward(self, dplaces: Array, theta: Array, input_shape: tuple[int, ...]) -> Array:
        """Gradient by theta from that by all places."""
        return projective_places_backward(dplaces, theta, input_shape)

    def check(self, theta: Array) -> Array:
        """Theta (3, 3) or (n, 3, 3) as float64, or an error that says what is wrong."""
        return check_warp(theta, (3, 3))
