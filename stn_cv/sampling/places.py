"""Warps by the places they show: differentiable for networks, in blocks for photos.

Places are pixels (x, y) of the source, centres at integers, so that an identity, whose places
are integers, is exact.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..geometry import check_shape
from ..slices import pinned_blas, run_slices
from .arguments import (
    MODES,
    PADDING_MODES,
    SamplingArguments,
    as_fill,
    framed,
    read_only,
    unframed,
)
from .grid import sample_into

__all__ = ["differentiable_sample", "warp_by_places"]

Array = NDArray[Any]
Shape = tuple[int, int]
Places = Callable[[Array, Shape, Shape, slice], Array]
Backward = Callable[[Array, bool], tuple[Array | None, Array]]
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
    from ..kernels import grid as kernels

    fill = as_fill(np.full(images.shape[3], fill_value, images.dtype))
    rules = (MODES["bilinear"], PADDING_MODES[padding_mode], False)
    images, at = read_only(np.ascontiguousarray(images)), (read_only(places), *PIXELS)
    Y = np.empty((len(images), *places.shape[1:3], images.shape[3]), images.dtype)
    sample_into(images, at, rules, fill, Y)

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dY = read_only(np.ascontiguousarray(dY))
        source, margin = framed(images, fill, math.prod(places.shape[1:3]))
        dplaces = np.empty_like(places)
        kernels.grid_gradient(dY, source, margin, *at, *rules[1:], fill, dplaces)
        if not want_dimages:
            return None, dplaces
        dimages = np.zeros_like(source)
        kernels.grid_scatter(dY, *at, *rules, fill, margin, dimages)
        return unframed(dimages, margin), dplaces

    return Y, backward


def warp_by_places(
    images: ArrayLike,
    theta: Array,
    places: Places,
    output_shape: Shape,
    padding_mode: str = "zeros",
    fill_value: float = 0.0,
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
    padding_mode, fill_value, n_jobs
        As `grid_sample` takes them. The result does not depend on `n_jobs`.

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
    shapes = call.images.shape[1:3], check_shape("output_shape", output_shape)
    out = call.empty_output(shapes[1])

    def run(piece: slice) -> None:
        for part, rows in _blocks(*call.place(piece), *shapes[1]):
            at = (read_only(places(call.where[part], *shapes, rows)), *PIXELS)
            sample_into(call.images[part], at, call.rules, call.fill, out[part, rows])

    with pinned_blas():
        run_slices(run, call.pieces(shapes[1]), n_jobs)
    return call.shaped_like_input(out)


def _blocks(part: slice, rows: slice, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cut up some rows of some images: into a few images each, or rows of one."""
    first, end, _ = rows.indices(height)
    images = BLOCK // ((end - first) * width)
    if images:
        for start in range(part.start, part.stop, images):
            yield slice(start, min(start + images, part.stop)), rows
        return
    step = max(BLOCK // width, 1)
    for image in range(part.start, part.stop):
        for start in range(first, end, step):
            yield slice(image, image + 1), slice(start, min(start + step, end))
