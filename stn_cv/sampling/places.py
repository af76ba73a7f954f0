"""Warps by the places they show: differentiable for networks, in blocks for photos.

Places are pixels (x, y) of the source, centres at integers, so that an identity, whose places
are integers, is exact.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..buffers import empty, zeros
from ..geometry import check_shape
from ..kernels import loaded
from ..threads import pinned_blas, run_slices, slices_of
from .antialias import ONE, Counts, means, parts_of, samples_of
from .arguments import (
    MODES,
    PADDING_MODES,
    Fill,
    SamplingArguments,
    as_fill,
    margin_of,
    read_only,
)

__all__ = ["differentiable_sample", "place_counts", "sample_into", "warp_by_places"]

Shape = tuple[int, int]
Places = Callable[[Array, Shape, Shape, slice], Array]
Backward = Callable[[Array, bool], tuple[Array | None, Array]]
LATTICE = 64  # lines each way, at most, on which the sides of output pixels are found
FAR = 1e8  # pixels; no side is as long, save to a point behind the camera
BLOCK = 2**16  # pixels of an output whose places are found at once: 1 MB
PIXELS = (read_only(np.ones(2)), read_only(np.zeros(2)))  # gains, offsets of places to pixels


def differentiable_sample(
    images: Array, places: Array, padding_mode: str = "zeros", fill_value: float = 0.0
) -> tuple[Array, Backward]:
    """Sample (n, h, w, c) images serially at places (n, rows, columns, 2).

    For networks: unchecked, on the calling thread, bilinear, padded as under
    ``align_corners=False``. Returns the samples and ``backward(dY, want_dimages) ->
    (dimages or None, dplaces)``.
    """
    kernels = loaded("sampling.grid")
    fill = as_fill(np.full(images.shape[3], fill_value, images.dtype))
    rules = (MODES["bilinear"], PADDING_MODES[padding_mode], False)
    images, at = read_only(np.ascontiguousarray(images)), (read_only(places), *PIXELS)
    Y = empty((len(images), *places.shape[1:3], images.shape[3]), images.dtype)
    sample_into(images, at, rules, fill, Y)

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dY = read_only(np.ascontiguousarray(dY))
        margin = margin_of(images, fill, math.prod(places.shape[1:3]))
        dplaces = empty(places.shape, places.dtype)
        kernels.grid_gradient(dY, images, margin, *at, *rules[1:], fill, dplaces)
        if not want_dimages:
            return None, dplaces
        dimages = zeros(images.shape, images.dtype)
        kernels.grid_scatter(dY, *at, *rules, fill, margin, dimages)
        return dimages, dplaces

    return Y, backward


def sample_into(
    images: Array,
    at: tuple[Array, Array, Array],
    rules: tuple[int, int, bool],
    fill: Fill,
    out: Array,
) -> int:
    """Sample images at (grid, gains, offsets); counts the coordinates that are not finite."""
    kernels = loaded("sampling.grid")
    if rules[0] == MODES["bilinear"] and margin_of(images, fill, math.prod(out.shape[1:3])):
        return int(kernels.sample_framed(images, *at, *rules[1:], fill, out))
    return int(kernels.sample(images, *at, *rules, fill, out))


def warp_by_places(
    images: ArrayLike,
    theta: Array,
    places: Places,
    output_shape: Shape,
    padding_mode: str = "zeros",
    fill_value: float = 0.0,
    antialias: bool = False,
    n_jobs: int | None = None,
) -> Array:
    """Warp images of any resolution and dtype, finding the places of some rows at a time.

    Parameters
    ----------
    images : array_like of shape (h, w[, c]) or (n, h, w[, c])
        float32, float64, uint8 or uint16. One image where `theta` has two axes.
    theta : ndarray of two axes, or of three for a batch
        Finite; what `places` understands.
    places : callable
        ``places(theta, input_shape, output_shape, rows)`` gives those of some rows,
        (n, rows, width, 2), float64.
    output_shape : tuple
        (height, width) of the result.
    padding_mode, fill_value, antialias, n_jobs
        As `warp_affine` takes them. The result does not depend on `n_jobs`.

    Returns
    -------
    ndarray of shape (height, width[, c]) or (n, height, width[, c])
        Of the images' dtype.

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If the images or `output_shape` are not as wanted.
    """
    call = SamplingArguments.of(
        images, theta, theta.ndim == 3, "bilinear", padding_mode, False, fill_value
    )
    input_shape, shape = call.images.shape[1:3], check_shape("output_shape", output_shape)
    out = call.empty_output(shape)

    def run(piece: tuple[Any, Counts, slice]) -> None:
        index, counts, rows = piece
        down, across = counts
        of_samples = shape[0] * down, shape[1] * across
        looked_at = slice(rows.start * down, rows.stop * down)
        at = places(call.where[index], input_shape, of_samples, looked_at)
        into = out[index, rows]  # a view, where a slice is the index
        samples = into
        if counts != ONE:
            samples = empty((*at.shape[:3], out.shape[3]), type(call.fill[0]))
        images = read_only(call.images[index])
        sample_into(images, (read_only(at), *PIXELS), call.rules, call.fill, samples)
        if counts != ONE:
            means(samples, counts, into)
        if not isinstance(index, slice):
            out[index, rows] = into

    if antialias:
        parts = parts_of(place_counts(call.where, places, input_shape, shape), shape)
        pieces = [(index, counts, rows) for index, counts, cuts in parts for rows in cuts]
    else:
        pieces = [(part, ONE, rows) for part, rows in _blocks(len(call.images), *shape)]
    with pinned_blas():
        run_slices(run, pieces, n_jobs)
    return call.shaped_like_input(out)


def _blocks(n: int, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cut the outputs up: into a few images each, or rows of one; the same for any threads."""
    images = BLOCK // (height * width)
    if images:
        yield from ((part, slice(0, height)) for part in slices_of(n, images))
        return
    for image in range(n):
        rows = slices_of(height, max(BLOCK // width, 1))
        yield from ((slice(image, image + 1), some) for some in rows)


def place_counts(theta: Array, places: Places, input_shape: Shape, output_shape: Shape) -> Array:
    """How many samples, (n, 2), down and across, antialiased pixels take; see `sample_counts`.

    The longest sides count, among pixels that reach the source, of cells of a lattice.
    """
    lattice = tuple(min(max(side, 2), LATTICE) for side in output_shape)
    at = places(theta, input_shape, (lattice[0], lattice[1]), slice(None))
    corners = [[at[:, :-1, :-1], at[:, :-1, 1:]], [at[:, 1:, :-1], at[:, 1:, 1:]]]
    four = np.stack(corners[0] + corners[1])
    low, high = four.min(axis=0), four.max(axis=0)
    wide = high - low
    reaches = (high + wide / 2 > -1) & (low - wide / 2 < input_shape[::-1]) & (wide < FAR)
    sides = []
    for (one, other), size, lines in zip(
        (corners, zip(*corners, strict=True)), output_shape, lattice, strict=True
    ):
        lengths = [np.hypot(*np.moveaxis(b - a, -1, 0)) for a, b in zip(one, other, strict=True)]
        longest = np.where(reaches.all(axis=-1), np.maximum(*lengths), 0).max(axis=(1, 2))
        sides.append(longest * lines / size)
    return samples_of(np.stack(sides, axis=1))
