"""Optimizers: steps on one vector of parameters. The estimators choose one by `solver`."""

from typing import Protocol

import numpy as np

from ..arrays import Array
from ..kernels import loaded

MOMENTUM = 0.9
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Optimizer(Protocol):
    """What `SOLVERS` has classes of: a new one is a class with these, derived from nothing.

    Parameters
    ----------
    vector : ndarray of shape (parameters,)
        What will be moved; only its shape and dtype matter here.
    rates : ndarray of shape (parameters,)
        By these the learning rate of each parameter is multiplied. The trainer that goes on
        with an optimizer sets them anew.
    """

    rates: Array

    def __init__(self, vector: Array, rates: Array) -> None: ...

    def step(self, vector: Array, gradient: Array, learning_rate: float) -> None:
        """Move `vector` in place, against the gradient."""
        ...


class SGD:
    """Stochastic gradient descent with Nesterov momentum."""

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
    """Adam (Kingma and Ba 2015), with bias correction."""

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


SOLVERS: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD}
