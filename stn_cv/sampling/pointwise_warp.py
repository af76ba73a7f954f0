"""Affine warps by kernels that sample at given points: bicubic ones, and nearest neighbours."""

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..kernels import loaded
from ..kernels.sampling.rules import KernelRules
from .antialias import ONE, Counts, means, spread, to_pixels_gradient, to_samples
from .at_coordinates import (
    PIXELS,
    affine_coordinates,
    blocks_of,
    gradients_into,
    sample_into,
)
from .fill import Fill

__all__ = ["BicubicWarp", "NearestWarp"]


class BicubicWarp:
    """As `AffineWarp`, bicubic: at coordinates that are found for some rows at a time."""

    def __init__(
        self,
        images: Array,
        matrices: Array,
        output_shape: tuple[int, ...],
        rules: KernelRules,
        fill: Fill,
        counts: Counts = ONE,
    ) -> None:
        self.images, self.rules, self.counts = read_only(images), rules, counts
        self.matrices = matrices if counts == ONE else to_samples(matrices, counts)
        self.fill = fill

    def write(self, rows: slice, out: Array) -> None:
        """Write some rows of the output to `out` (n, rows, columns, c)."""
        (down, across), samples = self.counts, out
        if self.counts != ONE:
            n, height, width, channels = out.shape
            samples = empty((n, height * down, width * across, channels), type(self.fill[0]))
        for index, part in blocks_of(*samples.shape[:3]):
            at = self._coordinates(index, rows.start * down, part, samples.shape[2])
            into = samples[index, part]
            sample_into(self.images[index], (at, *PIXELS), self.rules, self.fill, into)
        if self.counts != ONE:
            means(samples, self.counts, out)

    def gradients(
        self, dY: Array, cuts: list[slice], dimages: Array | None, n_jobs: int | None = None
    ) -> Array:
        """dmatrices, summed over these rows; the images' gradient is written to `dimages`."""
        dmatrices = np.zeros((len(dY), 2, 3))
        if dimages is not None:
            dimages[:] = 0
        for rows in cuts:
            dsamples, first = dY[:, rows], rows.start * self.counts[0]
            if self.counts != ONE:
                dsamples = spread(dsamples, self.counts)
            for index, part in blocks_of(*dsamples.shape[:3]):
                at = self._coordinates(index, first, part, dsamples.shape[2])
                d = read_only(np.ascontiguousarray(dsamples[index, part]))
                own = None if dimages is None else dimages[index]
                dat = np.empty(at.shape)
                given = d, self.images[index], (at, *PIXELS), self.rules, self.fill
                gradients_into(*given, dat, own)
                dmatrices[index] += _moments(dat, first + part.start)
        return dmatrices if self.counts == ONE else to_pixels_gradient(dmatrices, self.counts)

    def _coordinates(self, index: slice, first: int, rows: slice, columns: int) -> Array:
        """Where some images look in rows that are counted from `first`."""
        rows = slice(first + rows.start, first + rows.stop)
        return read_only(affine_coordinates(self.matrices[index], rows, columns))


class NearestWarp:
    """As `AffineWarp`, with the nearest neighbour, which has no gradient by the matrices."""

    def __init__(
        self,
        images: Array,
        matrices: Array,
        output_shape: tuple[int, ...],
        rules: KernelRules,
        fill: Fill,
        counts: Counts = ONE,
    ) -> None:
        self.images, self.matrices, self.rules, self.fill = images, matrices, rules, fill

    def write(self, rows: slice, out: Array) -> None:
        """Write some rows of the output to `out` (n, rows, columns, c)."""
        kernels = loaded("sampling.affine_warp")
        kernels.warp_nearest(self.images, self.matrices, rows.start, self.rules, self.fill, out)

    def gradients(
        self, dY: Array, cuts: list[slice], dimages: Array | None, n_jobs: int | None = None
    ) -> Array:
        """Zero; the images' gradient is written to `dimages`."""
        if dimages is not None:
            dimages[:] = 0
            kernels = loaded("sampling.affine_warp")
            kernels.warp_nearest_scatter(dY, self.matrices, self.rules, self.fill, dimages)
        return np.zeros((len(dY), 2, 3))


def _moments(dat: Array, first: int) -> Array:
    """Gradient by matrices (n, 2, 3) from that by coordinates, of rows from `first` on."""
    _, rows, columns, _ = dat.shape
    of_columns, of_rows = dat.sum(axis=1), dat.sum(axis=2)
    by_column = np.einsum("nck,c->nk", of_columns, np.arange(columns))
    by_row = np.einsum("nrk,r->nk", of_rows, np.arange(first, first + rows))
    return np.stack([by_column, by_row, of_rows.sum(axis=1)], axis=-1)
