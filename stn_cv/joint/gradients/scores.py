"""From decision values D (n, 1) or (n, k) to scores (n, k), each with its backward.

D (n, 1) is the decision for the second of two classes.
"""

import numpy as np
from sklearn.utils.extmath import softmax

from ...arrays import Array
from .types import Differentiated


def expit(D: Array) -> Array:
    """The logistic function, with small values exact to the last digits."""
    return np.exp(-np.logaddexp(0, -D))


def margins(D: Array) -> Differentiated:
    """D itself; for two classes -D/2 and D/2, whose softmax is the logistic function of D."""
    if D.shape[1] > 1:
        return D, lambda dY: dY
    return np.hstack([-D / 2, D / 2]), lambda dY: (dY[:, 1:] - dY[:, :1]) / 2


def softmaxed(D: Array) -> Differentiated:
    """Probabilities by softmax, for two classes by the logistic function."""
    if D.shape[1] == 1:
        return logistic(D)
    P = softmax(D)
    return P, lambda dY: P * (dY - (P * dY).sum(axis=1, keepdims=True))


def logistic(D: Array) -> Differentiated:
    """One-versus-rest probabilities by the logistic function."""
    E = expit(D)
    return shared(E, E * (1 - E))


def clipped(D: Array) -> Differentiated:
    """One-versus-rest probabilities of the modified Huber loss."""
    return shared((np.clip(D, -1, 1) + 1) / 2, (np.abs(D) <= 1) / 2)


def shared(E: Array, slope: Array) -> Differentiated:
    """One-versus-rest values E, whose derivatives by D are `slope`, as shares of their sum.

    Where all of them are zero, the classes share evenly.
    """
    if E.shape[1] == 1:
        return np.hstack([1 - E, E]), lambda dY: (dY[:, 1:] - dY[:, :1]) * slope
    total = E.sum(axis=1, keepdims=True)
    empty = total == 0
    total[empty] = E.shape[1]
    P = (E + empty) / total

    def backward(dY: Array) -> Array:
        return (dY - (P * dY).sum(axis=1, keepdims=True)) / total * slope

    return P, backward
