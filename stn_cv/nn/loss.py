"""Losses of a head of layers: a function each, which an objective and its evaluation are given.

Those of a scikit-learn classifier as the head are in `stn_cv.joint.losses`.
"""

from collections.abc import Callable

import numpy as np

from ..arrays import Array

__all__ = ["Loss", "cross_entropy", "softmax"]

# Of outputs (classes, n) and class numbers (n,): the loss of each sample, (n,), and its slopes
# by the outputs, (classes, n).
Loss = Callable[[Array, Array], tuple[Array, Array]]


def softmax(logits: Array) -> Array:
    """Probabilities (classes, n) of logits (classes, n)."""
    shifted = logits - np.maximum.reduce(logits)
    np.exp(shifted, out=shifted)
    shifted /= np.add.reduce(shifted)
    return shifted


def cross_entropy(logits: Array, y: Array) -> tuple[Array, Array]:
    """-log p(y) under the softmax of logits, and its slopes: a `Loss`."""
    shifted = logits - logits.max(axis=0)
    log_sum = np.log(np.exp(shifted).sum(axis=0))
    at = (y, np.arange(len(y)))
    dlogits = softmax(logits)
    dlogits[at] -= 1
    return (log_sum - shifted[at]).astype(np.float64), dlogits
