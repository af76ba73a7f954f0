"""Templates brought to one another: each is found up to a turn of its own."""

import math

import numpy as np

from ..arrays import Array
from .poses import Poses
from .templates import seen

__all__ = ["circular_mean", "mean_pose_turns", "voted_turns", "wrapped"]

STEP = 3.0  # degrees between the turns in which two templates are compared
SPREAD_OF_PAIRS = math.radians(4)  # of the turn between two templates that are alike
ALIKE = 0.75  # correlation of such
SHARPNESS = 8  # power of a correlation by which a picture votes


def wrapped(angles: Array, symmetry: int) -> Array:
    """Radians brought to the nearest turn: modulo 2 pi / symmetry, around 0."""
    period = 2 * np.pi / symmetry
    return np.asarray((angles + period / 2) % period - period / 2)


def circular_mean(angles: Array, symmetry: int) -> float:
    """The mean of angles modulo 2 pi / symmetry, in radians."""
    return float(np.angle(np.exp(1j * symmetry * angles).mean()) / symmetry)


def voted_turns(fits: Array, angles: Array, counts: Array, symmetry: int) -> Array:
    """Radians (K,) by which each template's frame is to be turned clockwise, as it stands.

    Each picture was compared with each template, and votes, by how well it fits both, for the
    turn between any two: the turns that all agree with best are the phases of a leading singular
    vector (angular synchronization, Singer 2011). The largest template stays as it is.

    Parameters
    ----------
    fits, angles : ndarray of shape (n, K)
        Correlation of each picture with each template where it fits best, and its turn there.
    counts : ndarray of shape (K,)
        Pictures of each template.
    symmetry : int
        Turns count modulo 2 pi / symmetry.
    """
    votes = np.maximum(fits, 0) ** SHARPNESS * np.exp(1j * symmetry * angles)
    turns = -np.angle(np.linalg.svd(votes, full_matrices=False)[2][0]) / symmetry
    return wrapped(turns - turns[counts.argmax()], symmetry)


def mean_pose_turns(templates: Array, counts: Array, symmetry: int, angle: float) -> Array:
    """The same where only turns up to `angle` degrees are tried.

    A template already stands in its members' mean pose, as surely as they are many; only alike
    templates are turned, by what agrees with both best.
    """
    count = len(templates)
    correlation, turn = _compared(templates, symmetry)
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
