"""The passes over a block of output pixels that all samplers share: gather, blend, scatter.

A block is at most `BLOCK` pixels of one output row, so that its buffers stay in the first
cache level. Gathering brings the four neighbours and the two fractions of each pixel (and
channel) into flat buffers; blending then runs over them without a branch and vectorizes.

flat: one image as a vector; corners (4, BLOCK * channels): upper left, upper right, lower
left, lower right; fractions (2, BLOCK * channels): along x and y.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload

from .coordinates import padded
from .jit import REASSOCIATE, kernel

BLOCK = 256


@kernel
def block_buffers(channels, fill):
    """(xs, ys, offsets, corners, fractions) of one block."""
    return (
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK, np.int32),
        np.empty((4, BLOCK * channels), fill.dtype),
        np.empty((2, BLOCK * channels), fill.dtype),
    )


@kernel
def locate(xs, ys, start, stop, width, channels, offsets, fractions):
    """Flat position of the upper left neighbour, and fractions, where all neighbours exist.

    In floating point and 32-bit integers, which vectorize everywhere.
    """
    for j in range(np.uint64(start), np.uint64(stop)):
        column, row = np.floor(xs[j]), np.floor(ys[j])
        offsets[j] = np.int32((row * width + column) * channels)
        fractions[0, j] = xs[j] - column
        fractions[1, j] = ys[j] - row


@kernel
def gather(flat, offsets, start, stop, width, corners):
    """Gather columns [start, stop) of a one-channel image; all neighbours exist."""
    right, below = np.uint64(1), np.uint64(width)
    for j in range(np.uint64(start), np.uint64(stop)):
        at = np.uint64(offsets[j])
        corners[0, j] = flat[at]
        corners[1, j] = flat[at + right]
        corners[2, j] = flat[at + below]
        corners[3, j] = flat[at + below + right]


@kernel
def gather_channels(flat, offsets, start, stop, width, channels, corners, fractions):
    """As `gather` for interleaved channels, which share position and fractions.

    Fractions come in per pixel and leave per value: from the last one backwards, so that
    none is overwritten before it is read.
    """
    right, below = np.uint64(channels), np.uint64(width * channels)
    for back in range(stop - start):
        j = np.uint64(stop - 1 - back)
        at = np.uint64(offsets[j])
        fx, fy = fractions[0, j], fractions[1, j]
        to = j * np.uint64(channels)
        for _ in range(channels):
            corners[0, to] = flat[at]
            corners[1, to] = flat[at + right]
            corners[2, to] = flat[at + below]
            corners[3, to] = flat[at + below + right]
            fractions[0, to] = fx
            fractions[1, to] = fy
            at += np.uint64(1)
            to += np.uint64(1)


@kernel
def gather_checked(
    flat, xs, ys, start, stop, width, height, padding_mode, align_corners, fill, corners, fractions
):
    """As `gather` where neighbours may be missing; a coordinate not finite gives zeros.

    Returns how many pixels had a coordinate that is not finite.
    """
    channels = fill.size
    not_finite = 0
    for j in range(start, stop):
        finite = math.isfinite(xs[j]) and math.isfinite(ys[j])
        x, y = (xs[j], ys[j]) if finite else (-1.0, -1.0)
        not_finite += not finite
        x, _ = padded(x, width, padding_mode, align_corners)
        y, _ = padded(y, height, padding_mode, align_corners)
        column, row = np.int64(math.floor(x)), np.int64(math.floor(y))
        left, right = 0 <= column < width, 0 <= column + 1 < width
        upper, lower = 0 <= row < height, 0 <= row + 1 < height
        at = (row * width + column) * channels
        for c in range(channels):
            to = j * channels + c
            outside = fill[c] if finite else fill[c] * 0
            corners[0, to] = flat[at + c] if upper and left and finite else outside
            corners[1, to] = flat[at + channels + c] if upper and right and finite else outside
            below = at + width * channels + c
            corners[2, to] = flat[below] if lower and left and finite else outside
            corners[3, to] = flat[below + channels] if lower and right and finite else outside
            fractions[0, to] = x - column
            fractions[1, to] = y - row
    return not_finite


@kernel(fastmath=REASSOCIATE)
def blended(v00, v01, v10, v11, fx, fy):
    """Bilinear mean; exact where the fractions are 0."""
    top = v00 + fx * (v01 - v00)
    bottom = v10 + fx * (v11 - v10)
    return top + fy * (bottom - top)


def rounded_like(value, like):
    """`value` as it is stored beside `like`: integers are rounded half to even."""
    return np.rint(value) if isinstance(like, np.integer) else value


@overload(rounded_like)
def _rounded_like(value, like):
    if isinstance(like, types.Integer):
        return lambda value, like: np.rint(value)
    return lambda value, like: value


@kernel
def blend(corners, fractions, size, out):
    """Blend the first `size` gathered values into out (size,)."""
    for k in range(size):
        value = blended(
            corners[0, k],
            corners[1, k],
            corners[2, k],
            corners[3, k],
            fractions[0, k],
            fractions[1, k],
        )
        out[k] = rounded_like(value, out[k])


@kernel(fastmath=REASSOCIATE)
def blend_slopes(corners, fractions, size, out, slope_x, slope_y):
    """As `blend`, with the derivatives by x and by y."""
    for k in range(size):
        v00, v01, v10, v11 = corners[0, k], corners[1, k], corners[2, k], corners[3, k]
        fx, fy = fractions[0, k], fractions[1, k]
        upper, lower = v01 - v00, v11 - v10
        top, bottom = v00 + fx * upper, v10 + fx * lower
        out[k] = top + fy * (bottom - top)
        slope_x[k] = upper + fy * (lower - upper)
        slope_y[k] = bottom - top


@kernel
def apply_padding_gain(
    xs, ys, start, stop, width, height, padding_mode, align_corners, channels, slope_x, slope_y
):
    """Multiply the slopes of a block by the derivative of the padding rule."""
    for j in range(start, stop):
        finite = math.isfinite(xs[j]) and math.isfinite(ys[j])
        gain_x = gain_y = 0.0
        if finite:
            _, gain_x = padded(xs[j], width, padding_mode, align_corners)
            _, gain_y = padded(ys[j], height, padding_mode, align_corners)
        for k in range(j * channels, (j + 1) * channels):
            slope_x[k] *= gain_x
            slope_y[k] *= gain_y


@kernel
def scatter(dout, xs, ys, size, width, height, padding_mode, align_corners, dflat):
    """Add a block's gradient, dout (size * channels,), to the neighbours that exist."""
    channels = dout.size // size
    for j in range(size):
        if not (math.isfinite(xs[j]) and math.isfinite(ys[j])):
            continue
        x, _ = padded(xs[j], width, padding_mode, align_corners)
        y, _ = padded(ys[j], height, padding_mode, align_corners)
        column, row = np.int64(math.floor(x)), np.int64(math.floor(y))
        fx, fy = x - column, y - row
        left, right = 0 <= column < width, 0 <= column + 1 < width
        upper, lower = 0 <= row < height, 0 <= row + 1 < height
        at = (row * width + column) * channels
        for c in range(channels):
            d = dout[j * channels + c]
            if upper and left:
                dflat[at + c] += d * (1 - fx) * (1 - fy)
            if upper and right:
                dflat[at + channels + c] += d * fx * (1 - fy)
            below = at + width * channels + c
            if lower and left:
                dflat[below] += d * (1 - fx) * fy
            if lower and right:
                dflat[below + channels] += d * fx * fy


