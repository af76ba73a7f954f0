"""Random numbers that belong to a digit, whatever others are drawn with it."""

import numpy as np

from ..arrays import Array

DRAWS = 36  # numbers of a digit: a multiple of 4, the block of the counter-based stream


def key_of(*numbers: int) -> Array:
    """The key of a stream."""
    return np.random.SeedSequence(numbers).generate_state(2, np.uint64)


def uniform(key: Array, numbers: Array) -> Array:
    """Each digit's own `DRAWS` numbers in [0, 1)."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers.astype(np.int64)) != 1) + 1)
    draws = []
    for run in runs:
        stream = np.random.Philox(key=key).advance(int(run[0]) * (DRAWS // 4))
        draws.append(np.random.Generator(stream).random((len(run), DRAWS)))
    return np.concatenate(draws)


def between(bounds: tuple[float, float], draws: Array) -> Array:
    """Numbers in [0, 1) brought between bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * draws


def normal(draws: Array) -> Array:
    """Normal numbers of as many uniform ones (Box and Muller 1958)."""
    half = draws.shape[1] // 2
    radius = np.sqrt(-2 * np.log1p(-draws[:, :half]))
    angle = 2 * np.pi * draws[:, half:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def window(draws: Array, side: int, size: int) -> tuple[Array, Array]:
    """(rows, columns) of a window of `size` somewhere in a square of `side` pixels."""
    corner = (draws * (side - size + 1)).astype(np.int64)
    steps = np.arange(size)
    return corner[:, 0, None, None] + steps[:, None], corner[:, 1, None, None] + steps
