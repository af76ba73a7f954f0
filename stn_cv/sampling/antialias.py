"""Antialiasing: an output pixel as the mean of samples spread evenly over its area.

The samples of a pixel stand in rows and columns, as few as bring neighbours to within one
source pixel of each other, so that a source pixel under an output pixel is never passed
over, nor left without a gradient. Where a warp does not shrink, that is the one sample of
the plain warp. How many it takes is found for each image by itself.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..slices import slices_of

__all__ = [
    "ONE",
    "Counts",
    "parts_of",
    "sample_counts",
    "spread",
    "to_pixels_gradient",
    "to_samples",
]

Array = NDArray[Any]
Counts = tuple[int, int]  # samples of a pixel: down, across
Part = tuple[Any, Counts, list[slice]]  # index of images, their counts, rows of the output
ONE: Counts = (1, 1)
LARGEST = 16  # samples along a side
SLACK = 1e-3  # source pixels; rounding must not make a turn take more than one sample
SAMPLES_AT_ONCE = 2**18


def sample_counts(matrices: Array) -> Array:
    """How many samples, (n, 2), down and across, each image's output pixels take.

    `matrices` (n, 2, 3) map output pixels to source pixels; the sides of an output pixel
    are their columns.
    """
    sides = np.hypot(matrices[:, 0, 1::-1], matrices[:, 1, 1::-1])
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
    parts: list[Part] = []
    for down, across in np.unique(counts, axis=0).tolist():
        index = np.flatnonzero((counts == (down, across)).all(axis=1))
        of_a_row = columns * down * across
        whole = (down, across) == ONE
        cuts = slices_of(rows, rows if whole else max(SAMPLES_AT_ONCE // of_a_row, 1))
        for part in slices_of(len(index), max(SAMPLES_AT_ONCE // (of_a_row * rows), 1)):
            parts.append((_as_slice(index[part]), (down, across), cuts))
    return parts


def _as_slice(index: Array) -> Array | slice:
    """Neighbours as a slice, of which an array gives a view."""
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first == len(index) - 1 else index
