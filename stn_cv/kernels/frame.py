"""Images with a frame of `fill` around them, in which every neighbour exists.

Most tiles of a small image reach over its edge. Copying it into a frame costs a tenth of a
nanosecond a pixel and saves each point of it the question which neighbours exist. Kernels
put one image after another into one frame, which stays in the first cache levels, if their
`margin` is 1; with 0 they work on the images as they are.
"""

from typing import Any

import numpy as np
from numba import types
from numba.core.cgutils import raw_memcpy
from numba.extending import intrinsic, overload

from .jit import kernel
from .vectors import array

BEFORE, FRAME = 2, 4  # rows and columns before the image, and in all


@kernel
def frame_origin(width, margin):
    """Pixel number of an image's first pixel in its frame."""
    return margin * BEFORE * (width + FRAME + 1)


@kernel
def blank_frame(height, width, fill, like, margin):
    """A flat frame with nothing in it, of the dtype of `like`; of no size without a margin."""
    size = (height + FRAME) * (width + FRAME) * len(fill) * margin
    framed = np.empty(size, like.dtype)
    for k in range(size):
        framed[k] = fill[0] if len(fill) == 1 else fill[k % len(fill)]
    return framed


@kernel
def put(flat, height, width, channels, framed):
    """Put one flat image into a frame that is there."""
    length, stride = width * channels, (width + FRAME) * channels
    for r in range(height):
        copy(flat, r * length, length, framed, (r + BEFORE) * stride + BEFORE * channels)


@kernel
def take(framed, height, width, channels, flat):
    """Take one image out of its frame."""
    length, stride = width * channels, (width + FRAME) * channels
    for r in range(height):
        copy(framed, (r + BEFORE) * stride + BEFORE * channels, length, flat, r * length)


def copy(source, first, values, out, at):
    """Write so many values of the source, from `first` on, to out[at:]."""
    out[at : at + values] = source[first : first + values]


@intrinsic
def _copy(typing, source, first, values, out, at):
    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        given, to = (array(context, b, signature, args, i).data for i in (0, 3))
        size = context.get_abi_sizeof(given.type.pointee)
        raw_memcpy(b, b.gep(to, [args[4]]), b.gep(given, [args[1]]), args[2], size)
        return context.get_dummy_value()

    i = types.int64
    return types.void(source, i, i, out, i), generate


@overload(copy)
def _compiled_copy(source, first, values, out, at):
    return lambda source, first, values, out, at: _copy(source, first, values, out, at)
