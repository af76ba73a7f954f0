"""Losses of a scikit-learn classifier as the head: of each sample, and the slope by its scores.

Those of a head of layers are in `stn_cv.nn.loss`.

Scores (n, k); y (n,) class numbers. The loss of probabilities is the log-loss; where a head
gives the probability 0 (forests, nearest neighbours), whose logarithm says nothing, the
Brier score. Decisions become probabilities by a softmax after a division by their deviation
and multiplication by a gain that makes them fit held-out samples.
"""

from collections.abc import Callable

import numpy as np

from ..arrays import Array
from ..nn.samples import Samples

__all__ = ["Loss", "brier", "log_loss", "loss_for", "softmax_loss"]

Loss = Callable[[Array, Array], tuple[Array, Array]]
GAINS = np.geomspace(1 / 8, 8, 25)


def log_loss(scores: Array, y: Array) -> tuple[Array, Array]:
    """-log p(y) of probabilities, which count as no less than the dtype's precision."""
    at = (np.arange(len(y)), y)
    likely = np.maximum(scores[at], np.finfo(scores.dtype).eps)
    slopes = np.zeros_like(scores)
    slopes[at] = -1 / likely
    return -np.log(likely), slopes


def brier(scores: Array, y: Array) -> tuple[Array, Array]:
    """The squared distance of probabilities to the truth."""
    off = scores.copy()
    off[np.arange(len(y)), y] -= 1
    return (off * off).sum(axis=1), 2 * off


def softmax_loss(gain: float) -> Loss:
    """The log-loss of the softmax of `gain` times decisions."""

    def loss(scores: Array, y: Array) -> tuple[Array, Array]:
        at = (np.arange(len(y)), y)
        shifted = gain * (scores - scores.max(axis=1, keepdims=True))
        likely = np.exp(shifted)
        total = likely.sum(axis=1, keepdims=True)
        slopes = likely / total
        slopes[at] -= 1
        return np.log(total[:, 0]) - shifted[at], gain * slopes

    return loss


def loss_for(method: str, scores: Array, samples: Samples) -> Loss:
    """The loss that fits held-out scores of samples, which `method` of a head gave."""
    if method == "predict_proba":
        return brier if (scores == 0).any() else log_loss
    off = scores - scores.mean(axis=1, keepdims=True)
    deviation = np.sqrt(np.mean(off * off, dtype=np.float64)) or 1.0
    losses = [softmax_loss(float(gain / deviation)) for gain in GAINS]
    means = [loss(scores, samples.y)[0].astype(np.float64) @ samples.weights for loss in losses]
    return losses[int(np.argmin(means))]
