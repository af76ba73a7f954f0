"""Bilinear sampling at pixels (x, y) of the source, given one by one.

Centres lie at integers, so that an identity, whose coordinates are integers, is exact.
"""

import math
from collections.abc import Callable

import numpy as np

from ..arrays import Array
from ..buffers import empty, zeros
from ..kernels import loaded
from ..kernels.sampling.rules import KernelRules
from .arguments import Fill, as_fill, read_only, takes_halo
from .rules import WarpRules

__all__ = ["PIXELS", "differentiable_sample", "sample_into"]

Backward = Callable[[Array, bool], tuple[Array | None, Array]]
PIXELS = (read_only(np.ones(2)), read_only(np.zeros(2)))  # gains, offsets of a grid of pixels


def differentiable_sample(
    images: Array, coordinates: Array, rules: WarpRules
) -> tuple[Array, Backward]:
    """Sample (n, h, w, c) images serially at coordinates (n, rows, columns, 2).

    For networks: unchecked, on the calling thread, padded as under ``align_corners=False``;
    `rules.antialias` is for the caller, whose coordinates are then those of samples. Returns
    the samples and ``backward(dY, want_dimages) -> (dimages or None, dcoordinates)``.
    """
    kernels = loaded("sampling.grid")
    fill = as_fill(np.full(images.shape[3], rules.fill_value, images.dtype))
    to_kernels = rules.for_kernels()
    images, at = read_only(np.ascontiguousarray(images)), (read_only(coordinates), *PIXELS)
    Y = empty((len(images), *coordinates.shape[1:3], images.shape[3]), images.dtype)
    sample_into(images, at, to_kernels, fill, Y)

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dY = read_only(np.ascontiguousarray(dY))
        points = math.prod(coordinates.shape[1:3])
        has_halo = takes_halo(images, fill, points, to_kernels.mode)
        dcoordinates = empty(coordinates.shape, coordinates.dtype)
        kernels.grid_gradient(dY, images, has_halo, *at, to_kernels, fill, dcoordinates)
        if not want_dimages:
            return None, dcoordinates
        dimages = zeros(images.shape, images.dtype)
        kernels.grid_scatter(dY, *at, to_kernels, fill, has_halo, dimages)
        return dimages, dcoordinates

    return Y, backward


def sample_into(
    images: Array, at: tuple[Array, Array, Array], rules: KernelRules, fill: Fill, out: Array
) -> int:
    """Sample images at (grid, gains, offsets); counts the coordinates that are not finite."""
    kernels = loaded("sampling.grid")
    has_halo = takes_halo(images, fill, math.prod(out.shape[1:3]), rules.mode)
    sample = kernels.sample_with_halo if has_halo else kernels.sample
    return int(sample(images, *at, rules, fill, out))
