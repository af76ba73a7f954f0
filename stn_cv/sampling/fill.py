"""What stands outside of images: a value for each channel, or NaN, put there at the end."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError

__all__ = [
    "COMPUTED_IN",
    "FEW_CHANNELS",
    "Fill",
    "as_fill",
    "check_fill",
    "without_unknown",
    "write_unknown",
]

Fill = tuple[Any, ...] | Array  # a tuple for few channels: see kernels/sampling/bilinear.py
FEW_CHANNELS = 4
OUTSIDE = 1e-6  # of a pixel's weight: less is rounding
COMPUTED_IN = {"float32": "float32", "float64": "float64", "uint8": "float32", "uint16": "float32"}


def check_fill(fill_value: float | ArrayLike, images: Array) -> tuple[Fill, Array | None]:
    """fill_value for each channel, in the dtype to compute in, 0 for NaN; channels of NaN."""
    if isinstance(fill_value, int | float):
        return _fill_of_all(fill_value or 0.0, images.dtype, images.shape[3])
    return _fill(fill_value, images.dtype, images.shape[3])


@lru_cache  # 15 us, of the 400 of a small warp
def _fill_of_all(
    fill_value: float, dtype: np.dtype[Any], channels: int
) -> tuple[Fill, Array | None]:
    return _fill(fill_value, dtype, channels)


def _fill(fill_value: Any, dtype: np.dtype[Any], channels: int) -> tuple[Fill, Array | None]:
    try:
        fill = np.array(fill_value)
    except ValueError:
        fill = np.array(None)
    if fill.dtype.kind in "fiub":
        with np.errstate(over="ignore"):
            fill = fill.astype(COMPUTED_IN[dtype.name])
    known = fill.dtype.kind == "f" and not np.isinf(fill).any()
    if not known or fill.shape not in ((), (1,), (channels,)):
        raise InvalidInputError(
            f"fill_value is {fill_value!r}; wanted a finite number, or NaN for floats, or one for "
            f"each of {channels} channels."
        )
    if dtype.kind == "u" and not (fill.min() >= 0 and fill.max() <= np.iinfo(dtype).max):
        raise InvalidInputError(f"fill_value {fill_value!r} is not in the range of {dtype}.")
    fill = np.array(np.broadcast_to(fill, (channels,)))  # a view could not be written to
    unknown = np.flatnonzero(np.isnan(fill))
    fill[unknown] = 0
    return as_fill(fill), unknown if len(unknown) else None


def as_fill(fill: Array) -> Fill:
    """A tuple for few channels."""
    return tuple(fill) if len(fill) <= FEW_CHANNELS else fill


def _lost(images: Array, warp: Callable[[Array], Array]) -> Array:
    """Where a warp (n, rows, columns) sees something that lies outside of the images."""
    whole = np.ones((*images.shape[:3], 1), images.dtype)
    return np.abs(warp(whole)[..., 0] - 1) > OUTSIDE


def write_unknown(
    out: Array, unknown: Array | None, images: Array, warp: Callable[[Array], Array]
) -> None:
    """Write NaN where that is what stands outside; `warp` is the one with 0 there."""
    if unknown is not None:
        lost = _lost(images, warp)
        for channel in unknown:
            out[lost, channel] = np.nan


def without_unknown(
    dout: Array, unknown: Array | None, images: Array, warp: Callable[[Array], Array]
) -> Array:
    """The output's gradient, 0 where `write_unknown` wrote NaN."""
    if unknown is None:
        return dout
    dout, lost = dout.copy(), _lost(images, warp)
    for channel in unknown:
        dout[lost, channel] = 0
    dout.setflags(write=False)
    return dout
