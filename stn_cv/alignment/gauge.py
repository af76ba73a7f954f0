"""Templates brought to one another: each is found up to a turn of its own."""

import math

import numpy as np

from ..arrays import Array
from .poses import Poses
from .templates import seen

__all__ = ["circular_mean", "common_turns", "wrapped"]

STEP = 3.0  # degrees between the turns in which two templates are compared
SPREAD_OF_PAIRS = math.radians(4)  # of the turn between two templates that are alike
ALIKE = 0.75  # correlation of such


def wrapped(angles: Array, symmetry: int) -> Array:
    """Radians brought to the nearest turn: modulo 2 pi / symmetry, around 0."""
    period = 2 * np.pi / symmetry
    return np.asarray((angles + period / 2) % period - period / 2)


def circular_mean(angles: Array, symmetry: int) -> float:
    """The mean of angles modulo 2 pi / symmetry, in radians."""
    return float(np.angle(np.exp(1j * symmetry * angles).mean()) / symmetry)


def common_turns(templates: Array, counts: Array, symmetry: int, angle: float) -> Array:
    """Radians (K,) by which each template's frame is to be turned clockwise, as it stands.

    Where only turns up to `angle` degrees are tried, a template already stands in its members'
    mean pose, as surely as they are many; there only alike templates are turned, by what agrees
    with both best. Otherwise each follows the one it is most alike, from the largest on.
    """
    count = len(templates)
    correlation, turn = _compared(templates, symmetry)
    if angle >= 180 / symmetry:
        return _along_tree(correlation, turn, int(counts.argmax()))
    alike = (correlation > ALIKE) & (np.abs(turn) < np.deg2rad(angle)) & ~np.eye(count, dtype=bool)
    pairs = np.where(alike, 1 / SPREAD_OF_PAIRS**2, 0)
    own = np.maximum(counts, 1) / (np.deg2rad(max(angle, 1)) ** 2 / 3)
    system = np.diag(own + pairs.sum(axis=1)) - pairs
    return np.linalg.solve(system, (pairs * turn).sum(axis=1))


def _compared(templates: Array, symmetry: int) -> tuple[Array, Array]:
    """Correlation [j, k] of j with k turned at best, and that turn: k's content, from j's."""
    steps = round(360 / symmetry / STEP)
    angles = wrapped(np.arange(steps) * np.deg2rad(STEP), symmetry)
    views = seen(templates, Poses(np.exp(1j * angles), np.zeros(steps, complex)))
    correlations = np.einsum("jp,kap->jka", seen(templates, Poses.identity(1))[:, 0], views)
    best = correlations.argmax(axis=2)
    largest = correlations.max(axis=2)
    return (largest + largest.T) / 2, -angles[best]


def _along_tree(correlation: Array, turn: Array, root: int) -> Array:
    """Turns along the tree of the most alike pairs (Prim 1957)."""
    count = len(correlation)
    turns, reached = np.zeros(count), np.zeros(count, bool)
    reached[root] = True
    while not reached.all():
        open_pairs = np.where(reached[:, None] & ~reached, correlation, -np.inf)
        near, far = np.unravel_index(open_pairs.argmax(), open_pairs.shape)
        turns[far] = turns[near] + turn[near, far]
        reached[far] = True
    return turns
