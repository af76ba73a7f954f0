"""The product of a matrix and a vector, each sum in one order: in BLAS it depends on the machine.

Of a single sample it is read once and used once, so that eight rows at a time, summed in
registers, wait for memory only.
"""

import numpy as np

from ..jit import kernel
from .conv_vectors import REGISTER, products_of_1, rows_of_1, scalars_of_1, single_rows_of_1

ROWS = 8  # that are summed together


@kernel
def product(x, weights, bias, y):
    """Write y (outputs,): bias plus weights (outputs, features) times x (features,)."""
    outputs, features = weights.shape
    flat, starts = weights.reshape(-1), np.arange(outputs) * features
    given, sums = x.reshape(1, 1, features), y.reshape(1, outputs)
    whole = features - features % (REGISTER // x.itemsize)
    for o in range(outputs):
        y[o] = bias[o]
    if outputs < ROWS:
        for o in range(outputs):
            products_of_1(given, 0, 0, 1, 0, whole, flat, 0, starts, o, 0, 0, sums)
            scalars_of_1(given, 0, 0, 1, whole, features, flat, 0, starts, o, 0, 0, sums)
        return
    for row in range(0, outputs, ROWS):
        o = min(row, outputs - ROWS)  # the last rows overlap those before, and skip them
        rows_of_1(given, 0, 0, 1, 0, whole, flat, 0, starts, o, 0, row - o, sums)
        single_rows_of_1(given, 0, 0, 1, whole, features, flat, 0, starts, o, 0, row - o, sums)
