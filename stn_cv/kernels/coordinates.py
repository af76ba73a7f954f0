"""Where a coordinate falls: the padding rules, and the interior that needs none of them."""

import math

import numpy as np

from .jit import kernel

ZEROS, BORDER, REFLECTION = 0, 1, 2
LARGEST = 1e100  # a larger coordinate is taken for this one, so that none overflows


@kernel
def reflected(x, size, align_corners):
    """(coordinate, derivative) after mirroring at the pixel centres or outer edges."""
    low = 0.0 if align_corners else -0.5
    span = size - 1.0 if align_corners else size * 1.0
    if span <= 0.0:
        return 0.0, 0.0
    gain = 1.0
    distance = x - low
    if distance < 0.0:
        distance = -distance
        gain = -1.0
    folds = np.floor(distance / span)
    rest = distance % span
    if folds % 2.0 == 0.0:
        return rest + low, gain
    return span - rest + low, -gain


@kernel
def padded(x, size, padding_mode, align_corners):
    """(coordinate, derivative) under the padding rule, for finite `x`.

    Zeros: from -1 to `size`, where every neighbour lies outside. Else: from 0 to size - 1.
    """
    if padding_mode == ZEROS:
        if x < -1.0:
            return -1.0, 0.0
        if x > size:
            return size * 1.0, 0.0
        return x, 1.0
    gain = 1.0
    if padding_mode == REFLECTION:
        x, gain = reflected(x, size, align_corners)
    if x <= 0.0:
        return 0.0, 0.0
    if x >= size - 1.0:
        return size - 1.0, 0.0
    return x, gain


@kernel
def position(start, step, j):
    """Coordinate of column j, rounded alike wherever it is asked for.

    Never inlined by hand: fast-math around it would round otherwise than `interior` did,
    and read outside the image.
    """
    return start + step * j


@kernel
def place(x0, dx, y0, dy, first, size, xs, ys):
    """Coordinates of columns [first, first + size) of a row."""
    for j in range(size):
        xs[j] = position(x0, dx, first + j)
        ys[j] = position(y0, dy, first + j)


@kernel
def inside(x, y, width, height):
    """Whether all four neighbours of (x, y) lie in the image."""
    return 0.0 <= x < width - 1 and 0.0 <= y < height - 1


@kernel
def clipped_interval(start, step, size, low, high):
    """Narrow (low, high) to about where ``0 <= start + step * j < size - 1``."""
    if step != 0.0:
        first, last = -start / step, (size - 1 - start) / step
        if step < 0.0:
            first, last = last, first
        low = max(low, min(np.ceil(first), high))
        high = min(high, max(np.ceil(last) + 1.0, low))
    return low, high


@kernel
def interior(x0, dx, y0, dy, width, height, n):
    """Columns [start, stop) of a row whose four neighbours all lie in the image.

    The estimate by division is made exact by asking the very expression that is sampled:
    it is monotonic in the column, so its two ends suffice.
    """
    if not math.isfinite(x0 + dx + y0 + dy):
        return 0, 0
    low, high = clipped_interval(x0, dx, width, 0.0, n * 1.0)
    low, high = clipped_interval(y0, dy, height, low, high)
    start, stop = np.int64(low), np.int64(high)
    while start < stop and not inside(
        position(x0, dx, start), position(y0, dy, start), width, height
    ):
        start += 1
    while stop > start and not inside(
        position(x0, dx, stop - 1), position(y0, dy, stop - 1), width, height
    ):
        stop -= 1
    return start, stop
