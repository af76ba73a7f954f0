"""Grids and sampling, and their gradients: PyTorch's functions, channels last.

Convention: theta and grid map output to source, (x, y), normalized to [-1, 1]; with
``align_corners=False`` -1 and 1 are the outer edges of the corner pixels, with True their
centres. Images are (height, width[, channels]) or (n, height, width[, channels]).
"""

from ..kernels.sampling.rules import MODES, PADDING_MODES
from .affine_warp import differentiable_warp
from .grid import affine_grid, affine_grid_backward, grid_sample, grid_sample_backward
from .rules import WarpRules
from .warp import warp_affine, warp_affine_backward

__all__ = [
    "MODES",
    "PADDING_MODES",
    "WarpRules",
    "affine_grid",
    "affine_grid_backward",
    "differentiable_warp",
    "grid_sample",
    "grid_sample_backward",
    "warp_affine",
    "warp_affine_backward",
]
