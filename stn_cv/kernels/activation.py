"""The rectifier's backward in one pass, where NumPy needs two and a mask."""

from .jit import kernel


@kernel
def relu_backward(dY, Y, dX):
    """Write dY where Y is above zero, else 0, over vectors of one size."""
    for i in range(Y.size):
        dX[i] = dY[i] if Y[i] > 0 else 0
