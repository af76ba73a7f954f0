"""Sampling at an arbitrary grid, and the affine grid itself.

images (n, height, width, channels), grid (n, rows, columns, 2) normalized (x, y), fill
(channels,) of the dtype to compute in. Kernels that read a grid return how many of its
coordinates were not finite.
"""

import math

import numpy as np

from .coordinates import LARGEST, inside, position
from .jit import kernel
from .pixels import (
    BLOCK,
    apply_padding_gain,
    blend,
    blend_slopes,
    block_buffers,
    copy_nearest,
    gather,
    gather_channels,
    gather_checked,
    locate,
    scatter,
    scatter_nearest,
)

BILINEAR, NEAREST = 0, 1


@kernel
def affine(theta, offsets, steps, largest, out):
    """Grid of theta (n, 2, 3): out (n, rows, columns, 2) over x, y = offset + step * index.

    No value of a finite theta passes `largest`, the largest number of out's dtype.
    """
    n, rows, columns, _ = out.shape
    for i in range(n):
        t = theta[i]
        for r in range(rows):
            y = position(offsets[1], steps[1], r)
            for j in range(columns):
                x = position(offsets[0], steps[0], j)
                for k in range(2):
                    value = t[k, 0] * x + t[k, 1] * y + t[k, 2]
                    out[i, r, j, k] = min(max(value, -largest), largest)


@kernel
def place_grid(grid, first, size, gains, offsets, xs, ys):
    """Pixel coordinates, in float64, of pixels [first, first + size) of a grid row.

    None overflows; what is not finite stays so.
    """
    for j in range(size):
        x, y = np.float64(grid[first + j, 0]), np.float64(grid[first + j, 1])
        finite = math.isfinite(x) and math.isfinite(y)
        x = min(max(gains[0] * x + offsets[0], -LARGEST), LARGEST)
        y = min(max(gains[1] * y + offsets[1], -LARGEST), LARGEST)
        xs[j] = x if finite else np.nan
        ys[j] = y if finite else np.nan


@kernel
def all_inside(xs, ys, size, width, height):
    """Whether every pixel of a block has its four neighbours in the image."""
    outside = 0
    for j in range(size):
        outside += not inside(xs[j], ys[j], width, height)
    return outside == 0


@kernel
def gather_grid(
    flat, size, shape, padding_mode, align_corners, fill, xs, ys, offsets, corners, fractions
):
    """Gather the block whose coordinates stand in the buffers; counts the not finite."""
    height, width, channels = shape
    if not all_inside(xs, ys, size, width, height):
        rules = (padding_mode, align_corners)
        return gather_checked(
            flat, xs, ys, 0, size, width, height, *rules, fill, corners, fractions
        )
    locate(xs, ys, 0, size, width, channels, offsets, fractions)
    if channels == 1:
        gather(flat, offsets, 0, size, width, corners)
    else:
        gather_channels(flat, offsets, 0, size, width, channels, corners, fractions)
    return 0


@kernel
def sample(images, grid, gains, offsets, mode, padding_mode, align_corners, fill, out):
    """Sample each image at its grid; pixel = gain * normalized + offset along (x, y)."""
    n, height, width, channels = images.shape
    rows, columns = grid.shape[1:3]
    buffers = block_buffers(channels, fill)
    xs, ys, _, corners, fractions = buffers
    rules = (padding_mode, align_corners)
    not_finite = 0
    for i in range(n):
        flat = images[i].reshape(-1)
        for r in range(rows):
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place_grid(grid[i, r], first, size, gains, offsets, xs, ys)
                to = out[i, r].reshape(-1)[first * channels :]
                if mode == NEAREST:
                    not_finite += copy_nearest(flat, xs, ys, size, width, height, *rules, fill, to)
                else:
                    not_finite += gather_grid(flat, size, images.shape[1:], *rules, fill, *buffers)
                    blend(corners, fractions, size * channels, to)
    return not_finite


@kernel
def grid_scatter(dout, grid, gains, offsets, mode, padding_mode, align_corners, dimages):
    """Add the gradient by the images to dimages."""
    n, height, width, channels = dimages.shape
    rows, columns = grid.shape[1:3]
    xs, ys = np.empty(BLOCK), np.empty(BLOCK)
    rules = (padding_mode, align_corners)
    for i in range(n):
        dflat = dimages[i].reshape(-1)
        for r in range(rows):
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place_grid(grid[i, r], first, size, gains, offsets, xs, ys)
                d = dout[i, r, first : first + size].reshape(-1)
                if mode == NEAREST:
                    scatter_nearest(d, xs, ys, size, width, height, *rules, dflat)
                else:
                    scatter(d, xs, ys, size, width, height, *rules, dflat)


@kernel
def grid_gradient(dout, images, grid, gains, offsets, padding_mode, align_corners, fill, dgrid):
    """Write the gradient by the grid (bilinear) to dgrid; counts the not finite."""
    n, height, width, channels = images.shape
    rows, columns = grid.shape[1:3]
    buffers = block_buffers(channels, fill)
    xs, ys, _, corners, fractions = buffers
    by_x, by_y = np.empty_like(corners[0]), np.empty_like(corners[0])
    rules = (padding_mode, align_corners)
    not_finite = 0
    for i in range(n):
        flat = images[i].reshape(-1)
        for r in range(rows):
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place_grid(grid[i, r], first, size, gains, offsets, xs, ys)
                not_finite += gather_grid(flat, size, images.shape[1:], *rules, fill, *buffers)
                blend_slopes(corners, fractions, size * channels, corners[0], by_x, by_y)
                apply_padding_gain(xs, ys, 0, size, width, height, *rules, channels, by_x, by_y)
                for j in range(size):
                    along_x = along_y = 0.0
                    for c in range(channels):
                        d = dout[i, r, first + j, c]
                        along_x += d * by_x[j * channels + c]
                        along_y += d * by_y[j * channels + c]
                    dgrid[i, r, first + j, 0] = along_x * gains[0]
                    dgrid[i, r, first + j, 1] = along_y * gains[1]
    return not_finite
