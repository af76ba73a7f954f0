"""Means over the blocks of samples that make up an antialiased pixel."""

import numpy as np

from .jit import kernel
from .pixels import rounded_like


@kernel
def block_means(samples, down, across, out):
    """Write the mean of each block to out (n, rows, columns, channels), summed in float64.

    samples (n, rows * down, columns * across, channels).
    """
    n, rows, columns, channels = out.shape
    sums = np.empty(columns * channels)
    length = np.uint64(columns * across * channels)
    for i in range(n):
        flat, to = samples[i].reshape(-1), out[i].reshape(-1)
        for r in range(rows):
            sums[:] = 0
            for s in range(r * down, (r + 1) * down):
                at, k = np.uint64(s) * length, np.uint64(0)
                for _ in range(columns):
                    for _ in range(across):
                        for c in range(np.uint64(channels)):
                            sums[k + c] += flat[at + c]
                        at += np.uint64(channels)
                    k += np.uint64(channels)
            for j in range(sums.size):
                to[r * sums.size + j] = rounded_like(sums[j] / (down * across), to[0])
