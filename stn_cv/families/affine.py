"""The affine families: few parameters to theta, and back.

Parameters act in isotropic units, so that a rotation is a rotation on a picture of any
aspect: the source reaches from -w/2 to w/2 and -h/2 to h/2 pixels, and shifts count
half the geometric mean of its sides. Zero parameters are the identity: the output
covers the whole source.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..geometry import isotropic_sides, matrix_output_to_source
from ..kernels import loaded
from ..kernels.motion_kinds import AFFINE, ATTENTION, LARGEST_SCALE, SIMILARITY, TRANSLATION
from ..sampling import WarpRules, differentiable_warp, warp_affine
from ..sampling.affine_warp import warp_one
from ..sampling.antialias import sample_counts, shrinks
from ..sampling.at_coordinates import affine_coordinates
from ..sampling.fill import FEW_CHANNELS
from ..sampling.rules import PLAIN
from .composition import ComposedMotion
from .frames import frame_of

Backward = Callable[[Array], Array]
IDENTITY = np.eye(2, 3)


def _translation(parameters: Array) -> tuple[Array, Backward]:
    """(tx, ty)."""
    motion = np.zeros((len(parameters), 2, 3))
    motion[:, 0, 0] = motion[:, 1, 1] = 1
    motion[:, :, 2] = parameters
    return motion, lambda dmotion: dmotion[:, :, 2]


def _attention(parameters: Array) -> tuple[Array, Backward]:
    """(log s, tx, ty)."""
    scale, dscale = _bounded_scale(parameters[:, 0])
    motion, _ = _translation(parameters[:, 1:])
    motion[:, 0, 0] = motion[:, 1, 1] = scale

    def backward(dmotion: Array) -> Array:
        dlog = (dmotion[:, 0, 0] + dmotion[:, 1, 1]) * dscale
        return np.concatenate([dlog[:, None], dmotion[:, :, 2]], axis=1)

    return motion, backward


def _similarity(parameters: Array) -> tuple[Array, Backward]:
    """(log s, angle in radians, tx, ty)."""
    scale, dscale = _bounded_scale(parameters[:, 0])
    cos, sin = np.cos(parameters[:, 1]), np.sin(parameters[:, 1])
    motion = np.empty((len(parameters), 2, 3))  # stacked, it would take three times as long
    motion[:, 0, 0] = motion[:, 1, 1] = cos * scale
    motion[:, 1, 0] = sin * scale
    motion[:, 0, 1] = -motion[:, 1, 0]
    motion[:, :, 2] = parameters[:, 2:]

    def backward(dmotion: Array) -> Array:
        turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
        dlinear = dmotion[:, :, :2]
        dlog = np.einsum("nij,nij->n", dlinear, turn) * dscale
        # The derivative of a turn by its angle is the turn by a right angle more.
        dturn = np.stack([turn[:, :, 1], -turn[:, :, 0]], axis=2)
        dangle = np.einsum("nij,nij->n", dlinear, dturn) * scale
        return np.concatenate([dlog[:, None], dangle[:, None], dmotion[:, :, 2]], axis=1)

    return motion, backward


def _affine(parameters: Array) -> tuple[Array, Backward]:
    """The six displacements from the identity, row by row."""
    motion = parameters.reshape(-1, 2, 3) + IDENTITY
    return motion, lambda dmotion: dmotion.reshape(len(dmotion), 6)


def _bounded_scale(log_scale: Array) -> tuple[Array, Array]:
    """(scale, its derivative) of a log scale held between bounds by a tanh."""
    bound = math.log(LARGEST_SCALE)
    squashed = np.tanh(log_scale / bound)
    scale = np.exp(bound * squashed)
    return scale, scale * (1 - squashed**2)


@dataclass(frozen=True)
class AffineFamily:
    """A family whose members are affine: parameters (n, n_parameters) to theta (n, 2, 3)."""

    name: str
    n_parameters: int
    motion: Callable[[Array], tuple[Array, Backward]]

    def composed(self, n_steps: int) -> "AffineFamily":
        """Of so many warps one after another, the last nearest the output."""
        motion = ComposedMotion(self.motion, n_steps)
        return AffineFamily(self.name, n_steps * self.n_parameters, motion)

    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta (n, 2, 3), float64, for sources of `input_shape`, and its backward."""
        theta, _ = self._thetas_and_matrices(parameters, input_shape, input_shape)
        return theta, lambda dtheta: self._backward(dtheta, parameters, input_shape)

    def _backward(self, dtheta: Array, parameters: Array, input_shape: tuple[int, ...]) -> Array:
        """Gradient by the parameters from that by theta."""
        _, backward = self.motion(parameters.astype(np.float64))
        return backward(dtheta * _gains(input_shape)).astype(parameters.dtype)

    def _thetas_and_matrices(
        self, parameters: Array, input_shape: tuple[int, ...], output_shape: tuple[int, ...]
    ) -> tuple[Array, Array | None]:
        """Theta (n, 2, 3), and the matrices of pixels if all are ordinary numbers.

        By the kernels that whole networks use for one image, so that both are the same to the bit.
        """
        kind, n_steps = self.kernel_motion
        precise = parameters.astype(np.float64, order="C")
        if kind is not None:
            theta, matrices = np.empty((2, len(parameters), 2, 3))
            frame = frame_of(tuple(input_shape), tuple(output_shape))
            count = self.n_parameters // n_steps
            given = kind, n_steps, count, precise.reshape(-1), frame, theta, matrices
            if loaded("motions").thetas_and_matrices(*given):
                return theta, matrices
        return self.motion(precise)[0] * _gains(input_shape), None

    @property
    def kernel_motion(self) -> tuple[int | None, int]:
        """Its number in `stn_cv.kernels.motions`, if it is there, and how many steps it has."""
        if isinstance(self.motion, ComposedMotion):
            return KINDS.get(self.motion.motion), self.motion.n_steps
        return KINDS.get(self.motion), 1

    def warp(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        rules: WarpRules = PLAIN,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        """Warp images (n, h, w, c), with ``backward(dY, want_dimages)``.

        The backward gives (dimages or None, dparameters).
        """
        input_shape = images.shape[1:3]
        theta, matrices = self._thetas_and_matrices(parameters, input_shape, output_shape)
        given = images, theta, output_shape, rules, matrices
        warp_backward = None
        alone = len(images) == 1 and images.shape[3] <= FEW_CHANNELS
        if alone and matrices is not None and not (rules.antialias and shrinks(matrices)):
            Y = warp_one(images, matrices, output_shape, rules)
        else:
            Y, warp_backward = differentiable_warp(*given)

        def backward(dY: Array, want_dimages: bool = True) -> tuple[Array | None, Array]:
            # In networks one image comes alone to be predicted: its backward is seldom wanted.
            own = warp_backward or differentiable_warp(*given)[1]
            dimages, dtheta = own(dY, want_dimages)
            return dimages, self._backward(dtheta, parameters, input_shape)

        return Y, backward

    def apply(
        self,
        images: Array,
        theta: Array,
        output_shape: tuple[int, int],
        rules: WarpRules = PLAIN,
        n_jobs: int | None = None,
    ) -> Array:
        """Warp images of any resolution and dtype by theta: of one, of each, or of all."""
        return warp_affine(images, theta, output_shape, **rules._asdict(), n_jobs=n_jobs)

    def coordinates_in_rows(
        self,
        theta: Array,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, int],
        rows: slice,
    ) -> Array:
        """Where each theta looks in some rows of the output, (n, rows, width, 2), in pixels."""
        matrices = matrix_output_to_source(theta, input_shape, output_shape, False)
        some = slice(*rows.indices(output_shape[0])[:2])
        return affine_coordinates(matrices, some, output_shape[1])

    def sample_counts(
        self, theta: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array:
        """How many samples, (n, 2), down and across, antialiased pixels take."""
        return sample_counts(matrix_output_to_source(theta, input_shape, output_shape, False))


def _gains(input_shape: tuple[int, ...]) -> Array:
    """What turns isotropic units of a source into normalized ones, (2, 3)."""
    sides = isotropic_sides(input_shape)
    return sides / sides[:2, None]


KINDS: dict[Any, int] = {
    _translation: TRANSLATION,
    _attention: ATTENTION,
    _similarity: SIMILARITY,
    _affine: AFFINE,
}
AFFINE_FAMILIES = {
    family.name: family
    for family in (
        AffineFamily("translation", 2, _translation),
        AffineFamily("attention", 3, _attention),
        AffineFamily("similarity", 4, _similarity),
        AffineFamily("affine", 6, _affine),
    )
}
