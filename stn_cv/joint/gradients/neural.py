"""`MLPClassifier`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import Array
from .scores import expit, softmaxed
from .types import Differentiated

# Each activation, and its slope told from its output.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Any]]] = {
    "identity": (lambda Z: Z, lambda A: 1),
    "logistic": (expit, lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "relu": (lambda Z: np.maximum(Z, 0), lambda A: A > 0),
}


def mlp(estimator: Any, X: Array) -> Differentiated:
    """Probabilities of the network."""
    activation, slope = ACTIVATIONS[estimator.activation]
    *layers, (W_out, b_out) = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    hidden = [X]
    for W, b in layers:
        hidden.append(activation(hidden[-1] @ W + b))
    Y, scores_backward = softmaxed(hidden[-1] @ W_out + b_out)

    def backward(dY: Array) -> Array:
        dA = scores_backward(dY) @ W_out.T
        for (W, _), A in zip(layers[::-1], hidden[:0:-1], strict=True):
            dA = (dA * slope(A)) @ W.T
        return dA

    return Y, backward
