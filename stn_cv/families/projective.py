"""Homographies: an affine motion and a tilt away from the picture's plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, read_only
from ..geometry import (
    check_theta,
    homography_gradient_to_theta,
    homography_output_to_source,
    horizon,
    isotropic_sides,
)
from ..kernels import loaded
from .composition import ComposedMotion, Motion
from .coordinate_family import Backward, CoordinateFamily

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
class ProjectiveFamily(CoordinateFamily):
    """Parameters (n, 8) to theta (n, 3, 3).

    The first six are those of the affine family, and move the middle of the output just as
    they do there; the last two, (a, b), tilt: an output point p from the middle, in half
    the geometric mean of the source's sides, is first brought to p / (1 + a x + b y). So
    the warp near the middle, where it goes and how it turns and stretches, does not depend
    on the tilt, and every number is of the size of 1.

    What lies behind the camera, where 1 + a x + b y is not above a thousandth of its largest
    value in the output, is outside the source and has no gradient. Where the source is repeated
    there by padding_mode "reflection", what it shows is left to rounding.
    """

    name: str = "projective"
    n_parameters: int = 8
    motion: Motion = _homography

    def composed(self, n_steps: int) -> "ProjectiveFamily":
        """Of so many warps one after another, the last nearest the output."""
        motion = ComposedMotion(self.motion, n_steps)
        return ProjectiveFamily(self.name, n_steps * self.n_parameters, motion)

    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta (n, 3, 3), float64, for sources of `input_shape`, and its backward."""
        motion, backward = self.motion(parameters.astype(np.float64))
        sides = isotropic_sides(input_shape)
        gains = sides / sides[:, None]  # isotropic units to normalized ones
        return motion * gains, lambda dtheta: backward(dtheta * gains).astype(parameters.dtype)

    def coordinates_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Pixels of the source that homographies show in pixels of the output.

        Parameters
        ----------
        theta : ndarray of shape (n, 3, 3), float64
            Output to source, normalized: (x, y, 1) goes to (u w, v w, w). Any scale other than
            0 does, as long as w is positive where the source is seen.
        input_shape, output_shape : tuple
            (height, width) of the source and of the output.
        rows : slice
            Which of the output's rows are wanted.

        Returns
        -------
        ndarray of shape (n, rows, width, 2), float64
            (x, y) in pixels, centres at integers; exact for the identity, flips, right angles
            and integer shifts. A pixel behind the camera, whose w is no more than a thousandth
            of ``abs(theta[2]).sum()``, the largest in the output, is given coordinates 1e9 pixels
            away, outside every source (that "reflection" folds back to where rounding says). Of
            a theta that is not finite, NaN.

        Notes
        -----
        Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.
        Source: Jaderberg et al. 2015, section 3.2.

        Examples
        --------
        >>> import numpy as np
        >>> from stn_cv.families import FAMILIES
        >>> tilted = np.array([[[1, 0, 0], [0, 1, 0], [0.5, 0, 1]]])
        >>> FAMILIES["projective"].coordinates(tilted, (1, 4), (1, 4))[0, 0, :, 0]
        array([-0.9       ,  0.92857143,  1.94444444,  2.59090909])
        """
        kernels = loaded("sampling.homography")
        first, end, _ = rows.indices(output_shape[0])
        matrices = homography_output_to_source(theta, input_shape, output_shape)
        out = np.empty((len(theta), end - first, output_shape[1], 2))
        kernels.coordinates(matrices, horizon(theta), first, out)
        return out

    def coordinates_backward(
        self, dcoordinates: Array, theta: Array, input_shape: tuple[int, ...]
    ) -> Array:
        """Gradient by theta from that by all coordinates.

        What came of a pixel behind the camera counts for nothing.

        Parameters
        ----------
        dcoordinates : ndarray of shape (n, height, width, 2)
            Gradient by all of `coordinates`.
        theta : ndarray of shape (n, 3, 3), float64
            As given to `coordinates`.
        input_shape : tuple
            (height, width) of the source.

        Returns
        -------
        ndarray of shape (n, 3, 3), float64
            Gradient by theta.

        Examples
        --------
        >>> import numpy as np
        >>> from stn_cv.families import FAMILIES
        >>> dcoordinates = np.ones((1, 1, 2, 2))  # a pixel is half the height, a fourth the width
        >>> theta = np.eye(3)[None]
        >>> FAMILIES["projective"].coordinates_backward(dcoordinates, theta, (1, 2))[0]
        array([[ 0. ,  0. ,  2. ],
               [ 0. ,  0. ,  1. ],
               [-0.5,  0. ,  0. ]])
        """
        kernels = loaded("sampling.homography")
        output_shape = dcoordinates.shape[1:3]
        matrices = homography_output_to_source(theta, input_shape, output_shape)
        dmatrices = np.empty(theta.shape)
        kernels.gradient(matrices, horizon(theta), read_only(dcoordinates), dmatrices)
        return homography_gradient_to_theta(dmatrices, theta, input_shape, output_shape)

    def check(self, theta: Array) -> Array:
        """Theta (3, 3) or (n, 3, 3) as float64, or an error that says what is wrong."""
        return check_theta(theta, (3, 3)).astype(np.float64)
