"""The sampling functions called at, around and far beyond every edge of an image."""

import itertools

import numpy as np

from stn_cv import grid_sample, grid_sample_backward, warp_affine, warp_affine_backward

EDGES = np.array([0, 0.5, 1 - 1e-16, 1, 1 + 1e-15, 1.2, 2, 3, 7, 1e3, 1e9, 2**31, 1e20, 3e38])
EDGES = np.concatenate([EDGES, -EDGES, np.linspace(-1, 1, 2 * 5 * 4 + 1)])
FAR = np.stack(np.meshgrid(EDGES, EDGES), axis=-1)
SHAPES = [(4, 5, 1), (5, 4, 3), (1, 7, 1), (1, 1, 3), (40, 50, 1)]  # the last is not framed
RULES = [
    {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    for mode in ("bilinear", "nearest")
    for padding_mode in ("zeros", "border", "reflection")
    for align_corners in (False, True)
]
CALLS = len(SHAPES) * len(RULES) * 12  # forward, of a dtype


def call_at_edges(dtype, placed=lambda array: array):
    """How many images were sampled, from arrays that stand where `placed` puts a copy."""
    rng, calls = np.random.default_rng(0), 0
    for shape, rules in itertools.product(SHAPES, RULES):
        images = placed(rng.integers(0, 255, (2, *shape)).astype(dtype))
        large, differentiable = shape[0] > 9, images.dtype.kind == "f"
        grid = np.stack([FAR, FAR[::-1]])
        grid = placed(grid[:, :14, ::2] if large else grid)
        out = grid_sample(images, grid, **rules)
        calls += 1
        if differentiable:
            grid_sample_backward(placed(out), images, grid, **rules)
        thetas = [rng.normal(0, s, (2, 2, 3)) for s in (0.1, 1, 30, 1e5, 1e20, 1e38)]
        thetas += [np.stack([np.eye(2, 3)] * 2) + d for d in (0, 1e-16, -1e-16, 1, -1)]
        for theta in thetas:
            out = warp_affine(images, theta, (9, 70) if large else (3, 300), **rules)
            calls += 1
            if differentiable:
                warp_affine_backward(placed(out), images, theta, **rules)
    return calls
