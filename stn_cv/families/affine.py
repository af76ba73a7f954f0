"""The affine families: few parameters to theta, and back.

Parameters act in isotropic units, so that a rotation is a rotation on a picture of any
aspect: the source frame reaches from -w/2 to w/2 and -h/2 to h/2 pixels, and shifts count
half the geometric mean of its sides. Zero parameters are the identity: the output frame
covers the whole source.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..arrays import Array
from ..geometry import normalized_from_pixel, pixel_from_normalized
from ..kernels import loaded
from ..sampling import PADDING_MODES, differentiable_warp, warp_affine
from ..sampling.antialias import shrinks
from ..sampling.arguments import FEW_CHANNELS, framing_of, read_only
from .composition import Steps

Backward = Callable[[Array], Array]
EPSILON = float(np.finfo(np.float64).eps)
IDENTITY = np.eye(2, 3)
LARGEST_SUM = 1e15  # of the sizes of a pixel matrix' entries, up to which one image is warped
LARGEST_SCALE = 8.0  # scales stay between 1/8 and 8


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
    turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    motion = np.concatenate([turn * scale[:, None, None], parameters[:, 2:, None]], axis=2)

    def backward(dmotion: Array) -> Array:
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


def _warp_one(
    images: Array,
    matrices: Array,
    output_shape: tuple[int, int],
    padding_mode: str,
    fill_value: float,
) -> Array:
    """The kernel's warp of one image with few channels, nothing else."""
    kernels = loaded("sampling.affine_warp")
    fill = (images.dtype.type(fill_value),) * images.shape[3]
    images = read_only(np.ascontiguousarray(images))
    framing = framing_of(images, fill, math.prod(output_shape))
    Y = np.empty((1, *output_shape, images.shape[3]), images.dtype)
    kernels.warp(images, framing, matrices, 0, PADDING_MODES[padding_mode], False, fill, Y)
    return Y


@lru_cache(maxsize=64)
def _gains_of_one(input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Any:
    """For a motion's first and second row: what its three entries are multiplied by.

    Of the pixel matrix, by the output's column and row; in its shift all three; what is added.
    """
    height, width = input_shape
    unit, rows = math.sqrt(height * width), []
    (x_out, x_shift), (y_out, y_shift) = (
        normalized_from_pixel(size, False) for size in reversed(output_shape)
    )
    for size in (width, height):
        gain, offset = pixel_from_normalized(size, False)
        a, b, c = (gain * side / size for side in (width, height, unit))
        rows.append((a * x_out, b * y_out, a * x_shift, b * y_shift, c, offset))
    return tuple(rows)


@dataclass(frozen=True)
class AffineFamily:
    """A family whose members are affine: parameters (n, n_parameters) to theta (n, 2, 3)."""

    name: str
    n_parameters: int
    motion: Callable[[Array], tuple[Array, Backward]]

    def composed(self, n_steps: int) -> "AffineFamily":
        """Of so many warps one after another, the last nearest the output."""
        motion = Steps(self.motion, n_steps)
        return AffineFamily(self.name, n_steps * self.n_parameters, motion)

    def theta(self, parameters: Array, input_shape: tuple[int, ...]) -> tuple[Array, Backward]:
        """Theta (n, 2, 3), float64, for sources of `input_shape`, and its backward."""
        motion, backward = self.motion(parameters.astype(np.float64))
        height, width = input_shape[:2]
        unit = math.sqrt(height * width)
        gains = np.array([[1, height / width, unit / width], [width / height, 1, unit / height]])
        return motion * gains, lambda dtheta: backward(dtheta * gains).astype(parameters.dtype)

    def warp(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        """Warp images (n, h, w, c), with ``backward(dY, want_dimages)``.

        The backward gives (dimages or None, dparameters).
        """
        rules = (output_shape, padding_mode, fill_value)
        if len(images) == 1 and images.shape[3] <= FEW_CHANNELS:
            matrix = self._matrix_of_one(parameters, images.shape[1:3], output_shape)
            if matrix is not None and not (antialias and shrinks(matrix)):
                return _warp_one(
                    images, matrix, *rules
                ), lambda dY, want_dimages=True: self._warp_all(
                    images, parameters, *rules, antialias
                )[1](dY, want_dimages)
        return self._warp_all(images, parameters, *rules, antialias)

    def _warp_all(
        self,
        images: Array,
        parameters: Array,
        output_shape: tuple[int, int],
        padding_mode: str,
        fill_value: float,
        antialias: bool,
    ) -> tuple[Array, Callable[..., tuple[Array | None, Array]]]:
        theta, theta_backward = self.theta(parameters, images.shape[1:3])
        Y, warp_backward = differentiable_warp(
            images, theta, output_shape, padding_mode, fill_value, antialias
        )

        def backward(dY: Array, want_dimages: bool = True) -> tuple[Array | None, Array]:
            dimages, dtheta = warp_backward(dY, want_dimages)
            return dimages, theta_backward(dtheta)

        return Y, backward

    def _matrix_of_one(
        self, parameters: Array, input_shape: tuple[int, ...], output_shape: tuple[int, int]
    ) -> Array | None:
        """`matrix_output_to_source` of one theta, or None if it is not an ordinary one.

        In Python's numbers, which take 4 us where small arrays take 40.
        """
        (a, b, c), (d, e, f) = self.motion(parameters.astype(np.float64))[0][0].tolist()
        x, y = _gains_of_one(input_shape, tuple(output_shape))
        entries = [
            *(a * x[0], b * x[1], a * x[2] + b * x[3] + c * x[4] + x[5]),
            *(d * y[0], e * y[1], d * y[2] + e * y[3] + f * y[4] + y[5]),
        ]
        if not sum(map(abs, entries)) <= LARGEST_SUM:
            return None
        tolerance = 16 * EPSILON * max(input_shape)
        for i, entry in enumerate(entries):
            nearest = round(entry)
            if abs(entry - nearest) <= tolerance:
                entries[i] = nearest
        return np.array(entries, np.float64).reshape(1, 2, 3)

    def apply(
        self,
        images: Array,
        theta: Array,
        output_shape: tuple[int, int],
        padding_mode: str = "zeros",
        fill_value: float = 0.0,
        antialias: bool = False,
        n_jobs: int | None = None,
    ) -> Array:
        """Warp images of any resolution and dtype by theta; one image by one theta."""
        return warp_affine(
            images,
            theta,
            output_shape,
            padding_mode=padding_mode,
            fill_value=fill_value,
            antialias=antialias,
            n_jobs=n_jobs,
        )


AFFINE_FAMILIES = {
    family.name: family
    for family in (
        AffineFamily("translation", 2, _translation),
        AffineFamily("attention", 3, _attention),
        AffineFamily("similarity", 4, _similarity),
        AffineFamily("affine", 6, _affine),
    )
}