@kernel
def nearest_at(x, y, width, height, padding_mode, align_corners):
    """Flat pixel index nearest to a finite coordinate, halves to even; -1 outside."""
    x, _ = padded(x, width, padding_mode, align_corners)
    y, _ = padded(y, height, padding_mode, align_corners)
    column, row = np.int64(np.rint(x)), np.int64(np.rint(y))
    if 0 <= column < width and 0 <= row < height:
        return row * width + column
    return -1


@kernel
def copy_nearest(flat, xs, ys, size, width, height, padding_mode, align_corners, fill, out):
    """Copy each pixel's nearest neighbour to out (size * channels,); counts as `gather_checked`."""
    channels = fill.size
    not_finite = 0
    for j in range(size):
        finite = math.isfinite(xs[j]) and math.isfinite(ys[j])
        not_finite += not finite
        at = -1
        if finite:
            at = nearest_at(xs[j], ys[j], width, height, padding_mode, align_corners)
        for c in range(channels):
            outside = fill[c] if finite else fill[c] * 0
            out[j * channels + c] = flat[at * channels + c] if at >= 0 else outside
    return not_finite


@kernel
def scatter_nearest(dout, xs, ys, size, width, height, padding_mode, align_corners, dflat):
    """Add a block's gradient to the pixels that `copy_nearest` copied."""
    channels = dout.size // size
    for j in range(size):
        if math.isfinite(xs[j]) and math.isfinite(ys[j]):
            at = nearest_at(xs[j], ys[j], width, height, padding_mode, align_corners)
            if at >= 0:
                for c in range(channels):
                    dflat[at * channels + c] += dout[j * channels + c]
