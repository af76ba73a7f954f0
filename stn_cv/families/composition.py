"""Warps one after another: their matrices multiplied, with the backward."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Array

__all__ = ["ComposedMotion", "Motion"]

Backward = Callable[[Array], Array]
Motion = Callable[[Array], tuple[Array, Backward]]
STEEPEST = 1e15  # of a gradient, whose square a float32 still holds
LARGEST = 1e50  # of an entry: products of two, and coordinates, stay what they are


@dataclass(frozen=True)
class ComposedMotion:
    """Parameters (n, n_steps * p) to the product of each step's matrices, the first leftmost.

    Matrices map output to source, so the last step, which stands nearest the output, is done
    first (Lin and Lucey 2017, inverse compositional spatial transformer networks).

    Parameters
    ----------
    motion : callable
        Parameters (n, p) of one step to its matrices (n, 2, 3) or (n, 3, 3), and the backward.
    n_steps : int
        How many.
    """

    motion: Motion
    n_steps: int

    def __call__(self, parameters: Array) -> tuple[Array, Backward]:
        """The matrices of all steps together, and the backward to all parameters."""
        pairs = [self.motion(own) for own in np.split(parameters, self.n_steps, axis=1)]
        steps = [_square(matrices) for matrices, _ in pairs]
        totals = steps[:1]
        for step in steps[1:]:
            totals.append(_held(totals[-1] @ step))
        rows = pairs[0][0].shape[1]

        def backward(dtotal: Array) -> Array:
            dmatrices = np.zeros_like(totals[0])
            dmatrices[:, :rows] = dtotal
            dparameters = []
            for i in reversed(range(self.n_steps)):
                dstep = totals[i - 1].swapaxes(1, 2) @ dmatrices if i else dmatrices
                dparameters.append(pairs[i][1](dstep[:, :rows]))
                dmatrices = _held(dmatrices @ steps[i].swapaxes(1, 2))
            return np.clip(np.concatenate(dparameters[::-1], axis=1), -STEEPEST, STEEPEST)

        return totals[-1][:, :rows], backward


def _square(matrices: Array) -> Array:
    """(n, 3, 3) of (n, 2, 3) or (n, 3, 3)."""
    square = np.zeros((len(matrices), 3, 3))
    square[:, 2, 2] = 1
    square[:, : matrices.shape[1]] = _held(matrices)
    return square


def _held(matrices: Array) -> Array:
    """Entries small enough for products of two to be finite."""
    return np.clip(matrices, -LARGEST, LARGEST)
