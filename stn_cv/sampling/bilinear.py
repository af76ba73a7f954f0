"""The bilinear warp of arrays that have been checked, and its gradients."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..buffers import empty, zeros
from ..geometry import matrix_gradient_to_theta, matrix_output_to_source
from .antialias import ONE, Counts, parts_of, sample_counts, spread, to_pixels_gradient, to_samples
from .arguments import PADDING_MODES, Fill, as_fill, framed, read_only, unframed

__all__ = ["Warp", "differentiable_warp"]

Array = NDArray[Any]
Backward = Callable[[Array, bool], tuple[Array | None, Array]]


class Warp:
    """Images (n, h, w, c) that are warped by matrices, and framed once for all of it.

    Serial. `counts` are the samples of an output pixel, down and across; `padding` is padding
    mode and corner rule, as the kernels take them.
    """

    def __init__(
        self,
        images: Array,
        matrices: Array,
        output_shape: tuple[int, ...],
        padding: tuple[int, bool],
        fill: Fill,
        counts: Counts = ONE,
    ) -> None:
        self.shape, self.dtype = (len(images), *output_shape, images.shape[3]), images.dtype
        self.source, self.margin = framed(images, fill, math.prod((*output_shape, *counts)))
        self.matrices = matrices if counts == ONE else to_samples(matrices, counts)
        self.rules = (*padding, fill)
        self.counts = counts

    def write(self, rows: slice, out: Array) -> None:
        """Write some rows of the output to `out` (n, rows, columns, c)."""
        from ..kernels import blocks
        from ..kernels import warp as kernels

        if self.counts == ONE:
            kernels.warp(self.source, self.margin, self.matrices, rows.start, *self.rules, out)
            return
        (down, across), (n, height, width, channels) = self.counts, out.shape
        samples = empty((n, height * down, width * across, channels), type(self.rules[-1][0]))
        first = rows.start * down
        kernels.warp(self.source, self.margin, self.matrices, first, *self.rules, samples)
        blocks.block_means(samples, down, across, out)

    def output(self, cuts: list[slice]) -> Array:
        """The whole output, made in these rows."""
        out = empty(self.shape, self.dtype)
        for rows in cuts:
            self.write(rows, out[:, rows])
        return out

    def gradients(
        self, dY: Array, cuts: list[slice], want_dimages: bool
    ) -> tuple[Array | None, Array]:
        """(dimages or None, dmatrices), summed over these rows."""
        from ..kernels import warp as kernels

        dmatrices = np.zeros((len(dY), 2, 3))
        dimages = zeros(self.source.shape, self.source.dtype) if want_dimages else None
        for rows in cuts:
            dsamples, first = dY[:, rows], rows.start * self.counts[0]
            if self.counts != ONE:
                dsamples = spread(dsamples, self.counts)
            dsamples = read_only(np.ascontiguousarray(dsamples))
            at, own = (self.matrices, first), np.empty_like(dmatrices)
            kernels.warp_gradient(dsamples, self.source, self.margin, *at, *self.rules, own)
            dmatrices += own
            if dimages is not None:
                kernels.warp_scatter(dsamples, *at, *self.rules, self.margin, dimages)
        if self.counts != ONE:
            dmatrices = to_pixels_gradient(dmatrices, self.counts)
        return None if dimages is None else unframed(dimages, self.margin), dmatrices


def differentiable_warp(
    images: Array,
    theta: Array,
    output_shape: tuple[int, int],
    padding_mode: str = "zeros",
    fill_value: float = 0.0,
    antialias: bool = False,
) -> tuple[Array, Backward]:
    """Warp (n, h, w, c) images serially, keeping what the gradients need.

    For networks: unchecked, on the calling thread, ``align_corners=False``. Returns the
    warped images and ``backward(dY, want_dimages) -> (dimages or None, dtheta)``.
    """
    fill = as_fill(np.full(images.shape[3], fill_value, images.dtype))
    images = read_only(np.ascontiguousarray(images))
    shapes = images.shape[1:3], output_shape, False
    matrices = matrix_output_to_source(theta, *shapes)
    rules = output_shape, (PADDING_MODES[padding_mode], False), fill
    parts = [(slice(None), ONE, [slice(0, output_shape[0])])]
    if antialias:
        parts = parts_of(sample_counts(matrices), output_shape)
    warps = [Warp(images[index], matrices[index], *rules, counts) for index, counts, _ in parts]
    at = [index for index, _, _ in parts]
    outputs = [warp.output(cuts) for warp, (_, _, cuts) in zip(warps, parts, strict=True)]

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        results = [
            warp.gradients(dY[index], cuts, want_dimages)
            for warp, (index, _, cuts) in zip(warps, parts, strict=True)
        ]
        dmatrices = _merged(at, [dmatrices for _, dmatrices in results], np.empty(matrices.shape))
        dimages = None
        if want_dimages:
            dimages = _merged(at, [own for own, _ in results], empty(images.shape, images.dtype))
        return dimages, matrix_gradient_to_theta(dmatrices, *shapes)

    shape = (len(images), *output_shape, images.shape[3])
    return _merged(at, outputs, empty(shape, images.dtype)), backward


def _merged(at: list[Any], arrays: list[Any], out: Array) -> Array:
    """Arrays put at their places of `out`; the only one as it is."""
    if len(arrays) == 1:
        return arrays[0]
    for index, array in zip(at, arrays, strict=True):
        out[index] = array
    return out
