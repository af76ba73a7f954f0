"""Rectifiers over vectors of one size, each way in one pass.

NumPy's maximum of an array and a number takes four times as long; of the gradient it needs two
passes and a mask.
"""

from ..jit import kernel


@kernel
def relu(X, Y):
    """Write X where it is above zero or NaN, else 0."""
    zero = Y.dtype.type(0)
    for i in range(Y.size):
        Y[i] = zero if X[i] <= 0 else X[i]


@kernel
def relu_backward(dY, Y, dX):
    """Write dY where Y is above zero, else 0."""
    for i in range(Y.size):
        dX[i] = dY[i] if Y[i] > 0 else 0


@kernel
def leaky_relu(X, Y, slope):
    """Write X where it is above zero or NaN, else so much of it."""
    for i in range(Y.size):
        Y[i] = slope * X[i] if X[i] <= 0 else X[i]


@kernel
def leaky_relu_backward(dY, Y, dX, slope):
    """Write dY where Y is above zero, else so much of it."""
    for i in range(Y.size):
        dX[i] = dY[i] if Y[i] > 0 else slope * dY[i]
