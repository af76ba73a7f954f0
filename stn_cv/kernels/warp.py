"""The fused affine warp: coordinates, neighbours and blending, with no grid array.

In each output row the columns whose four neighbours all lie in the image form one
interval; inside it nothing is checked, and only the two ends of the row ask the padding
rule. Coordinates are float64, good for images of 4096 pixels a side and beyond.

images (n, height, width, channels), matrices (n, 2, 3) float64 pixel output to source,
fill (channels,) of the dtype to compute in, out (n, rows, columns, channels), whose first
row is row `first_row` of the whole output.
"""

import numpy as np

from .coordinates import inside, interior, place, position
from .jit import REASSOCIATE, kernel
from .pixels import (
    BLOCK,
    apply_padding_gain,
    blend,
    blend_slopes,
    block_buffers,
    copy_nearest,
    gather,
    gather_channels,
    gather_checked,
    locate,
    scatter,
    scatter_nearest,
)


@kernel
def line_of(matrix, y, height, width, columns):
    """The row's coordinates (start and step along x and y) and its interior interval."""
    x0 = matrix[0, 1] * y + matrix[0, 2]
    y0 = matrix[1, 1] * y + matrix[1, 2]
    dx, dy = matrix[0, 0], matrix[1, 0]
    start, stop = interior(x0, dx, y0, dy, width, height, columns)
    return x0, dx, y0, dy, start, stop


@kernel
def rows_inside(matrix, y, rows, height, width, columns):
    """Whether all of several rows, from `y` on, have their neighbours in the image.

    Coordinates are monotonic along rows and columns, so the four corners decide.
    """
    for corner_y in (y, y + rows - 1):
        x0, dx, y0, dy, _, _ = line_of(matrix, corner_y, height, width, 0)
        for j in (0, columns - 1):
            if not inside(position(x0, dx, j), position(y0, dy, j), width, height):
                return False
    return True


@kernel
def gather_rows(
    flat, matrix, y, first, rows, size, columns, shape, padding_mode, align_corners, fill,
    xs, ys, offsets, corners, fractions,
):  # fmt: skip
    """Gather `rows` whole rows from `y` on, or `size` columns of one row from `first` on.

    Returns [start, stop): the pixels of the block that needed no padding rule.
    """
    height, width, channels = shape
    start, stop = 0, rows * size
    if rows > 1:
        for r in range(rows):
            x0, dx, y0, dy, _, _ = line_of(matrix, y + r, height, width, 0)
            place(x0, dx, y0, dy, 0, columns, xs[r * columns :], ys[r * columns :])
    else:
        x0, dx, y0, dy, start, stop = line_of(matrix, y, height, width, columns)
        place(x0, dx, y0, dy, first, size, xs, ys)
        start = min(max(start - first, 0), size)
        stop = max(min(stop - first, size), start)
    if start < stop:
        locate(xs, ys, start, stop, width, channels, offsets, fractions)
        if channels == 1:
            gather(flat, offsets, start, stop, width, corners)
        else:
            gather_channels(flat, offsets, start, stop, width, channels, corners, fractions)
    for a, b in ((0, start), (stop, rows * size)):
        if a < b:
            gather_checked(
                flat, xs, ys, a, b, width, height, padding_mode, align_corners, fill,
                corners, fractions,
            )  # fmt: skip
    return start, stop


