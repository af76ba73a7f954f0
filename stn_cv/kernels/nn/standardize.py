"""Images brought to mean 0 and deviation 1, each by itself.

What is summed is summed along rows, then down columns, then over channels: value by value,
float32 would lose ten times as much. One image is summed in the same order as each of many, so
that it gives the same to the bit.
"""

import numpy as np

from ..jit import inner, kernel


@kernel
def standardize_each(X, variance, Y, deviation):
    """Write Y (c, h, w, n), and (n,) what was divided by; `variance` is added to an image's own."""
    channels, height, width, n = X.shape
    count = X.dtype.type(max(channels * height * width, 1))
    mean = np.empty(n, X.dtype)
    row, channel = np.empty(n, X.dtype), np.empty(n, X.dtype)
    means(X, False, count, row, channel, mean)
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for k in range(n):
                    Y[c, i, j, k] = X[c, i, j, k] - mean[k]
    means(Y, True, count, row, channel, deviation)
    for k in range(n):
        deviation[k] = np.sqrt(deviation[k] + variance)
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for k in range(n):
                    Y[c, i, j, k] /= deviation[k]


@inner
def means(X, squared, count, row, channel, out):
    """Of the values of each image, or of their squares; `row` and `channel` are for sums."""
    channels, height, width, n = X.shape
    out[:] = 0
    for c in range(channels):
        channel[:] = 0
        for i in range(height):
            row[:] = 0
            for j in range(width):
                for k in range(n):
                    value = X[c, i, j, k]
                    row[k] += value * value if squared else value
            for k in range(n):
                channel[k] += row[k]
        for k in range(n):
            out[k] += channel[k]
    for k in range(n):
        out[k] /= count


@inner
def standardize_single(x, channels, height, width, variance, out):
    """The same of one image, in vectors."""
    count = out.dtype.type(max(channels * height * width, 1))
    average = mean_of_single(x, channels, height, width, False, count)
    for i in range(np.uint64(out.size)):
        out[i] = x[i] - average
    own = mean_of_single(out, channels, height, width, True, count)
    deviation = np.sqrt(own + variance)
    for i in range(np.uint64(out.size)):
        out[i] /= deviation


@inner
def mean_of_single(x, channels, height, width, squared, count):
    """As `means`."""
    zero = count - count
    total = zero
    for c in range(channels):
        channel = zero
        for i in range(height):
            row = zero
            for j in range((c * height + i) * width, (c * height + i + 1) * width):
                value = x[np.uint64(j)]
                row += value * value if squared else value
            channel += row
        total += channel
    return total / count
