"""Histograms of oriented gradients, and the way back to the image.

Everything is computed in float64. directions (orientations - 1, 2): cosine and sine of the
edges between bins; cell and block: their (rows, columns); histogram (rows, columns,
orientations): mean magnitudes of the gradients in a cell, by orientation.

The bin of a gradient is the number of edges it has passed, told by signs of cross products:
these vectorize, where an arc tangent would take most of the time. They are exact for gradients
on an edge at a multiple of 45 degrees, so long as no product is contracted into a sum.
"""

import math

import numpy as np

from .jit import REASSOCIATE, inner, kernel

L1, L1_SQRT, L2, L2_HYS = range(4)
EPS = 1e-5
CLIP = 0.2


@kernel
def features(images, directions, cell, block, norm, root, strip, planes, bins, histogram, out):
    """Write the normalized blocks of images (n, h, w, c) to out (n, features).

    Scratch for a strip, which is a row of cells, as flat pixels: strip (c, pixels + 2 w),
    finite, planes (5, pixels) and histogram of float64, bins (2, pixels) of int64.
    """
    for i in range(len(images)):
        for r in range(len(histogram)):
            read_strip(images[i], r * cell[0], root, strip)
            strip_gradient(strip, images[i].shape, r * cell[0], planes, bins[0])
            strip_bins(planes, directions, bins[1])
            fill_cells(planes[2], bins[1], cell, histogram[r])
        normalize_blocks(histogram, block, norm, out[i])


@kernel
def input_gradient(
    images, dout, directions, cell, block, norm, root, strip, planes, bins, histograms, dX
):
    """Write the gradient of images to dX (n, h, w, c) from that of their features.

    Scratch as in `features`, but planes (strips, 5, pixels) and bins (strips, 2, pixels) hold
    a whole image, and histograms (2, rows, columns, orientations) those and their gradient.
    """
    histogram, dhistogram = histograms[0], histograms[1]
    for i in range(len(images)):
        for r in range(len(histogram)):
            read_strip(images[i], r * cell[0], root, strip)
            strip_gradient(strip, images[i].shape, r * cell[0], planes[r], bins[r, 0])
            strip_bins(planes[r], directions, bins[r, 1])
            fill_cells(planes[r, 2], bins[r, 1], cell, histogram[r])
        dhistogram[:] = 0
        normalize_blocks_backward(histogram, block, norm, dout[i], dhistogram)
        dX[i] = 0
        for r in range(len(histogram)):
            strip_backward(planes[r], bins[r], cell, dhistogram[r], r * cell[0], dX[i])
        if root:
            root_backward(images[i], dX[i])


@inner
def read_strip(image, top, root, strip):
    """Have the strip's pixels, and the rows above and below it that there are, by channel."""
    height, width, channels = image.shape
    rows = strip.shape[1] // width
    for c in range(channels):
        for row in range(max(1 - top, 0), min(rows, height + 1 - top)):
            into, source = strip[c, row * width : (row + 1) * width], image[top - 1 + row]
            for x in range(width):
                into[x] = source[x, c]
            if root:
                for x in range(width):
                    into[x] = math.sqrt(into[x])


@inner
def strip_gradient(strip, shape, top, planes, winner):
    """Gradient and magnitude of the strongest channel, the first of equals, and which it is."""
    gx, gy, magnitude, dx, dy = planes[0], planes[1], planes[2], planes[3], planes[4]
    channel_gradient(strip[0], shape, top, gx, gy)
    for k in range(len(gx)):
        magnitude[k] = gx[k] * gx[k] + gy[k] * gy[k]
        winner[k] = 0
    for c in range(1, len(strip)):
        channel_gradient(strip[c], shape, top, dx, dy)
        for k in range(len(gx)):
            square = dx[k] * dx[k] + dy[k] * dy[k]
            stronger = square > magnitude[k]
            gx[k] = dx[k] if stronger else gx[k]
            gy[k] = dy[k] if stronger else gy[k]
            winner[k] = c if stronger else winner[k]
            magnitude[k] = square if stronger else magnitude[k]
    for k in range(len(gx)):
        magnitude[k] = math.sqrt(magnitude[k])


@inner
def channel_gradient(values, shape, top, gx, gy):
    """Differences of the neighbours, zero where the image ends."""
    height, width, _ = shape
    above, below = values[: len(gx)], values[2 * width :]
    left, right = values[width - 1 :], values[width + 1 :]
    for k in range(len(gx)):
        gx[k] = right[k] - left[k]
        gy[k] = below[k] - above[k]
    for k in range(0, len(gx), width):
        gx[k] = gx[k + width - 1] = 0
    if top == 0:
        gy[:width] = 0
    if top + len(gx) // width == height:
        gy[len(gy) - width :] = 0


@inner
def strip_bins(planes, directions, bins):
    """Count the edges that each gradient, turned into the upper half plane, has passed."""
    gx, gy, fx, fy = planes[0], planes[1], planes[3], planes[4]
    for k in range(len(gx)):
        turn = -1.0 if gy[k] < 0 or (gy[k] == 0 and gx[k] < 0) else 1.0
        fx[k] = turn * gx[k]
        fy[k] = turn * gy[k]
        bins[k] = 0
    for edge in range(len(directions)):
        cosine, sine = directions[edge, 0], directions[edge, 1]
        for k in range(len(gx)):
            bins[k] += 1 if cosine * fy[k] >= sine * fx[k] else 0


