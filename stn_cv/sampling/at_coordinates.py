"""Sampling at pixels (x, y) of the source, given one by one.

Centres lie at integers, so that an identity, whose coordinates are integers, is exact.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty, zeros
from ..kernels import loaded
from ..kernels.sampling.rules import BICUBIC, BILINEAR, KernelRules
from ..threads import slices_of
from .arguments import takes_halo
from .fill import Fill, as_fill
from .rules import WarpRules

__all__ = [
    "PIXELS",
    "affine_coordinates",
    "blocks_of",
    "differentiable_sample",
    "gradients_into",
    "sample_into",
]

Backward = Callable[[Array, bool], tuple[Array | None, Array]]
BLOCK = 2**16  # pixels of an output whose coordinates are found at once: 1 MB
PIXELS = (read_only(np.ones(2)), read_only(np.zeros(2)))  # gains, offsets of a grid of pixels


def differentiable_sample(
    images: Array, coordinates: Array, rules: WarpRules
) -> tuple[Array, Backward]:
    """Sample (n, h, w, c) images serially at coordinates (n, rows, columns, 2).

    For networks: unchecked, on the calling thread, padded as under ``align_corners=False``;
    `rules.antialias` is for the caller, whose coordinates are then those of samples. Returns
    the samples and ``backward(dY, want_dimages) -> (dimages or None, dcoordinates)``.
    """
    fill = as_fill(np.full(images.shape[3], rules.fill_value, images.dtype))
    to_kernels = rules.for_kernels()
    images, at = read_only(np.ascontiguousarray(images)), (read_only(coordinates), *PIXELS)
    Y = empty((len(images), *coordinates.shape[1:3], images.shape[3]), images.dtype)
    sample_into(images, at, to_kernels, fill, Y)

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dY = read_only(np.ascontiguousarray(dY))
        dcoordinates = empty(coordinates.shape, coordinates.dtype)
        dimages = zeros(images.shape, images.dtype) if want_dimages else None
        gradients_into(dY, images, at, to_kernels, fill, dcoordinates, dimages)
        return dimages, dcoordinates

    return Y, backward


def sample_into(
    images: Array, at: tuple[Array, Array, Array], rules: KernelRules, fill: Fill, out: Array
) -> int:
    """Sample images at (grid, gains, offsets); counts the coordinates that are not finite."""
    if rules.mode == BICUBIC:
        bicubic = loaded("sampling.bicubic")
        return int(bicubic.sample(images, *at, rules, np.array(fill, np.float64), out))
    kernels = loaded("sampling.grid")
    has_halo = takes_halo(images, fill, math.prod(out.shape[1:3]), rules.mode)
    sample = kernels.sample_with_halo if has_halo else kernels.sample
    return int(sample(images, *at, rules, fill, out))


def gradients_into(
    dout: Array,
    images: Array,
    at: tuple[Array, Array, Array],
    rules: KernelRules,
    fill: Fill,
    dgrid: Array,
    dimages: Array | None,
) -> int:
    """The gradient by the grid, 0 or written, and by the images, added to what is there.

    Counts the coordinates that are not finite, if it looks at them.
    """
    if rules.mode == BICUBIC:
        bicubic = loaded("sampling.bicubic")
        if dimages is None:
            dimages = np.empty((len(images), 0, *images.shape[2:]), images.dtype)
        given = dout, images, *at, rules, np.array(fill, np.float64)
        return int(bicubic.gradient(*given, dgrid, dimages))
    kernels = loaded("sampling.grid")
    has_halo = takes_halo(images, fill, math.prod(dout.shape[1:3]), rules.mode)
    not_finite = 0
    if rules.mode == BILINEAR:
        not_finite = int(kernels.grid_gradient(dout, images, has_halo, *at, rules, fill, dgrid))
    if dimages is not None:
        kernels.grid_scatter(dout, *at, rules, fill, has_halo, dimages)
    return not_finite


def affine_coordinates(matrices: Array, rows: slice, columns: int) -> Array:
    """Where pixel matrices (n, 2, 3) look in some rows of the output: (n, rows, columns, 2)."""
    matrices = matrices[:, None, None]
    down = np.arange(rows.start, rows.stop)[:, None, None]
    of_rows = matrices[..., 1] * down + matrices[..., 2]
    return np.asarray(of_rows + matrices[..., 0] * np.arange(columns)[:, None])


def blocks_of(n: int, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cut outputs up: into a few images each, or rows of one; the same for any threads."""
    images = BLOCK // (height * width)
    if images:
        yield from ((part, slice(0, height)) for part in slices_of(n, images))
        return
    for image in range(n):
        rows = slices_of(height, max(BLOCK // width, 1))
        yield from ((slice(image, image + 1), some) for some in rows)
