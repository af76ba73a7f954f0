"""Tiles of the output: which there are, and where their points lie in the source.

A tile is a rectangle of at most `TILE` output pixels, `WIDTH` columns wide or the whole
output's width if that is less, so that what it reads and all its buffers stay in the first
cache level. Its points are stored row by row in flat buffers: pixel coordinates in the
source, xs and ys, float64, good for images of 4096 pixels a side and beyond.

For values of float32 the coordinates of an affine tile are kept in fixed point instead:
whole pixels of the tile's first point, and 32-bit steps from there, the same for all tiles
of an image. No error adds up from step to step, and 32-bit integers locate a pixel in
0.23 ns where doubles take 0.76. A compile-time constant number of bits matters: shifts by a
variable are done in 64 bits (0.6 ns).
"""

import numpy as np

from ..jit import inner
from .rules import ZEROS

INSIDE, OUTSIDE, MIXED, UNSTEPPED = 0, 1, 2, 3
TILE, WIDTH = 512, 48
RUN = 128  # points that are sampled without checks, or with, together
LARGEST = 1e100  # a larger coordinate is taken for this one, so that none overflows
FRACTION_BITS = 22  # binary digits, of fixed point: three roundings cost at most 3.6e-7 pixels
ONE = 2.0**FRACTION_BITS
WIDEST = 2.0 ** (31 - FRACTION_BITS) - 2  # a tile's reach in the source, in pixels
FARTHEST = 2.0**30


@inner
def tile_shape(rows, columns):
    """(rows, columns) of the tiles of an output."""
    width = -(-columns // -(-columns // WIDTH))  # of as even a width as possible
    return min(rows, TILE // width), width


@inner
def tiles_of(rows, columns):
    """How many tiles cover an output."""
    tall, wide = tile_shape(rows, columns)
    return -(-rows // tall) * -(-columns // wide)


@inner
def tile_at(number, rows, columns):
    """(row, column) of a tile's upper left corner, its points, and its width."""
    tall, wide = tile_shape(rows, columns)
    in_row = -(-columns // wide)
    row, column = number // in_row * tall, number % in_row * wide
    wide = min(wide, columns - column)
    return row, column, min(tall, rows - row) * wide, wide


@inner
def tile_coordinates(matrix, row, column, size, across, down, xs, ys):
    """Coordinates of a tile's points; its upper left corner is output pixel (row, column)."""
    x0, y0 = source_of(matrix, row, column)
    x_across, x_down, y_across, y_down = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    for k in range(np.uint64(size)):
        xs[k] = x0 + across[k] * x_across + down[k] * x_down
        ys[k] = y0 + across[k] * y_across + down[k] * y_down


@inner
def source_of(matrix, row, column):
    """Coordinates (x, y) of an output pixel."""
    return (
        matrix[0, 0] * column + matrix[0, 1] * row + matrix[0, 2],
        matrix[1, 0] * column + matrix[1, 1] * row + matrix[1, 2],
    )


@inner
def all_plain(xs, ys, size, wide, width, height, has_halo):
    """Whether all points of a tile with coordinates are finite and have four neighbours.

    Corners decide here, too: coordinates are monotonic along rows and columns. In a haloed
    image every finite point has its neighbours.
    """
    plain = True
    for k in (0, wide - 1, size - wide, size - 1):
        x, y = xs[k], ys[k]
        if has_halo == 1:
            plain = plain and x - x == 0 and y - y == 0
        else:
            plain = plain and 0 <= x < width - 1 and 0 <= y < height - 1
    return plain


@inner
def fill_table(wide, points, across, down):
    """Column and row of `points` points of a tile, counted from its first."""
    row = column = 0
    for k in range(points):
        across[k], down[k] = column, row
        column += 1
        if column == wide:
            row, column = row + 1, 0


@inner
def fill_steps(matrix, wide, x_steps, y_steps):
    """Steps from a tile's first point to each other, in fixed point.

    Returns whether they fit into 32 bits; if not, or if the matrix is not finite, there are
    no steps.
    """
    tall = TILE // wide
    x_extent = abs(matrix[0, 0]) * wide + abs(matrix[0, 1]) * tall
    y_extent = abs(matrix[1, 0]) * wide + abs(matrix[1, 1]) * tall
    fits = max(x_extent, y_extent) < WIDEST
    if fits:
        for j in range(wide):
            x_steps[j] = np.int32(np.rint(matrix[0, 0] * j * ONE))
            y_steps[j] = np.int32(np.rint(matrix[1, 0] * j * ONE))
        for i in range(1, tall):
            x_down = np.int32(np.rint(matrix[0, 1] * i * ONE))
            y_down = np.int32(np.rint(matrix[1, 1] * i * ONE))
            row = np.uint64(i * wide)
            for j in range(np.uint64(wide)):
                x_steps[row + j] = x_steps[j] + x_down
                y_steps[row + j] = y_steps[j] + y_down
    return fits


@inner
def fixed(coordinate):
    """(whole pixels, rest in fixed point) of a coordinate."""
    whole = np.floor(coordinate)
    return np.int32(whole), np.int32(np.rint((coordinate - whole) * ONE))


@inner
def kind_of(x0, y0, x_steps, y_steps, size, wide, width, height, padding_mode):
    """Whether all of a tile's points have four neighbours, none has any, or neither.

    No neighbour is told apart from some only where it helps: where `ZEROS` fills. Steps
    are monotonic along rows and columns, so the corners of a tile decide.
    """
    if not max(abs(x0), abs(y0)) < FARTHEST:
        return UNSTEPPED
    low = 0 if padding_mode == ZEROS else 1  # elsewhere the rule has a kink at 0
    (x_whole, x_rest), (y_whole, y_rest) = fixed(x0), fixed(y0)
    inside = outside_x = outside_y = 0
    for k in (0, wide - 1, size - wide, size - 1):
        x = x_whole + ((x_rest + x_steps[k]) >> FRACTION_BITS)
        y = y_whole + ((y_rest + y_steps[k]) >> FRACTION_BITS)
        inside += low <= x < width - 1 and low <= y < height - 1
        outside_x += (1 if x >= width else 0) - (1 if x < -1 else 0)
        outside_y += (1 if y >= height else 0) - (1 if y < -1 else 0)
    if inside == 4:
        return INSIDE
    if padding_mode == ZEROS and (abs(outside_x) == 4 or abs(outside_y) == 4):
        return OUTSIDE
    return MIXED


@inner
def box_of(x0, y0, x_steps, y_steps, size, wide):
    """(column, row, width, height) of the pixels among which a tile's neighbours are."""
    (x_whole, x_rest), (y_whole, y_rest) = fixed(x0), fixed(y0)
    left = right = x_whole
    top = bottom = y_whole
    for k in (0, wide - 1, size - wide, size - 1):
        x = x_whole + ((x_rest + x_steps[k]) >> FRACTION_BITS)
        y = y_whole + ((y_rest + y_steps[k]) >> FRACTION_BITS)
        left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
    return left, top, right - left + 2, bottom - top + 2
