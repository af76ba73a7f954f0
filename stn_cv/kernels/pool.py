"""Pooling over squares that do not overlap, with the batch innermost.

X (channels, height, width, n); out (channels, rows, columns, n) with rows = height // size.
"""

from .jit import kernel


@kernel
def max_forward(X, size, out, winner):
    """The largest of each square, and which it was (counted along x, then y) in `winner`."""
    channels, rows, columns, n = out.shape
    for c in range(channels):
        for r in range(rows):
            for j in range(columns):
                y, which = out[c, r, j], winner[c, r, j]
                for k in range(size * size):
                    x = X[c, r * size + k // size, j * size + k % size]
                    if k == 0:
                        for i in range(n):
                            y[i] = x[i]
                            which[i] = 0
                    else:
                        for i in range(n):
                            larger = x[i] > y[i]
                            y[i] = x[i] if larger else y[i]
                            which[i] = k if larger else which[i]


@kernel
def max_backward(dY, winner, size, dX):
    """Hand each gradient to the winner of its square; all of the square is written."""
    channels, rows, columns, n = dY.shape
    for c in range(channels):
        for r in range(rows):
            for j in range(columns):
                dy, which = dY[c, r, j], winner[c, r, j]
                for k in range(size * size):
                    dx = dX[c, r * size + k // size, j * size + k % size]
                    for i in range(n):
                        dx[i] = dy[i] if which[i] == k else 0


@kernel
def mean_forward(X, size, out):
    """The mean of each square; `out` comes zeroed."""
    channels, rows, columns, n = out.shape
    share = X.dtype.type(1) / (size * size)
    for c in range(channels):
        for r in range(rows):
            for j in range(columns):
                y = out[c, r, j]
                for k in range(size * size):
                    x = X[c, r * size + k // size, j * size + k % size]
                    for i in range(n):
                        y[i] += share * x[i]


@kernel
def mean_backward(dY, size, dX):
    """Share each gradient evenly over its square; all of the square is written."""
    channels, rows, columns, n = dY.shape
    share = dY.dtype.type(1) / (size * size)
    for c in range(channels):
        for r in range(rows):
            for j in range(columns):
                dy = dY[c, r, j]
                for k in range(size * size):
                    dx = dX[c, r * size + k // size, j * size + k % size]
                    for i in range(n):
                        dx[i] = share * dy[i]
