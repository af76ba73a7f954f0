"""Photos with transparency, warped and shrunk in parts, with colours weighed by alpha."""

import math
from typing import Any

import numpy as np

from ..arrays import Array, premultiplied, straight
from ..families import Family
from ..geometry.letterbox import Shape
from ..opencv import resize_area
from ..sampling import WarpRules
from ..sampling.antialias import ONE
from ..sampling.at_coordinates import blocks_of
from ..sampling.transparent import sample_transparent
from ..threads import slices_of

__all__ = ["shrunk_transparent", "warp_transparent"]

BAND = 2**19  # pixels, or shares of rows, that are held at once: 8 MB


def warp_transparent(
    family: Family, pixels: Array, theta: Array, output: Shape, rules: WarpRules
) -> Array:
    """RGBA warped in blocks of rows, so that no more than the output is held beside the photo."""
    if rules.mode == "nearest":
        return family.apply(pixels, theta, output, rules._replace(fill_value=0.0))
    where, counts = theta[None], ONE
    if rules.antialias:
        down, across = family.sample_counts(where, pixels.shape, output)[0].tolist()
        counts = (down, across)
    (down, across), out = counts, np.empty((*output, 4), pixels.dtype)
    shape = output[0] * down, output[1] * across
    for _, rows in blocks_of(1, output[0], output[1] * down * across):
        samples = slice(rows.start * down, rows.stop * down)
        at = family.coordinates_in_rows(where, pixels.shape, shape, samples)
        out[rows] = sample_transparent(pixels, at, counts, rules)
    return out


def shrunk_transparent(pixels: Array, shape: Shape, dtype: np.dtype[Any] | None = None) -> Array:
    """RGBA resized by area with colours weighed by alpha, in bands, so that little is held.

    Of a dtype, straight; without one as `premultiplied` gives it.
    """
    height, width = pixels.shape[:2]
    if width > height:
        turned = shrunk_transparent(pixels.transpose(1, 0, 2), shape[::-1], dtype)
        return turned.transpose(1, 0, 2)
    out = np.empty((*shape, 4), np.float32 if dtype is None else dtype)
    factor = height / shape[0]
    if factor < 1:  # a photo that is smaller than that
        shares = resize_area(premultiplied(pixels)[None], shape)[0]
        return shares if dtype is None else straight(shares, dtype)
    most = min(BAND / (factor * width), math.sqrt(BAND / factor))  # rows; and of `_overlaps`
    for rows in slices_of(shape[0], max(int(most), 1)):
        first, end = int(rows.start * factor), min(math.ceil(rows.stop * factor), height)
        band = premultiplied(pixels[first:end])[None]
        narrow = resize_area(band, (end - first, shape[1]))[0]
        shares = np.tensordot(_overlaps(rows, first, end, factor), narrow, 1)
        out[rows] = shares if dtype is None else straight(shares, dtype)
    return out


def _overlaps(rows: slice, first: int, end: int, factor: float) -> Array:
    """What share of each of some rows each row of the photo from `first` to `end` has."""
    above = np.arange(rows.start, rows.stop)[:, None] * factor
    source = np.arange(first, end)
    shares = np.minimum(source + 1, above + factor) - np.maximum(source, above)
    return np.asarray(np.clip(shares, 0, None) / factor, np.float32)
