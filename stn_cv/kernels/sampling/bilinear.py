"""The passes over a tile that all samplers share: locate, then blend, slopes or scatter.

`locate` finds neighbours and fractions of all points in loops that vectorize; then one
loop loads each point's neighbours and blends them. Two loops, because the compiler
vectorizes no loop that also gathers: 1.3 ns a pixel where one loop took 2.7. Most points of
few channels are worked on by vectors, see vector_blend.py and vector_gradient.py.

Two forms of each pass: on a `flat` image in which every neighbour exists (interior tiles,
and haloed images, see halo.py), and, with "checked", where some may not. `fill` stands
for the missing ones; it is a tuple for up to four channels, so that their number is known
when a kernel is compiled (2.0 ns a pixel of three channels, 4.5 with a number known only
later), else an array. fractions (2, TILE): along x and y.
"""

import numpy as np

from ..jit import REASSOCIATE, inner
from .padding import highest, lowest
from .tiles import FRACTION_BITS, ONE, TILE, fixed
from .vector_blend import blend_vectors
from .vector_gradient import scatter_vectors, slopes_vectors
from .write import rounded_like

REST, UNIT = 2**FRACTION_BITS - 1, 1 / ONE  # of fixed point


@inner
def tile_buffers(fill):
    """(xs, ys, offsets, fractions, columns, rows) of one tile."""
    return (
        np.empty(TILE),
        np.empty(TILE),
        np.empty(TILE, np.int32),
        np.full((2, TILE), fill[0]),
        np.empty(TILE, np.int32),
        np.empty(TILE, np.int32),
    )


@inner
def locate(xs, ys, size, width, height, padding_mode, stride, origin, offsets, fractions):
    """Flat pixel number of the upper left neighbour, and fractions; points beyond are held.

    In floating point and 32-bit integers, which vectorize everywhere.
    """
    low = lowest(padding_mode)
    right, bottom = highest(width, padding_mode), highest(height, padding_mode)
    for k in range(np.uint64(size)):
        x, y = min(max(xs[k], low), right), min(max(ys[k], low), bottom)
        column, row = np.floor(x), np.floor(y)
        offsets[k] = np.int32(row * stride + (column + origin))
        fractions[0, k] = x - column
        fractions[1, k] = y - row


@inner
def locate_steps(x0, y0, x_steps, y_steps, size, width, height, stride, origin, offsets, fractions):
    """As `locate`, for a tile in fixed point; points beyond the image are held in its halo.

    Every sum is cast back to 32 bits, or it is done in 64, half as fast.
    """
    number = fractions.dtype.type
    (x_whole, x_rest), (y_whole, y_rest) = fixed(x0), fixed(y0)
    left, right = np.int32(-2 - x_whole), np.int32(width - x_whole)
    upper, lower = np.int32(-2 - y_whole), np.int32(height - y_whole)
    stride, first = np.int32(stride), np.int32(y_whole * stride + x_whole + origin)
    for k in range(np.uint64(size)):
        x, y = np.int32(x_rest + x_steps[k]), np.int32(y_rest + y_steps[k])
        column = np.int32(min(max(np.int32(x >> FRACTION_BITS), left), right))
        row = np.int32(min(max(np.int32(y >> FRACTION_BITS), upper), lower))
        offsets[k] = np.int32(np.int32(row * stride) + np.int32(column + first))
        fractions[0, k] = number(np.int32(x & REST)) * number(UNIT)
        fractions[1, k] = number(np.int32(y & REST)) * number(UNIT)


@inner
def locate_checked(xs, ys, size, width, height, padding_mode, columns, rows, fractions):
    """As `locate`, with column and row on their own, and -3 where a point is not finite.

    Returns how many were not finite.
    """
    low = lowest(padding_mode)
    right, bottom = highest(width, padding_mode), highest(height, padding_mode)
    not_finite = 0
    for k in range(np.uint64(size)):
        finite = xs[k] - xs[k] == 0 and ys[k] - ys[k] == 0
        not_finite += not finite
        x = min(max(xs[k], low), right) if finite else -3.0
        y = min(max(ys[k], low), bottom) if finite else -3.0
        column, row = np.floor(x), np.floor(y)
        columns[k], rows[k] = np.int32(column), np.int32(row)
        fractions[0, k] = x - column
        fractions[1, k] = y - row
    return not_finite


@inner(fastmath=REASSOCIATE)
def blended(v00, v01, v10, v11, fx, fy):
    """Bilinear mean; exact where the fractions are 0."""
    left = v00 + fy * (v10 - v00)
    right = v01 + fy * (v11 - v01)
    return left + fx * (right - left)


@inner
def blend(flat, stride, offsets, fractions, first, points, fill, out, at):
    """Write `points` points of a tile, from `first` on, to out[at:]."""
    number = fractions.dtype.type
    channels = np.uint64(len(fill))
    below = np.uint64(stride) * channels
    taken = blend_vectors(flat, stride, offsets, fractions, first, points, fill, out, at)
    to = np.uint64(at + taken * len(fill))
    for k in range(np.uint64(first + taken), np.uint64(first + points)):
        upper = np.uint64(offsets[k]) * channels
        lower = upper + below
        fx, fy = fractions[0, k], fractions[1, k]
        for c in range(channels):
            value = blended(
                number(flat[upper + c]),
                number(flat[upper + channels + c]),
                number(flat[lower + c]),
                number(flat[lower + channels + c]),
                fx,
                fy,
            )
            out[to + c] = rounded_like(value, out[0])
        to += channels


