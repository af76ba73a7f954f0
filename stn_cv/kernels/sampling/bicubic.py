"""Bicubic sampling and its gradients: cubic convolution, Keys 1981, with a = -0.75.

That is the kernel of OpenCV's ``INTER_CUBIC`` and of PyTorch's ``mode="bicubic"``. As in both,
each of the sixteen neighbours that lies outside is brought back by the padding rule on its own.

images (n, height, width, channels); grid (n, rows, columns, 2), pixel = gain * grid + offset
along (x, y); fill (channels,), float64, in which all is computed. Kernels return how many points
are not finite; what is sampled there is 0, with no gradient.
"""

import numpy as np

from ..jit import inner, kernel
from .padding import reflected
from .rules import BICUBIC, REFLECTION, ZEROS
from .tiles import LARGEST
from .write import clipped_like

A = -0.75
FARTHEST = 2.0**31  # pixels; the fraction of a coordinate beyond means nothing


@inner
def cubic(distance):
    """(weight, slope) of a neighbour at a distance from 0 to 2."""
    d = distance
    if d <= 1:
        return ((A + 2) * d - (A + 3)) * d * d + 1, (3 * (A + 2) * d - 2 * (A + 3)) * d
    return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A, (3 * A * d - 10 * A) * d + 8 * A


@inner
def linear(distance):
    """As `cubic`, of bilinear sampling."""
    return max(1 - distance, 0.0), 0.0


@inner
def held(x, size, rules):
    """A finite coordinate near the image at which the same is seen."""
    if rules.padding != REFLECTION:
        return min(max(x, -3.0), size + 2.0)
    period = 2.0 * (size - 1 if rules.align_corners else size)
    if abs(x) < FARTHEST:
        return x
    return x % period if period > 0 else 0.0


@inner
def neighbour(number, size, rules):
    """The pixel along an axis that stands for one of this number; -1 for none."""
    if rules.padding == REFLECTION:
        mirrored, _ = reflected(number * 1.0, size, rules.align_corners)
        number = np.int64(np.rint(mirrored))
    if rules.padding == ZEROS:
        return number if 0 <= number < size else -1
    return min(max(number, 0), size - 1)


@inner
def locate_four(x, size, rules, pixels, weights, slopes):
    """Fill in the four neighbours along an axis; whether all of them are pixels."""
    x = held(x, size, rules)
    first = np.floor(x)
    number, fraction = np.int64(first) - 1, x - first
    for k in range(4):
        pixels[k] = neighbour(number + k, size, rules)
        distance = fraction + 1 - k
        weights[k], slope = cubic(abs(distance)) if rules.mode == BICUBIC else linear(abs(distance))
        slopes[k] = slope if distance >= 0 else -slope
    return min(min(pixels[0], pixels[1]), min(pixels[2], pixels[3])) >= 0


@inner
def point(where, k, gains, offsets):
    """(x, y) of a flat grid's point in pixels, without overflow, and whether it is finite."""
    x, y = np.float64(where[2 * k]), np.float64(where[2 * k + 1])
    finite = x - x == 0 and y - y == 0
    x = min(max(gains[0] * x + offsets[0], -LARGEST), LARGEST)
    y = min(max(gains[1] * y + offsets[1], -LARGEST), LARGEST)
    return x, y, finite


@inner
def axis_buffers():
    """(pixels, weights, slopes) of the four neighbours along an axis."""
    return np.empty(4, np.int64), np.empty(4), np.empty(4)


@kernel
def sample(images, grid, gains, offsets, rules, fill, out):
    """Sample each image at its grid."""
    height, width, channels = images.shape[1:]
    columns, x_weights, x_slopes = axis_buffers()
    rows, y_weights, y_slopes = axis_buffers()
    not_finite = 0
    for i in range(len(images)):
        flat, where, to = images[i].reshape(-1), grid[i].reshape(-1), out[i].reshape(-1)
        for k in range(where.size // 2):
            x, y, finite = point(where, k, gains, offsets)
            if not finite:
                not_finite += 1
                to[k * channels : (k + 1) * channels] = 0
                continue
            whole = locate_four(x, width, rules, columns, x_weights, x_slopes)
            whole &= locate_four(y, height, rules, rows, y_weights, y_slopes)
            for c in range(channels):
                total = 0.0
                for r in range(4):
                    of_row = 0.0
                    for q in range(4):
                        value = fill[c]
                        if whole or (rows[r] >= 0 and columns[q] >= 0):
                            at = (rows[r] * width + columns[q]) * channels + c
                            value = np.float64(flat[np.uint64(at)])
                        of_row += x_weights[q] * value
                    total += y_weights[r] * of_row
                to[k * channels + c] = clipped_like(total, to[0])
    return not_finite


@kernel
def gradient(dout, images, grid, gains, offsets, rules, fill, dgrid, dimages):
    """Write the gradient by the grid, and add that by the images to dimages if it has rows."""
    wanted = dimages.shape[1] > 0
    height, width, channels = images.shape[1:]
    columns, x_weights, x_slopes = axis_buffers()
    rows, y_weights, y_slopes = axis_buffers()
    not_finite = 0
    for i in range(len(images)):
        flat, where, d = images[i].reshape(-1), grid[i].reshape(-1), dout[i].reshape(-1)
        dwhere, dflat = dgrid[i].reshape(-1), dimages[i].reshape(-1)
        for k in range(where.size // 2):
            x, y, finite = point(where, k, gains, offsets)
            along_x = along_y = 0.0
            not_finite += not finite
            if finite:
                locate_four(x, width, rules, columns, x_weights, x_slopes)
                locate_four(y, height, rules, rows, y_weights, y_slopes)
            for c in range(channels if finite else 0):
                dvalue = np.float64(d[k * channels + c])
                for r in range(4):
                    of_row = slope_of_row = 0.0
                    for q in range(4):
                        value = fill[c]
                        if rows[r] >= 0 and columns[q] >= 0:
                            at = np.uint64((rows[r] * width + columns[q]) * channels + c)
                            value = np.float64(flat[at])
                            if wanted:
                                dflat[at] += dvalue * y_weights[r] * x_weights[q]
                        of_row += x_weights[q] * value
                        slope_of_row += x_slopes[q] * value
                    along_x += dvalue * y_weights[r] * slope_of_row
                    along_y += dvalue * y_slopes[r] * of_row
            dwhere[2 * k] = along_x * gains[0]
            dwhere[2 * k + 1] = along_y * gains[1]
    return not_finite
