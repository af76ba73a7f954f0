"""Writing values: rounded where they are integers, and what stands outside of an image."""

import numpy as np
from numba import types
from numba.extending import overload

from ..jit import inner

FIRST = np.int64(0)  # not the literal, for whose type Numba would compile all it is given to again


def rounded_like(value, like):
    """`value` as it is stored beside `like`: integers are rounded half to even."""
    return np.rint(value) if isinstance(like, np.integer) else value


@overload(rounded_like)
def _rounded_like(value, like):
    if isinstance(like, types.Integer):
        return lambda value, like: np.rint(value)
    return lambda value, like: value


def clipped_like(value, like):
    """As `rounded_like`, and held to what an integer there can be."""
    if isinstance(like, np.integer):
        return min(max(np.rint(value), 0), np.iinfo(like.dtype).max)
    return value


@overload(clipped_like)
def _clipped_like(value, like):
    if isinstance(like, types.Integer):
        largest = float(like.maxval)
        return lambda value, like: min(max(np.rint(value), 0.0), largest)
    return lambda value, like: value


@inner
def write_fill(fill, points, out, at):
    """Write `fill` to so many points of out[at:]."""
    to = np.uint64(at)
    for _ in range(points):
        for c in range(len(fill)):
            out[to] = rounded_like(fill[c], out[0])
            to += np.uint64(1)
