"""Rectifier nonlinearities."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..errors import InvalidInputError
from ..kernels import loaded
from .layer import Backward, Layer, Shape, no_backward

FEW = 4096  # values, of which NumPy has the larger sooner than a kernel is called
# An array, which NumPy looks at faster than at a number; beside float64 it gives float64.
ZERO = np.zeros((), np.float32)


@dataclass
class ReLU(Layer):
    """max(X, 0).

    Examples
    --------
    >>> from stn_cv.nn import ReLU
    >>> ReLU()
    ReLU()
    """

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        if X.size < FEW:
            Y = np.maximum(X, ZERO)
        else:
            Y = empty(X.shape, X.dtype)
            loaded("nn.relu").relu(_flat(X), Y.reshape(-1))
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dX = empty(Y.shape, Y.dtype)
            loaded("nn.relu").relu_backward(_flat(dY), _flat(Y), dX.reshape(-1))
            return dX, []

        return Y, backward


@dataclass
class LeakyReLU(Layer):
    """X above 0, ``slope * X`` below: a unit that still learns on the side where a relu is dead.

    Parameters
    ----------
    slope : float, default 0.1
        Between 0 and 1.

    Examples
    --------
    >>> from stn_cv.nn import LeakyReLU
    >>> LeakyReLU()
    LeakyReLU(slope=0.1)
    """

    slope: float = 0.1

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        if not isinstance(self.slope, Real) or not 0 < self.slope < 1:
            raise InvalidInputError(
                f"LeakyReLU has slope={self.slope!r}; wanted a number between 0 and 1."
            )
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        slope = X.dtype.type(self.slope)
        if X.size < FEW:
            Y = np.maximum(X, slope * X)
        else:
            Y = empty(X.shape, X.dtype)
            loaded("nn.relu").leaky_relu(_flat(X), Y.reshape(-1), slope)
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dX = empty(Y.shape, Y.dtype)
            backward_into = loaded("nn.relu").leaky_relu_backward
            backward_into(_flat(dY), _flat(Y), dX.reshape(-1), slope)
            return dX, []

        return Y, backward


def _flat(array: Array) -> Array:
    """Contiguous, as kernels take it, whatever its layout."""
    return read_only(array.ravel())