@kernel
def block_at(matrix, y, r, first, rows, columns, height, width):
    """(rows, columns) of the block at row `r`: several short rows if all lie inside."""
    together = min(BLOCK // columns, rows - r) if first == 0 else 0
    if together > 1 and rows_inside(matrix, y, together, height, width, columns):
        return together, columns
    return 1, min(BLOCK, columns - first)


@kernel
def warp(images, matrices, first_row, padding_mode, align_corners, fill, out):
    """Warp each image by its matrix, bilinear."""
    n, height, width, channels = images.shape
    rows, columns = out.shape[1:3]
    xs, ys, offsets, corners, fractions = block_buffers(channels, fill)
    shape, rules = images.shape[1:], (padding_mode, align_corners)
    flats, lines = images.reshape(n, -1), out.reshape(n, -1)
    for i in range(n):
        r = first = 0
        while r < rows:
            y = np.float64(r + first_row)
            count, size = block_at(matrices[i], y, r, first, rows, columns, height, width)
            gather_rows(
                flats[i], matrices[i], y, first, count, size, columns, shape, *rules, fill,
                xs, ys, offsets, corners, fractions,
            )  # fmt: skip
            to = lines[i, (r * columns + first) * channels :]
            blend(corners, fractions, count * size * channels, to)
            r, first = next_block(r, first, count, size, columns)


@kernel
def next_block(r, first, count, size, columns):
    """Where the block after one of `count` rows and `size` columns begins."""
    if first + size < columns:
        return r, first + size
    return r + count, 0


@kernel
def warp_slopes(images, matrices, padding_mode, align_corners, fill, out, slope_x, slope_y):
    """As `warp` on whole images, keeping the derivatives of each value by x and y.

    They turn the gradient by theta into one contraction (`matrix_gradient`), with no
    second look at the images.
    """
    n, height, width, channels = images.shape
    rows, columns = out.shape[1:3]
    xs, ys, offsets, corners, fractions = block_buffers(channels, fill)
    shape, rules = images.shape[1:], (padding_mode, align_corners)
    flats, lines = images.reshape(n, -1), out.reshape(n, -1)
    lines_x, lines_y = slope_x.reshape(n, -1), slope_y.reshape(n, -1)
    for i in range(n):
        r = first = 0
        while r < rows:
            y = np.float64(r)
            count, size = block_at(matrices[i], y, r, first, rows, columns, height, width)
            start, stop = gather_rows(
                flats[i], matrices[i], y, first, count, size, columns, shape, *rules, fill,
                xs, ys, offsets, corners, fractions,
            )  # fmt: skip
            at = (r * columns + first) * channels
            to, by_x, by_y = lines[i, at:], lines_x[i, at:], lines_y[i, at:]
            blend_slopes(corners, fractions, count * size * channels, to, by_x, by_y)
            for a, b in ((0, start), (stop, count * size)):
                if a < b:
                    apply_padding_gain(xs, ys, a, b, width, height, *rules, channels, by_x, by_y)
            r, first = next_block(r, first, count, size, columns)


@kernel(fastmath=REASSOCIATE)
def matrix_gradient(dout, slope_x, slope_y, dmatrices):
    """Gradient by the matrices (n, 2, 3), float64, from kept slopes."""
    n, rows, columns, channels = dout.shape
    index = np.empty(columns * channels, dout.dtype)
    for k in range(columns * channels):
        index[k] = k // channels
    lines = dout.reshape(n, rows, -1)
    lines_x, lines_y = slope_x.reshape(n, rows, -1), slope_y.reshape(n, rows, -1)
    for i in range(n):
        dmatrices[i] = 0
        for r in range(rows):
            d, by_x, by_y = lines[i, r], lines_x[i, r], lines_y[i, r]
            sum_x = sum_xj = sum_y = sum_yj = dout.dtype.type(0)
            for k in range(columns * channels):
                along_x, along_y = d[k] * by_x[k], d[k] * by_y[k]
                sum_x += along_x
                sum_y += along_y
                sum_xj += along_x * index[k]
                sum_yj += along_y * index[k]
            dmatrices[i, 0, 0] += sum_xj
            dmatrices[i, 0, 1] += sum_x * r
            dmatrices[i, 0, 2] += sum_x
            dmatrices[i, 1, 0] += sum_yj
            dmatrices[i, 1, 1] += sum_y * r
            dmatrices[i, 1, 2] += sum_y


@kernel
def warp_scatter(dout, matrices, padding_mode, align_corners, dimages):
    """Add the gradient by the images (bilinear) to dimages (n, height, width, channels)."""
    n, height, width, channels = dimages.shape
    columns = dout.shape[2]
    xs, ys = np.empty(BLOCK), np.empty(BLOCK)
    for i in range(n):
        dflat = dimages[i].reshape(-1)
        for r in range(dout.shape[1]):
            x0, dx, y0, dy, _, _ = line_of(matrices[i], np.float64(r), height, width, 0)
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place(x0, dx, y0, dy, first, size, xs, ys)
                d = dout[i, r, first : first + size].reshape(-1)
                scatter(d, xs, ys, size, width, height, padding_mode, align_corners, dflat)


@kernel
def warp_nearest(images, matrices, first_row, padding_mode, align_corners, fill, out):
    """Warp each image by its matrix, nearest neighbour."""
    n, height, width, channels = images.shape
    columns = out.shape[2]
    xs, ys = np.empty(BLOCK), np.empty(BLOCK)
    rules = (padding_mode, align_corners)
    for i in range(n):
        flat = images[i].reshape(-1)
        for r in range(out.shape[1]):
            y = np.float64(r + first_row)
            x0, dx, y0, dy, _, _ = line_of(matrices[i], y, height, width, 0)
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place(x0, dx, y0, dy, first, size, xs, ys)
                to = out[i, r, first : first + size].reshape(-1)
                copy_nearest(flat, xs, ys, size, width, height, *rules, fill, to)


@kernel
def warp_nearest_scatter(dout, matrices, padding_mode, align_corners, dimages):
    """Add the gradient by the images (nearest) to dimages (n, height, width, channels)."""
    n, height, width, channels = dimages.shape
    columns = dout.shape[2]
    xs, ys = np.empty(BLOCK), np.empty(BLOCK)
    for i in range(n):
        dflat = dimages[i].reshape(-1)
        for r in range(dout.shape[1]):
            x0, dx, y0, dy, _, _ = line_of(matrices[i], np.float64(r), height, width, 0)
            for first in range(0, columns, BLOCK):
                size = min(BLOCK, columns - first)
                place(x0, dx, y0, dy, first, size, xs, ys)
                d = dout[i, r, first : first + size].reshape(-1)
                scatter_nearest(d, xs, ys, size, width, height, padding_mode, align_corners, dflat)
