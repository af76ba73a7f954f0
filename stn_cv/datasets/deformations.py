"""The square of a digit, stretched at its corners or bent; pixels from its middle."""

import numpy as np

from ..arrays import Array
from ..geometry import spline_at_pixels
from .random_draws import normal

DIGIT = 28  # side of a digit in pixels
CORNER_DEVIATION = 5.0  # pixels
CONTROL_SIDE = 4  # 4 x 4 points of the spline


def digit_pixels() -> Array:
    """(784, 2): x and y of the pixels from the middle, row by row."""
    steps = np.arange(DIGIT) - (DIGIT - 1) / 2
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)


def stretched(pixels: Array, draws: Array) -> Array:
    """Where pixels come from when each corner of the square is moved by itself."""
    half = DIGIT / 2
    corners = np.array([(-half, -half), (half, -half), (-half, half), (half, half)])
    x, y = (corners + CORNER_DEVIATION * normal(draws[:, 1:9]).reshape(-1, 4, 2)).transpose(2, 0, 1)
    one, zero, (u, v) = np.ones_like(x), np.zeros_like(x), corners.T
    # Eight equations for the homography with h33 = 1 that takes (x, y) to (u, v).
    rows_u = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], axis=-1)
    rows_v = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], axis=-1)
    equations = np.concatenate([rows_u, rows_v], axis=1)
    wanted = np.broadcast_to(np.concatenate([u, v])[:, None], (len(x), 8, 1))
    h = np.linalg.solve(equations, wanted)[..., 0]
    homography = np.concatenate([h, np.ones((len(h), 1))], axis=1).reshape(-1, 3, 3)
    moved = np.column_stack([pixels, np.ones(len(pixels))]) @ homography.transpose(0, 2, 1)
    depth = moved[..., 2:]
    behind = depth < 1e-3  # of a square folded over: nothing is there
    return np.where(behind, 10 * DIGIT, moved[..., :2] / np.where(behind, 1, depth))


def bent(pixels: Array, deviation: float, draws: Array) -> Array:
    """Where pixels come from when the points of a thin-plate spline are moved, by 32 draws."""
    moves = deviation * normal(draws).reshape(-1, CONTROL_SIDE**2, 2)
    return pixels + spline_at_pixels(CONTROL_SIDE, (DIGIT, DIGIT)) @ moves
