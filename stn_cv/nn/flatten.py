"""From maps to features."""

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from .layer import Backward, Layer, Shape, check_ndim, no_backward


@dataclass
class Flatten(Layer):
    """(channels, height, width, n) to (channels * height * width, n).

    Examples
    --------
    >>> from stn_cv.nn import Flatten
    >>> Flatten()
    Flatten()
    """

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 3)
        return (math.prod(input_shape),), []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        Y = X.reshape(math.prod(X.shape[:-1]), X.shape[-1])
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            return dY.reshape(X.shape), []

        return Y, backward
