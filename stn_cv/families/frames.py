"""What the shapes of a source and an output put into theta and into the matrix of pixels."""

from functools import lru_cache

import numpy as np

from ..arrays import Array
from ..geometry import isotropic_sides
from ..geometry.affine import axes, integer_tolerance, normalized_from_pixel, pixel_from_normalized

__all__ = ["frame_of"]

Shape = tuple[int, int]


@lru_cache(maxsize=64)
def frame_of(input_shape: Shape, output_shape: Shape) -> Array:
    """The numbers, (1, 17), that `stn_cv.kernels.motions` works with; ``align_corners=False``.

    Gains of theta over a motion in isotropic units, (2, 3); of the matrix over theta's linear
    part, (2, 2); by which theta's columns add to the shift, (2,); the shift's gains and offsets,
    (2,) each; how far from an integer an entry may be off.
    """
    sides = isotropic_sides(input_shape)
    gains_in, offsets_in = axes(pixel_from_normalized, input_shape, False)
    gains_out, offsets_out = axes(normalized_from_pixel, output_shape, False)
    parts = (
        sides / sides[:2, None], gains_in[:, None] * gains_out, offsets_out, gains_in, offsets_in,
        np.array(integer_tolerance(input_shape)),
    )  # fmt: skip
    return np.concatenate([part.reshape(-1) for part in parts])[None]
