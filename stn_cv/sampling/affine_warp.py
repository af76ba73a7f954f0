"""The bilinear warp of arrays that have been checked, and its gradients."""

import math
from typing import Any

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..geometry import matrix_gradient_to_theta, matrix_output_to_source
from ..kernels import loaded
from ..kernels.sampling.rules import WHOLE, ZEROS, KernelRules
from ..threads import run_slices
from .antialias import (
    ONE,
    Backward,
    Counts,
    in_parts,
    means,
    parts_of,
    plain_parts,
    sample_counts,
    spread,
    to_pixels_gradient,
    to_samples,
)
from .arguments import halo_of
from .fill import Fill, as_fill
from .rules import PLAIN, WarpRules

__all__ = ["AffineWarp", "differentiable_warp", "warp_one"]

APART = 8  # source pixels between rows that surely have no neighbour in common


class AffineWarp:
    """Images (n, h, w, c) that are warped by matrices.

    Serial, but for gradients of the only image. `counts` are the samples of an output pixel,
    down and across.
    """

    def __init__(
        self,
        images: Array,
        matrices: Array,
        output_shape: tuple[int, ...],
        rules: KernelRules,
        fill: Fill,
        counts: Counts = ONE,
    ) -> None:
        self.shape, self.dtype = (len(images), *output_shape, images.shape[3]), images.dtype
        self.images, points = read_only(images), math.prod((*output_shape, *counts))
        self.halo = halo_of(images, fill, points)
        self.matrices = matrices if counts == ONE else to_samples(matrices, counts)
        self.rules, self.fill = rules, fill
        self.counts = counts

    def write(self, rows: slice, out: Array) -> None:
        """Write some rows of the output to `out` (n, rows, columns, c)."""
        kernels = loaded("sampling.affine_warp")
        if self.counts == ONE:
            kernels.warp(
                self.images, self.halo, self.matrices, rows.start, self.rules, self.fill, out
            )
            return
        (down, across), (n, height, width, channels) = self.counts, out.shape
        samples = empty((n, height * down, width * across, channels), type(self.fill[0]))
        first = rows.start * down
        kernels.warp(self.images, self.halo, self.matrices, first, self.rules, self.fill, samples)
        means(samples, self.counts, out)

    def output(self, cuts: list[slice]) -> Array:
        """The whole output, made in these rows."""
        out = empty(self.shape, self.dtype)
        for rows in cuts:
            self.write(rows, out[:, rows])
        return out

    def gradients(
        self, dY: Array, cuts: list[slice], dimages: Array | None, n_jobs: int | None = None
    ) -> Array:
        """dmatrices, summed over these rows; the images' gradient is written to `dimages`.

        Threads share the rows.
        """
        kernels = loaded("sampling.affine_warp")
        sums = np.empty((len(cuts), len(dY), 2, 3))
        turns = [range(len(cuts))]
        if dimages is None:
            dimages = np.empty((len(dY), 0, *self.images.shape[2:]), self.images.dtype)
        elif len(cuts) > 1:
            turns = self._turns(cuts)
            dimages[:] = 0

        def add(number: int) -> None:
            rows = cuts[number]
            dsamples, first = dY[:, rows], rows.start * self.counts[0]
            if self.counts != ONE:
                dsamples = spread(dsamples, self.counts)
            dsamples = read_only(np.ascontiguousarray(dsamples))
            given = dsamples, self.images, int(self.halo == WHOLE), self.matrices, first
            kernels.warp_backward(
                *given, self.rules, self.fill, len(cuts) == 1, sums[number], dimages
            )

        for turn in turns:
            run_slices(add, turn, n_jobs)
        dmatrices = sums.sum(axis=0)
        if self.counts != ONE:
            dmatrices = to_pixels_gradient(dmatrices, self.counts)
        return dmatrices

    def _turns(self, cuts: list[slice]) -> list[range]:
        """Numbers of the cuts that add to different pixels: every other one, or each alone.

        Rows look at parallel lines of the source, so those far enough apart share no pixel. Not
        so under a padding mode other than zeros, which brings points beyond an edge back to it,
        nor with a halo around the whole image, which is copied back as a whole.
        """
        rows = (cuts[0].stop - cuts[0].start) * self.counts[0]
        (x_across, x_down), (y_across, y_down) = self.matrices[:, :, :2].transpose(1, 2, 0)
        with np.errstate(over="ignore", invalid="ignore"):
            areas = np.abs(x_across * y_down - x_down * y_across)
            apart = rows * areas > APART * np.hypot(x_across, y_across)
        filled = self.rules.padding == ZEROS
        if filled and self.halo != WHOLE and apart.all():
            return [range(0, len(cuts), 2), range(1, len(cuts), 2)]
        return [range(number, number + 1) for number in range(len(cuts))]


def differentiable_warp(
    images: Array,
    theta: Array,
    output_shape: tuple[int, int],
    rules: WarpRules = PLAIN,
    matrices: Array | None = None,
) -> tuple[Array, Backward]:
    """Warp (n, h, w, c) images serially, keeping what the gradients need.

    For networks: unchecked, on the calling thread, ``align_corners=False``; `matrices` are those
    of the thetas' pixels, where they are known. Returns the warped images and
    ``backward(dY, want_dimages) -> (dimages or None, dtheta)``.
    """
    fill = as_fill(np.full(images.shape[3], rules.fill_value, images.dtype))
    images = read_only(np.ascontiguousarray(images))
    shapes = images.shape[1:3], output_shape, False
    if matrices is None:
        matrices = matrix_output_to_source(theta, *shapes)
    given = output_shape, rules.for_kernels(), fill
    parts = plain_parts(output_shape)
    if rules.antialias:
        parts = parts_of(sample_counts(matrices), output_shape)

    def warp(index: Any, counts: Counts, cuts: list[slice]) -> tuple[Array, Backward]:
        part = AffineWarp(images[index], matrices[index], *given, counts)

        def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
            dimages = empty(part.images.shape, images.dtype) if want_dimages else None
            return dimages, part.gradients(dY, cuts, dimages)

        return part.output(cuts), backward

    Y, warp_backward = in_parts(parts, warp)

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        dimages, dmatrices = warp_backward(dY, want_dimages)
        return dimages, matrix_gradient_to_theta(dmatrices, *shapes)

    return Y, backward


def warp_one(
    images: Array, matrix: Array, output_shape: tuple[int, int], rules: WarpRules
) -> Array:
    """The plain warp of one image (1, h, w, c) with few channels: the kernel's, nothing else."""
    kernels = loaded("sampling.affine_warp")
    fill = (images.dtype.type(rules.fill_value),) * images.shape[3]
    images = read_only(np.ascontiguousarray(images))
    halo = halo_of(images, fill, math.prod(output_shape))
    Y = np.empty((1, *output_shape, images.shape[3]), images.dtype)
    kernels.warp(images, halo, matrix, 0, rules.for_kernels(), fill, Y)
    return Y
