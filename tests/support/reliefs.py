"""Pictures of reliefs as coins show them: at any turn, with light from any side."""

import numpy as np

from stn_cv import warp_affine

SIDE = 40


def reliefs(n, seed, n_designs=3):
    """(pictures (n, 40, 40) uint8, number of each one's design, clockwise degrees of its turn)."""
    rng = np.random.default_rng(seed)
    heights = np.stack([_design(rng) for _ in range(n_designs)])
    y, turns = rng.integers(0, n_designs, n), rng.uniform(0, 360, n)
    cos, sin, none = np.cos(np.deg2rad(turns)), np.sin(np.deg2rad(turns)), np.zeros(n)
    theta = np.stack([cos, sin, none, -sin, cos, none], axis=1).reshape(n, 2, 3)
    down, across = np.gradient(warp_affine(heights[y], theta), axis=(1, 2))
    side = rng.uniform(0, 2 * np.pi, n)[:, None, None]
    slope = across * np.cos(side) + down * np.sin(side)
    tone = rng.uniform(0.3, 0.6, n)[:, None, None]
    pictures = tone * (1 + 2.5 * slope) + rng.normal(0, 0.01, slope.shape)
    return (255 * np.clip(pictures, 0, 1)).astype(np.uint8), y, turns


def _design(rng):
    """Heights (SIDE, SIDE): some blobs on a disc with a rim."""
    x = (2 * np.arange(SIDE) + 1) / SIDE - 1
    y = x[:, None]
    height = 1 / (1 + np.exp(40 * (np.hypot(x, y) - 0.9)))
    for _ in range(6):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.65)
        width, tall = rng.uniform(0.08, 0.2, 2)
        across = (x - radius * np.cos(angle)) / width
        down = (y - radius * np.sin(angle)) / tall
        height = height + np.exp(-(across**2) - down**2)
    return height.astype(np.float32)
