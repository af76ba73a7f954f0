"""Max and average pooling over squares that do not overlap."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..errors import InvalidInputError
from ..kernels import loaded
from .layer import Backward, Layer, Shape, check_ndim, check_positive, no_backward


@dataclass
class MaxPool(Layer):
    """The largest value of each square; rows and columns left over at the end are dropped.

    Parameters
    ----------
    size : int, default 2
        Side of the square.

    Examples
    --------
    >>> from stn_cv.nn import MaxPool
    >>> MaxPool(2)
    MaxPool(size=2)
    """

    size: int = 2

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        return _pooled_shape(self, input_shape, self.size), []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        kernels = loaded("nn.pool")
        X = read_only(np.ascontiguousarray(X))
        Y = empty(_pooled(X.shape, self.size), X.dtype)
        if not training and self.size == 2:
            kernels.max_of_four(X, Y)
            return Y, no_backward
        winner = empty(Y.shape, np.uint8 if self.size < 16 else np.int64)
        kernels.max_forward(X, self.size, Y, winner)

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            if not want_dX:
                return None, []
            dX = _uncovered_zero(X.shape, self.size, dY.dtype)
            kernels.max_backward(read_only(np.ascontiguousarray(dY)), winner, self.size, dX)
            return dX, []

        return Y, backward


@dataclass
class AveragePool(Layer):
    """The mean of each square; rows and columns left over at the end are dropped.

    Parameters
    ----------
    size : int, default 2
        Side of the square.

    Examples
    --------
    >>> from stn_cv.nn import AveragePool
    >>> AveragePool(2)
    AveragePool(size=2)
    """

    size: int = 2

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        return _pooled_shape(self, input_shape, self.size), []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        shape, share = X.shape, X.dtype.type(1 / self.size**2)
        down, across = (side - side % self.size for side in shape[1:3])
        first, *others = (
            X[:, i : down : self.size, j : across : self.size]
            for i in range(self.size)
            for j in range(self.size)
        )
        Y = np.array(first, order="C")
        for values in others:
            Y += values
        Y *= share
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            if not want_dX:
                return None, []
            dX = _uncovered_zero(shape, self.size, dY.dtype)
            rows, columns, n = dY.shape[1:]
            squares = dX[:, :down, :across].reshape(-1, rows, self.size, columns, self.size, n)
            squares[:] = (dY * share)[:, :, None, :, None]
            return dX, []

        return Y, backward


def _uncovered_zero(shape: tuple[int, ...], size: int, dtype: Any) -> Array:
    """An array in which only what no square covers is set, to zero: the rest is for others."""
    dX = empty(shape, dtype)
    _, rows, columns, _ = _pooled(shape, size)
    dX[:, rows * size :] = dX[:, :, columns * size :] = 0
    return dX


def _pooled(shape: Shape, size: int) -> Shape:
    channels, height, width, *n = shape
    return (channels, height // size, width // size, *n)


def _pooled_shape(layer: Layer, input_shape: Shape, size: int) -> Shape:
    check_ndim(layer, input_shape, 3)
    check_positive(layer, size=size)
    shape = _pooled(input_shape, size)
    if 0 in shape:
        raise InvalidInputError(
            f"{layer} leaves nothing of an input of shape {input_shape}; use a smaller size."
        )
    return shape
