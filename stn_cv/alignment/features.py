"""What of pictures is compared with templates, by name."""

from collections.abc import Callable

import numpy as np

from ..arrays import Array
from ..sampling import warp_affine

__all__ = ["FEATURES"]

SHORT_SIDE = 48  # pixels: twice a template's
ROOT = 1 / 8  # of a steepness: near a logarithm, so that faint edges count as strong ones do
SMOOTHING = np.array([1, 4, 6, 4, 1]) / 16  # of rows and columns, before differences are taken


def grey(images: Array) -> Array:
    """Small copies (n, h, w), float32, of images (n, h, w, c): the mean of the channels."""
    values = images.mean(axis=3, dtype=np.float64)
    largest = np.abs(values).max(axis=(1, 2), keepdims=True, initial=1e-30)
    values = (values / largest).astype(np.float32)
    height, width = values.shape[1:]
    factor = SHORT_SIDE / min(height, width)
    if factor >= 1:
        return values
    shape = max(round(height * factor), 1), max(round(width * factor), 1)
    whole = np.broadcast_to(np.eye(2, 3), (len(values), 2, 3))
    return np.asarray(warp_affine(values, whole, shape, padding_mode="border", antialias=True))


def edges(images: Array) -> Array:
    """An eighth root of how steep `grey` is, less what no turn about the middle changes.

    Light from another side changes which slopes are bright, and not where slopes are. A round
    rim is the same at every turn; without it, templates form by what tells the turn.
    """
    smooth = _smooth(grey(images))
    down, across = _slope(smooth, 1), _slope(smooth, 2)
    return _without_rings(np.hypot(down, across) ** ROOT).astype(np.float32)


FEATURES: dict[str, Callable[[Array], Array]] = {"grey": grey, "edges": edges}


def _smooth(values: Array) -> Array:
    for axis in (1, 2):
        margin = [(len(SMOOTHING) // 2,) * 2 if axis == own else (0, 0) for own in range(3)]
        wider = np.pad(values, margin, mode="edge")
        shifted = np.lib.stride_tricks.sliding_window_view(wider, len(SMOOTHING), axis)
        values = shifted @ SMOOTHING
    return values


def _slope(values: Array, axis: int) -> Array:
    """Differences along an axis, 0 where it has one pixel."""
    if values.shape[axis] == 1:
        return np.zeros_like(values)
    return np.asarray(np.gradient(values, axis=axis))


def _without_rings(values: Array) -> Array:
    """Values (n, h, w) less their mean over each ring about the middle; 0 beyond the last one."""
    height, width = values.shape[1:]
    x, y = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    ring = np.hypot(x, y[:, None]).astype(int).ravel()
    rings = np.zeros((ring.size, ring.max() + 1))
    rings[np.arange(ring.size), ring] = 1
    rows = values.reshape(len(values), -1)
    less = rows - (rows @ (rings / rings.sum(axis=0))) @ rings.T
    less[:, ring >= min(height, width) // 2] = 0
    return np.asarray(less.reshape(values.shape))
