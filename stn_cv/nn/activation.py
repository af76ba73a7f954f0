"""The rectifier nonlinearity."""

from dataclasses import dataclass

import numpy as np

from ..buffers import empty, out_like
from .layer import Array, Backward, Layer, no_backward

ZERO = np.zeros((), np.float32)  # an array, which NumPy looks at faster than at a number


@dataclass
class ReLU(Layer):
    """max(X, 0).

    Examples
    --------
    >>> from stn_cv.nn import ReLU
    >>> ReLU()
    ReLU()
    """

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], list[Array]]:
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        Y = np.maximum(X, ZERO, out=out_like(X))
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            from ..kernels import activation as kernels

            dX = empty(Y.shape, Y.dtype)
            kernels.relu_backward(dY.reshape(-1), Y.reshape(-1), dX.reshape(-1))
            return dX, []

        return Y, backward