@inner(fastmath=REASSOCIATE)
def slopes_along(flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y):
    """Slopes by x and y of `points` points, times the output's gradient dout[at:].

    The gradient is multiplied into the differences of neighbours, before the fractions are.
    """
    channels = np.uint64(len(fill))
    below = np.uint64(stride) * channels
    taken = slopes_vectors(
        flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y
    )
    of = np.uint64(at + taken * len(fill))
    for k in range(np.uint64(first + taken), np.uint64(first + points)):
        upper = np.uint64(offsets[k]) * channels
        lower = upper + below
        top = bottom = left = fractions.dtype.type(0)
        for c in range(channels):
            d, v00, v10 = dout[of + c], flat[upper + c], flat[lower + c]
            top += d * (flat[upper + channels + c] - v00)
            bottom += d * (flat[lower + channels + c] - v10)
            left += d * (v10 - v00)
        twist = bottom - top
        along_x[k] = top + fractions[1, k] * twist
        along_y[k] = left + fractions[0, k] * twist
        of += channels


@inner
def existing(row, column, height, width):
    """Which of the four neighbours of a point exist."""
    upper, lower = 0 <= row < height, 0 <= row + 1 < height
    left, right = 0 <= column < width, 0 <= column + 1 < width
    return upper and left, upper and right, lower and left, lower and right


@inner
def blend_checked(
    flat, width, height, stride, origin, columns, rows, fractions, first, points, fill, out, at
):
    """As `blend` where neighbours may be missing; zero at a point that is not finite."""
    number = fractions.dtype.type
    channels = len(fill)
    below = stride * channels
    to = at
    for k in range(first, first + points):
        column, row = np.int64(columns[k]), np.int64(rows[k])
        e00, e01, e10, e11 = existing(row, column, height, width)
        pixel = row * stride + column + origin
        for c in range(channels):
            v00 = v01 = v10 = v11 = fill[c] if column > -3 else number(0)
            upper = pixel * channels + c
            if e00:
                v00 = number(flat[np.uint64(upper)])
            if e01:
                v01 = number(flat[np.uint64(upper + channels)])
            if e10:
                v10 = number(flat[np.uint64(upper + below)])
            if e11:
                v11 = number(flat[np.uint64(upper + below + channels)])
            value = blended(v00, v01, v10, v11, fractions[0, k], fractions[1, k])
            out[to] = rounded_like(value, out[0])
            to += 1


@inner
def slopes_along_checked(
    flat, width, height, stride, origin, columns, rows, fractions, first, points, fill,
    dout, at, along_x, along_y,
):  # fmt: skip
    """As `slopes_along` where neighbours may be missing; zero at a point that is not finite."""
    channels = len(fill)
    below = stride * channels
    of = at
    for k in range(first, first + points):
        column, row = np.int64(columns[k]), np.int64(rows[k])
        e00, e01, e10, e11 = existing(row, column, height, width)
        pixel = row * stride + column + origin
        top = bottom = left = fractions.dtype.type(0)
        for c in range(channels):
            v00 = v01 = v10 = v11 = fill[c]
            upper = pixel * channels + c
            if e00:
                v00 = flat[np.uint64(upper)]
            if e01:
                v01 = flat[np.uint64(upper + channels)]
            if e10:
                v10 = flat[np.uint64(upper + below)]
            if e11:
                v11 = flat[np.uint64(upper + below + channels)]
            top += dout[of] * (v01 - v00)
            bottom += dout[of] * (v11 - v10)
            left += dout[of] * (v10 - v00)
            of += 1
        twist = bottom - top
        along_x[k] = top + fractions[1, k] * twist
        along_y[k] = left + fractions[0, k] * twist


@inner
def scatter(dout, at, stride, offsets, fractions, first, points, fill, dflat):
    """Add the gradient of `points` points, from `first` on, dout[at:], to their neighbours."""
    channels = np.uint64(len(fill))
    below = np.uint64(stride) * channels
    taken = scatter_vectors(dout, at, stride, offsets, fractions, first, points, fill, dflat)
    of = np.uint64(at + taken * len(fill))
    for k in range(np.uint64(first + taken), np.uint64(first + points)):
        upper = np.uint64(offsets[k]) * channels
        lower = upper + below
        fx, fy = fractions[0, k], fractions[1, k]
        for c in range(channels):
            d = dout[of + c]
            bottom = d * fy
            top = d - bottom
            right, lower_right = top * fx, bottom * fx
            dflat[upper + c] += top - right
            dflat[upper + channels + c] += right
            dflat[lower + c] += bottom - lower_right
            dflat[lower + channels + c] += lower_right
        of += channels


@inner
def scatter_checked(
    dout, at, width, height, stride, origin, columns, rows, fractions, first, points, fill, dflat
):
    """As `scatter`, to the neighbours that exist."""
    channels = len(fill)
    below = stride * channels
    of = at
    for k in range(first, first + points):
        column, row = np.int64(columns[k]), np.int64(rows[k])
        e00, e01, e10, e11 = existing(row, column, height, width)
        pixel = row * stride + column + origin
        fx, fy = fractions[0, k], fractions[1, k]
        for c in range(channels):
            d = dout[of]
            of += 1
            bottom = d * fy
            top = d - bottom
            right, lower_right = top * fx, bottom * fx
            upper = pixel * channels + c
            if e00:
                dflat[np.uint64(upper)] += top - right
            if e01:
                dflat[np.uint64(upper + channels)] += right
            if e10:
                dflat[np.uint64(upper + below)] += bottom - lower_right
            if e11:
                dflat[np.uint64(upper + below + channels)] += lower_right
