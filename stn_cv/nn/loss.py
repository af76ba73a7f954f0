"""Softmax cross-entropy."""

import numpy as np

from ..arrays import Array


def softmax(logits: Array) -> Array:
    """Probabilities (classes, n) of logits (classes, n)."""
    shifted = logits - np.maximum.reduce(logits)
    np.exp(shifted, out=shifted)
    shifted /= np.add.reduce(shifted)
    return shifted


def cross_entropy(logits: Array, y: Array, weights: Array) -> tuple[float, Array]:
    """Weighted sum over the samples of -log p(y), and its gradient by the logits.

    logits (classes, n); y (n,) class numbers; weights (n,). Divide by the sum of weights
    of the whole batch to have its mean.
    """
    shifted = logits - logits.max(axis=0)
    log_sum = np.log(np.exp(shifted).sum(axis=0))
    at = (y, np.arange(len(y)))
    dlogits = softmax(logits)
    dlogits[at] -= 1
    losses = (log_sum - shifted[at]).astype(np.float64)
    return float(losses @ weights), dlogits * weights.astype(logits.dtype)