@inner
def fill_cells(magnitude, bins, cell, histogram):
    """Write the mean magnitudes of the strip's cells (columns, orientations)."""
    histogram[:] = 0
    width = len(bins) // cell[0]
    for start in range(0, len(bins), width):
        for j in range(len(histogram)):
            values = histogram[j]
            for k in range(start + j * cell[1], start + (j + 1) * cell[1]):
                values[np.uint64(bins[k])] += magnitude[k]
    histogram /= cell[0] * cell[1]


@inner(fastmath=REASSOCIATE)
def block_gains(histogram, row, start, block, size, norm):
    """What a block is multiplied by, before and (for L2-Hys) after its values are clipped."""
    total = 0.0
    for r in range(row, row + block[0]):
        values = histogram[r, start : start + size]
        for k in range(size):
            total += values[k] * values[k] if norm >= L2 else values[k]
    first = 1 / math.sqrt(total + EPS * EPS) if norm >= L2 else 1 / (total + EPS)
    if norm != L2_HYS:
        return first, 1.0
    total = 0.0
    for r in range(row, row + block[0]):
        values = histogram[r, start : start + size]
        for k in range(size):
            clipped = min(values[k] * first, CLIP)
            total += clipped * clipped
    return first, 1 / math.sqrt(total + EPS * EPS)


@inner(fastmath=REASSOCIATE)
def normalize_blocks(histogram, block, norm, out):
    """Write to out (features,) the blocks, one after another, each normalized."""
    height, width, orientations = histogram.shape
    flat = histogram.reshape(height, width * orientations)
    size = block[1] * orientations
    at = 0
    for row in range(height - block[0] + 1):
        for start in range(0, (width - block[1] + 1) * orientations, orientations):
            first, second = block_gains(flat, row, start, block, size, norm)
            for r in range(row, row + block[0]):
                values, into = flat[r, start : start + size], out[at : at + size]
                at += size
                if norm == L1_SQRT:
                    for k in range(size):
                        into[k] = math.sqrt(values[k] * first)
                elif norm == L2_HYS:
                    for k in range(size):
                        into[k] = min(values[k] * first, CLIP) * second
                else:
                    for k in range(size):
                        into[k] = values[k] * first


@inner(fastmath=REASSOCIATE)
def normalize_blocks_backward(histogram, block, norm, dout, dhistogram):
    """Add to dhistogram the gradient of each block; what is clipped or zero has none."""
    height, width, orientations = histogram.shape
    flat = histogram.reshape(height, width * orientations)
    dflat = dhistogram.reshape(height, width * orientations)
    size = block[1] * orientations
    begin = 0
    for row in range(height - block[0] + 1):
        for start in range(0, (width - block[1] + 1) * orientations, orientations):
            first, second = block_gains(flat, row, start, block, size, norm)
            end = begin + block[0] * size
            outer = 0.0  # d.f of the last normalization, of L2-Hys alone
            if norm == L2_HYS:
                for r in range(block[0]):
                    values, d = flat[row + r, start : start + size], dout[begin + r * size : end]
                    for k in range(size):
                        outer += d[k] * min(values[k] * first, CLIP) * second
            along = 0.0  # d.v of the first normalization
            for r in range(block[0]):
                values, d = flat[row + r, start : start + size], dout[begin + r * size : end]
                for k in range(size):
                    v = values[k] * first
                    along += slope(d[k], v, norm, second, outer) * v
            for r in range(block[0]):
                values, d = flat[row + r, start : start + size], dout[begin + r * size : end]
                into = dflat[row + r, start : start + size]
                for k in range(size):
                    v = values[k] * first
                    pull = v * along if norm >= L2 else along
                    into[k] += first * (slope(d[k], v, norm, second, outer) - pull)
            begin = end


@inner(fastmath=REASSOCIATE)
def slope(d, v, norm, second, outer):
    """The gradient of a value v of the first normalization from that of its feature, d."""
    if norm == L1_SQRT:
        return d * 0.5 / math.sqrt(v) if v > 0 else 0.0
    if norm == L2_HYS:
        return second * (d - v * second * outer) if v < CLIP else 0.0
    return d * 1.0


@inner
def strip_backward(planes, bins, cell, dhistogram, top, dX):
    """Add to dX (h, w, c) what reaches the neighbours of a strip's pixels."""
    height, width, _ = dX.shape
    size = cell[0] * cell[1]
    for y in range(top, top + cell[0]):
        for x in range(len(dhistogram) * cell[1]):
            k = (y - top) * width + x
            if planes[2, k] > 0:
                c = bins[0, k]
                share = dhistogram[x // cell[1], bins[1, k]] / (size * planes[2, k])
                if 0 < x < width - 1:
                    dX[y, x + 1, c] += share * planes[0, k]
                    dX[y, x - 1, c] -= share * planes[0, k]
                if 0 < y < height - 1:
                    dX[y + 1, x, c] += share * planes[1, k]
                    dX[y - 1, x, c] -= share * planes[1, k]


@inner
def root_backward(image, dX):
    """From the gradient of the roots to that of the pixels; of black ones it is zero."""
    height, width, channels = image.shape
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                value = image[y, x, c]
                dX[y, x, c] *= 0.5 / math.sqrt(value) if value > 0 else 0.0
