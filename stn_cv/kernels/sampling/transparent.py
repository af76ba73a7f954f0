"""Sampling of pictures with transparency: colours count as much as they are opaque.

What a premultiplied copy would give, without the copy, which takes four times a photo of uint8.
"""

import numpy as np

from ..jit import kernel
from .bicubic import axis_buffers, locate_four


@kernel
def sample(images, points, rules, white, out):
    """Colours times alpha, and alpha, of 0 to 1, at pixels (x, y); nothing stands outside.

    images (n, height, width, 4), of which `white` is the largest value; points and out
    (n, rows, columns, ...), out of float32.
    """
    height, width, channels = images.shape[1:]
    columns, x_weights, x_slopes = axis_buffers()
    rows, y_weights, y_slopes = axis_buffers()
    sums = np.zeros(4)
    for i in range(len(images)):
        flat, where, to = images[i].reshape(-1), points[i].reshape(-1), out[i].reshape(-1)
        for k in range(where.size // 2):
            x, y = where[2 * k], where[2 * k + 1]
            sums[:] = 0
            finite = x - x == 0 and y - y == 0
            if finite:
                locate_four(x, width, rules, columns, x_weights, x_slopes)
                locate_four(y, height, rules, rows, y_weights, y_slopes)
            for r in range(4 if finite else 0):
                for q in range(4):
                    weight = y_weights[r] * x_weights[q]
                    if weight != 0 and rows[r] >= 0 and columns[q] >= 0:
                        at = np.uint64((rows[r] * width + columns[q]) * channels)
                        share = weight * flat[at + np.uint64(3)] / white
                        for c in range(3):
                            sums[c] += share * flat[at + np.uint64(c)] / white
                        sums[3] += share
            for c in range(4):
                to[4 * k + c] = sums[c]
