"""Antialiasing: an output pixel as the mean of samples spread evenly over its area.

The samples of a pixel stand in rows and columns, as few as bring neighbours to within one
source pixel of each other, so that a source pixel under an output pixel is never passed
over, nor left without a gradient. Where a warp does not shrink, that is the one sample of
the plain warp. How many it takes is found for each image by itself.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from ..kernels import loaded
from ..threads import slices_of

__all__ = [
    "ONE",
    "Backward",
    "Counts",
    "Part",
    "averaged",
    "in_parts",
    "means",
    "parts_of",
    "plain_parts",
    "sample_counts",
    "samples_of",
    "shrinks",
    "spread",
    "to_pixels_gradient",
    "to_samples",
]

Counts = tuple[int, int]  # samples of a pixel: down, across
Backward = Callable[[Array, bool], tuple[Array | None, Array]]
Part = tuple[Any, Counts, list[slice]]  # index of images, their counts, rows of the output
ONE: Counts = (1, 1)
LARGEST = 16  # samples along a side
SLACK = 1e-3  # source pixels; rounding must not make a turn take more than one sample
SAMPLES_AT_ONCE = 2**17


def sample_counts(matrices: Array) -> Array:
    """How many samples, (n, 2), down and across, each image's output pixels take.

    `matrices` (n, 2, 3) map output pixels to source pixels; the sides of an output pixel
    are their columns.
    """
    return samples_of(np.hypot(matrices[:, 0, 1::-1], matrices[:, 1, 1::-1]))


def samples_of(sides: Array) -> Array:
    """How many samples along sides of so many source pixels; one along what is not finite."""
    return np.fmin(np.fmax(np.ceil(sides - SLACK), 1), LARGEST).astype(np.int64)


def shrinks(matrices: Array) -> bool:
    """Whether any image's output pixels take more than one sample."""
    return bool((sample_counts(matrices) > 1).any())


def to_samples(matrices: Array, counts: Counts) -> Array:
    """Matrices that map pixels, as matrices that map samples; exact where samples are pixels."""
    per_side = np.array(counts[::-1], float)
    linear = matrices[:, :, :2] / per_side
    first = (matrices[:, :, :2] * (1 - per_side) / (2 * per_side)).sum(axis=2)
    return np.concatenate([linear, (matrices[:, :, 2] + first)[:, :, None]], axis=2)


def to_pixels_gradient(dmatrices: Array, counts: Counts) -> Array:
    """Gradient by matrices from that by their `to_samples` (its transpose)."""
    per_side = np.array(counts[::-1], float)
    doffset = dmatrices[:, :, 2:]
    dlinear = dmatrices[:, :, :2] / per_side + doffset * (1 - per_side) / (2 * per_side)
    return np.concatenate([dlinear, doffset], axis=2)


def spread(dY: Array, counts: Counts) -> Array:
    """Gradient by the samples from that by their means (n, rows, columns, c)."""
    (down, across), (n, rows, columns, channels) = counts, dY.shape
    shares = (dY / dY.dtype.type(down * across))[:, :, None, :, None]
    blocks = np.broadcast_to(shares, (n, rows, down, columns, across, channels))
    return blocks.reshape(n, rows * down, columns * across, channels)


def parts_of(counts: Array, output_shape: tuple[int, ...]) -> list[Part]:
    """Images with equal counts in parts of a bounded number of samples, at least some rows.

    Where a part's rows are cut depends on its images' counts alone, not on the batch.
    """
    rows, columns = output_shape
    parts = [] if len(counts) else plain_parts(output_shape)
    for down, across in np.unique(counts, axis=0).tolist():
        index = np.flatnonzero((counts == (down, across)).all(axis=1))
        of_a_row = columns * down * across
        whole = (down, across) == ONE
        cuts = slices_of(rows, rows if whole else max(SAMPLES_AT_ONCE // of_a_row, 1))
        for part in slices_of(len(index), max(SAMPLES_AT_ONCE // (of_a_row * rows), 1)):
            parts.append((_as_slice(index[part]), (down, across), cuts))
    return parts


def plain_parts(output_shape: tuple[int, ...]) -> list[Part]:
    """All images in one part, of one sample a pixel."""
    return [(slice(None), ONE, [slice(0, output_shape[0])])]


def in_parts(parts: list[Part], warp: Callable[..., tuple[Array, Backward]]) -> Any:
    """The output and backward of all images from what `warp` gives of each part."""
    pairs = [warp(*part) for part in parts]

    def backward(dY: Array, want_dimages: bool) -> tuple[Array | None, Array]:
        results = [
            own(dY[index], want_dimages)
            for (_, own), (index, _, _) in zip(pairs, parts, strict=True)
        ]
        dimages = [own for own, _ in results if own is not None]
        return (_merged(parts, dimages) if dimages else None), _merged(
            parts, [dwhere for _, dwhere in results]
        )

    return _merged(parts, [Y for Y, _ in pairs]), backward


def _merged(parts: list[Part], arrays: list[Array]) -> Array:
    """The arrays of all parts put together; the only one as it is."""
    if len(arrays) == 1:
        return arrays[0]
    out = np.empty((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    for (index, _, _), array in zip(parts, arrays, strict=True):
        out[index] = array
    return out


def means(samples: Array, counts: Counts, out: Array) -> None:
    """Write the means of the samples (n, rows, columns, c) of each pixel to `out`."""
    loaded("sampling.block_means").block_means(samples, *counts, out)


def averaged(samples: Array, backward: Backward, counts: Counts) -> tuple[Array, Backward]:
    """The means of samples that have a backward, and the backward of those."""
    n, rows, columns, channels = samples.shape
    Y = np.empty((n, rows // counts[0], columns // counts[1], channels), samples.dtype)
    means(samples, counts, Y)
    return Y, lambda dY, want_dimages: backward(spread(dY, counts), want_dimages)


def _as_slice(index: Array) -> Array | slice:
    """Neighbours as a slice, of which an array gives a view."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first == len(index) - 1 else index
