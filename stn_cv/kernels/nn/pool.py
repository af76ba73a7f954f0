"""Max pooling over squares that do not overlap, with the batch innermost.

X (channels, height, width, n); out (channels, rows, columns, n) with rows = height // size.
Positions are counted in flat arrays, for a view of each square takes longer than pooling it,
and lines of squares in one loop where that costs nothing, for loops take long to compile.
"""

import numpy as np

from ..jit import inner, kernel


@kernel
def max_forward(X, size, out, winner):
    """The largest of each square, and which it was (counted along x, then y) in `winner`."""
    channels, rows, columns, n = out.shape
    height, width = X.shape[1:3]
    x, y, which = X.reshape(-1), out.reshape(-1), winner.reshape(-1)
    if n > 1 and size == 2:
        winners_of_four(x, channels, rows, columns, n, height, width, y, which)
        return
    for line in range(channels * rows):
        for k in range(size * size):
            row = line // rows * height + line % rows * size + k // size
            at = np.uint64((row * width + k % size) * n)
            to = np.uint64(line * columns * n)
            for _ in range(columns):
                for i in range(np.uint64(n)):
                    larger = k == 0 or x[at + i] > y[to + i]
                    y[to + i] = x[at + i] if larger else y[to + i]
                    which[to + i] = k if larger else which[to + i]
                at += np.uint64(size * n)
                to += np.uint64(n)


@inner
def winners_of_four(x, channels, rows, columns, n, height, width, y, which):
    """`max_forward` of squares of 2 in one pass (in two thirds of the time)."""
    for c in range(channels):
        for r in range(rows):
            for j in range(columns):
                to = np.uint64(((c * rows + r) * columns + j) * n)
                left = np.uint64(((c * height + 2 * r) * width + 2 * j) * n)
                right, lower = left + np.uint64(n), left + np.uint64(width * n)
                end = lower + np.uint64(n)
                for i in range(np.uint64(n)):
                    best, k = x[left + i], np.uint8(0)
                    k = np.uint8(1) if x[right + i] > best else k
                    best = x[right + i] if x[right + i] > best else best
                    k = np.uint8(2) if x[lower + i] > best else k
                    best = x[lower + i] if x[lower + i] > best else best
                    k = np.uint8(3) if x[end + i] > best else k
                    y[to + i] = x[end + i] if x[end + i] > best else best
                    which[to + i] = k


@kernel
def max_of_four(X, out):
    """`max_forward` of squares of 2, the winners unasked, in one pass (2 to 6 times as fast)."""
    channels, rows, columns, n = out.shape
    height, width = X.shape[1:3]
    x, y = X.reshape(-1), out.reshape(-1)
    if n == 1:
        max_of_single(x, channels, rows, columns, height * width, width, y)
        return
    for c in range(channels):
        for r in range(rows):
            upper, to = (c * height + 2 * r) * width * n, (c * rows + r) * columns * n
            largest_of_rows(x, upper, width * n, y, to, columns, n)


@inner
def largest_of_rows(x, upper, length, y, to, columns, n):
    """Pool two rows of so many values each, into y[to:]; `n` values stand side by side."""
    one, two, upper, to = np.uint64(n), np.uint64(2 * n), np.uint64(upper), np.uint64(to)
    lower = upper + np.uint64(length)
    for j in range(np.uint64(columns)):
        left, last, up = upper + j * two, lower + j * two, to + j * one
        for i in range(one):
            best = x[left + i]
            best = x[left + one + i] if x[left + one + i] > best else best
            best = x[last + i] if x[last + i] > best else best
            best = x[last + one + i] if x[last + one + i] > best else best
            y[up + i] = best


@inner
def max_of_single(x, channels, rows, columns, plane, pitch, y):
    """`max_of_four` of a single image; from row to row are `pitch` values, map to map `plane`."""
    for line in range(channels * rows):
        upper = np.uint64(line // rows * plane + line % rows * 2 * pitch)
        lower, to = upper + np.uint64(pitch), np.uint64(line * columns)
        for j in range(np.uint64(columns)):
            at = np.uint64(2) * j
            best, b = x[upper + at], x[upper + at + np.uint64(1)]
            best = b if b > best else best
            e, f = x[lower + at], x[lower + at + np.uint64(1)]
            best = e if e > best else best
            y[to + j] = f if f > best else best


@kernel
def max_backward(dY, winner, size, dX):
    """Hand each gradient to the winner of its square; all of the square is written."""
    channels, rows, columns, n = dY.shape
    height, width = dX.shape[1:3]
    dx, dy, which = dX.reshape(-1), dY.reshape(-1), winner.reshape(-1)
    for line in range(channels * rows):
        for k in range(size * size):
            row = line // rows * height + line % rows * size + k // size
            at = np.uint64((row * width + k % size) * n)
            of = np.uint64(line * columns * n)
            for _ in range(columns):
                for i in range(np.uint64(n)):
                    dx[at + i] = dy[of + i] if which[of + i] == k else 0
                at += np.uint64(size * n)
                of += np.uint64(n)
