"""Steps on one vector of parameters."""

from typing import Any

import numpy as np

from ..arrays import Array
from ..kernels import loaded

MOMENTUM = 0.9
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class SGD:
    """Stochastic gradient descent with Nesterov momentum.

    `rates` scales the learning rate of each parameter.
    """

    def __init__(self, vector: Array, rates: Array) -> None:
        self.rates = rates
        self.velocity = np.zeros_like(vector)

    def step(self, vector: Array, gradient: Array, learning_rate: float) -> None:
        """Move `vector` in place."""
        step = gradient * self.rates
        step *= learning_rate
        self.velocity *= MOMENTUM
        self.velocity -= step
        vector += MOMENTUM * self.velocity
        vector -= step


class Adam:
    """Adam (Kingma and Ba 2015), with bias correction.

    `rates` scales the learning rate of each parameter.
    """

    def __init__(self, vector: Array, rates: Array) -> None:
        self.rates = rates
        self.steps = 0
        self.mean = np.zeros_like(vector)
        self.square = np.zeros_like(vector)

    def step(self, vector: Array, gradient: Array, learning_rate: float) -> None:
        """Move `vector` in place."""
        kernels = loaded("nn.adam")
        self.steps += 1
        rate = learning_rate / (1 - BETA_1**self.steps)
        scale = 1 / np.sqrt(1 - BETA_2**self.steps)
        constants = (BETA_1, BETA_2, EPSILON, rate, scale)
        kernels.adam(vector, gradient, self.mean, self.square, self.rates, *constants)


SOLVERS: dict[str, Any] = {"adam": Adam, "sgd": SGD}
