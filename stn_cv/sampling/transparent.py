"""Pictures with transparency, sampled block by block with colours weighed by their alpha."""

import numpy as np

from ..arrays import Array, read_only, straight, white_of
from ..kernels import loaded
from .antialias import ONE, Counts, means
from .rules import WarpRules

__all__ = ["sample_transparent"]


def sample_transparent(pixels: Array, at: Array, counts: Counts, rules: WarpRules) -> Array:
    """Sample RGBA pixels (h, w, 4) at pixels (x, y) of the source.

    Parameters
    ----------
    pixels : ndarray of shape (h, w, 4)
        uint8, uint16, or float32 with 1 as white.
    at : ndarray of shape (1, rows * down, columns * across, 2), float64
        Where samples lie.
    counts : tuple
        (down, across): samples of an output pixel, of which the mean is taken.
    rules : WarpRules
        Interpolation and padding; what stands outside is transparent.

    Returns
    -------
    ndarray of shape (rows, columns, 4)
        Of the pixels' dtype.
    """
    samples = np.empty((*at.shape[:3], 4), np.float32)
    images = read_only(np.ascontiguousarray(pixels)[None])
    loaded("sampling.transparent").sample(
        images, read_only(at), rules.for_kernels(), white_of(pixels.dtype), samples
    )
    if counts != ONE:
        every, samples = (
            samples,
            np.empty((1, at.shape[1] // counts[0], at.shape[2] // counts[1], 4), np.float32),
        )
        means(every, counts, samples)
    return straight(samples[0], pixels.dtype)
