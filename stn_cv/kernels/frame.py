"""Images with a frame of `fill` around them, in which every neighbour exists.

Most tiles of a small image reach over its edge. Copying it into a frame costs a tenth of a
nanosecond a pixel and saves each point of it the question which neighbours exist. Kernels
that take a `margin` of 1 get framed images, and with 0 plain ones.
"""

import numpy as np

from .jit import kernel

BEFORE, FRAME = 2, 4  # rows and columns before the image, and in all


@kernel
def plain_shape(images, margin):
    """(height, width) without the frame."""
    return images.shape[1] - margin * FRAME, images.shape[2] - margin * FRAME


@kernel
def frame_origin(width, margin):
    """Pixel number of an image's first pixel in its frame."""
    return margin * BEFORE * (width + FRAME + 1)


@kernel
def frame(images, fill, out):
    """Put each image into its frame, out (n, height + 4, width + 4, channels)."""
    n, height, width, channels = images.shape
    blank = blank_rows(width, fill)
    for i in range(n):
        frame_one(images[i].reshape(-1), height, width, channels, blank, out[i].reshape(-1))


@kernel
def blank_rows(width, fill):
    """What stands before an image's first pixel in its frame."""
    channels = len(fill)
    blank = np.full((BEFORE * (width + FRAME) + BEFORE) * channels, fill[0])
    for k in range(blank.size if channels > 1 else 0):
        blank[k] = fill[k % channels]
    return blank


@kernel
def frame_one(flat, height, width, channels, blank, framed):
    """Put one flat image into its frame."""
    length, stride, before = width * channels, (width + FRAME) * channels, BEFORE * channels
    copy(blank, 0, blank.size, framed, 0)
    for r in range(height):
        at = (r + BEFORE) * stride + before
        copy(flat, r * length, length, framed, at)
        copy(blank, 0, stride - length, framed, at + length)
    copy(blank, 0, blank.size - before, framed, (height + BEFORE) * stride)


@kernel
def copy(source, first, values, out, at):
    """Write so many values of the source, from `first` on, to out[at:]."""
    start, to = np.uint64(first), np.uint64(at)
    for j in range(np.uint64(values)):
        out[to + j] = source[start + j]
