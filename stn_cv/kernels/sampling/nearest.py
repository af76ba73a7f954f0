"""Nearest neighbours: copied forward, and added to backward, a point at a time."""

import math

import numpy as np

from ..jit import inner
from .padding import padded


@inner
def nearest_at(x, y, width, height, rules):
    """Flat pixel number nearest to a finite coordinate, halves to even; -1 outside."""
    column = np.int64(np.rint(padded(x, width, rules)))
    row = np.int64(np.rint(padded(y, height, rules)))
    if 0 <= column < width and 0 <= row < height:
        return row * width + column
    return -1


@inner
def copy_nearest(flat, xs, ys, size, width, height, rules, fill, out, at):
    """Copy each point's nearest neighbour to out[at:]; counts the points not finite."""
    channels = len(fill)
    not_finite = 0
    to = at
    for k in range(size):
        finite = math.isfinite(xs[k]) and math.isfinite(ys[k])
        not_finite += not finite
        pixel = -1
        if finite:
            pixel = nearest_at(xs[k], ys[k], width, height, rules)
        for c in range(channels):
            outside = fill[c] if finite else fill[c] * 0
            out[to] = flat[pixel * channels + c] if pixel >= 0 else outside
            to += 1
    return not_finite


@inner
def scatter_nearest(dout, at, xs, ys, size, width, height, rules, fill, dflat):
    """Add the gradient of each point, dout[at:], to its nearest neighbour."""
    channels = len(fill)
    for k in range(size):
        if math.isfinite(xs[k]) and math.isfinite(ys[k]):
            pixel = nearest_at(xs[k], ys[k], width, height, rules)
            for c in range(channels if pixel >= 0 else 0):
                dflat[pixel * channels + c] += dout[at + k * channels + c]
