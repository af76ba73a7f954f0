"""Names and numbers of the sampling rules, for kernels and their callers: without Numba.

A further padding mode is a name here and its coordinates in padding.py; one whose edges join, as
no mode of today, also says what stands in a halo (halo.py). A further mode of interpolation is a
name here and kernels of its own, which `stn_cv.sampling.warp` and `stn_cv.sampling.at_coordinates`
have to call: they refuse a mode that they have no kernel for.

A halo is some rows and columns around an image, filled with what stands outside, so that every
neighbour of a point exists; see halo.py.
"""

from typing import NamedTuple

BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2
MODES = {"bilinear": BILINEAR, "nearest": NEAREST, "bicubic": BICUBIC}
PADDING_MODES = {"zeros": ZEROS, "border": BORDER, "reflection": REFLECTION}
NONE, WHOLE, BOXES = 0, 1, 2  # what gets a halo: nothing, each image, parts of a large one
BEFORE, HALO = 2, 4  # rows and columns of a halo before the image, and in all
MOST = 2**31  # pixels, a halo's with them, that kernels can number in 32 bits


class KernelRules(NamedTuple):
    """How to sample: interpolation, what lies outside an image, and the corner rule."""

    mode: int
    padding: int
    align_corners: bool
