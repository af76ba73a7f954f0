"""Convolution as a sum of shifted rows, with the batch innermost.

Activations are (channels, height, width, n): a whole output row (width times n values) is
a sum of input rows, each shifted and weighted by one tap of the kernel. So every inner
loop is long, contiguous and the same for any kernel size, and one image (n = 1) still
vectorizes along x. Spans of a row are summed in registers (see conv_vectors.py).

flat: the input as a vector; offsets (taps,): where each tap's row starts, relative to the
output row's number times `stride`; weights (outputs, taps).
Output row r uses the taps [first[r], stop[r]): rows that lie in the padding cost nothing.
"""

import numpy as np

from ..jit import REASSOCIATE, inner, kernel
from .conv_vectors import (
    CACHED,
    PART,
    REGISTER,
    SPAN,
    TAPS,
    long_of_1,
    part_of_1,
    part_of_4,
    part_of_5,
    products_of_1,
    products_of_4,
    products_of_5,
    scalars_of_1,
    span_of_1,
    span_of_4,
    span_of_5,
)
from .pool import largest_of_rows

SHORTEST = 16  # values that a row must have, at least
BLOCK = 1024  # values of each row that a gradient's products go through at a time


def good_length(length):
    """Of a row's values and some more, so many that spans do them soonest; `SHORTEST` at least."""
    span = SPAN // 4  # of float32; half of it is done in smaller spans as soon
    length = max(length, SHORTEST)
    return length if length % span <= span // 2 else length + span - length % span


@kernel
def correlate(flat, weights, offsets, first, stop, stride, bias, out):
    """Write out (outputs, rows, length): bias plus the sum of the weighted, shifted rows."""
    correlate_rows(flat, weights, offsets, first, stop, stride, bias, np.int64(0), out)


@kernel
def correlate_pooled(flat, weights, offsets, first, stop, stride, bias, pair, out):
    """Write the largest of each square of 2 of what `correlate` gives; out as `max_of_four`'s.

    Two rows at a time, in `pair` (outputs, 2, length), which stays in the cache.
    """
    outputs, rows, columns, n = out.shape
    length = pair.shape[2]
    x, y = pair.reshape(-1), out.reshape(-1)
    for r in range(rows):
        correlate_rows(flat, weights, offsets, first, stop, stride, bias, 2 * r, pair)
        for o in range(outputs):
            largest_of_rows(x, 2 * o * length, length, y, (o * rows + r) * columns * n, columns, n)


@inner
def correlate_rows(flat, weights, offsets, first, stop, stride, bias, top, out):
    """`correlate` of as many rows as `out` (outputs, rows, length) has, from row `top` on.

    What a row's spans leave over is done in smaller ones, the last of which overlaps its
    neighbour: the same values are written twice. Unsigned positions spare each access the
    choice of counting from the end.
    """
    outputs, rows, length = out.shape
    y, step = out.reshape(-1), np.uint64(rows * length)
    span, part = (SPAN if outputs >= 4 else 2 * SPAN) // out.itemsize, PART // out.itemsize
    fives = outputs // 5 * 5 if outputs % 5 == 0 else 0
    fours = fives + (outputs - fives) // 4 * 4
    some = CACHED // (span * out.itemsize)
    for r in range(rows):
        begin = 0
        while begin < length:
            whole = length - begin >= span
            j = begin if whole else min(begin, length - part)
            at, to = np.uint64((top + r) * stride + j), r * length + j
            tap, more, last = first[top + r], False, stop[top + r]
            while tap < last or not more:
                end = min(tap + some, last)
                if whole:
                    for o in range(0, fives, 5):
                        up = np.uint64(o * rows * length + to)
                        span_of_5(flat, at, weights, o, offsets, tap, end, more, bias, y, up, step)
                    for o in range(fives, fours, 4):
                        up = np.uint64(o * rows * length + to)
                        span_of_4(flat, at, weights, o, offsets, tap, end, more, bias, y, up, step)
                    for o in range(fours, outputs):
                        up = np.uint64(o * rows * length + to)
                        if outputs >= 4:
                            span_of_1(
                                flat, at, weights, o, offsets, tap, end, more, bias, y, up, step
                            )
                        else:
                            long_of_1(
                                flat, at, weights, o, offsets, tap, end, more, bias, y, up, step
                            )
                else:
                    for o in range(0, fives, 5):
                        up = np.uint64(o * rows * length + to)
                        part_of_5(flat, at, weights, o, offsets, tap, end, more, bias, y, up, step)
                    for o in range(fives, fours, 4):
                        up = np.uint64(o * rows * length + to)
                        part_of_4(flat, at, weights, o, offsets, tap, end, more, bias, y, up, step)
                    for o in range(fours, outputs):
                        up = np.uint64(o * rows * length + to)
                        part_of_1(flat, at, weights, o, offsets, tap, end, more, bias, y, up, step)
                tap, more = end, True
            begin = j + (span if whole else part)


@kernel(fastmath=REASSOCIATE)
def weight_gradient(flat, dY, offsets, first, stop, stride, dweights, dbias):
    """Write dweights (outputs, taps): dot products of the rows of outputs and taps; and dbias.

    A block is some rows that use the same taps, which stay in the first cache. Where outputs
    or taps are no multiple of a group, the last group overlaps the one before and skips it.
    """
    outputs, rows, length = dY.shape
    whole = length - length % (REGISTER // dY.itemsize)
    group = 5 if outputs % 5 == 0 else 4
    dweights[:] = 0
    row = 0
    while row < rows:
        end = row + 1
        while end < rows and (end + 1 - row) * length <= BLOCK and first[end] == first[row]:
            if stop[end] != stop[row]:
                break
            end += 1
        tap, last = first[row], stop[row]
        few = outputs < 4 or last - tap < TAPS
        for begin in range(0, 0 if few else whole, BLOCK):
            stop_at = min(begin + BLOCK, whole)
            for start in range(0, outputs, group):
                o = min(start, outputs - group)
                for tap_at in range(tap, last, TAPS):
                    t = min(tap_at, last - TAPS)
                    if group == 5:
                        products_of_5(
                            dY, o, row, end, begin, stop_at, flat, stride, offsets, t, 0,
                            tap_at - t, dweights,
                        )  # fmt: skip
                    else:
                        products_of_4(
                            dY, o, row, end, begin, stop_at, flat, stride, offsets, t, start - o,
                            tap_at - t, dweights,
                        )  # fmt: skip
        for o in range(outputs if few else 0):
            for t in range(tap, last):
                products_of_1(dY, o, row, end, 0, whole, flat, stride, offsets, t, 0, 0, dweights)
        for o in range(outputs if whole < length else 0):
            for t in range(tap, last):
                scalars_of_1(
                    dY, o, row, end, whole, length, flat, stride, offsets, t, 0, 0, dweights
                )
        row = end
    for o in range(outputs):
        total = dbias.dtype.type(0)
        d = dY[o].reshape(-1)
        for j in range(d.size):
            total += d[j]
        dbias[o] = total
