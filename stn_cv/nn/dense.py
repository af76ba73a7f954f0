"""The fully connected layer."""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..errors import InvalidInputError
from ..kernels import loaded
from .layer import Backward, Layer, Shape, check_ndim, check_positive, no_backward

INITIALIZATIONS = ("he", "glorot", "zeros")


@dataclass
class Dense(Layer):
    """Y = W X + b.

    Parameters
    ----------
    units : int
        Number of outputs.
    initialization : {"he", "glorot", "zeros"}, default "he"
        Uniform with the variance of He et al. 2015 (before a relu) or Glorot and Bengio
        2010 (before a softmax); zeros for the last layers of localizations and heads.

    Examples
    --------
    >>> from stn_cv.nn import Dense
    >>> Dense(10)
    Dense(units=10, initialization='he')
    """

    units: int
    initialization: str = "he"

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 1)
        check_positive(self, units=self.units)
        if self.initialization not in INITIALIZATIONS:
            raise InvalidInputError(
                f"Dense has initialization={self.initialization!r}; wanted one of "
                f"{', '.join(INITIALIZATIONS)}."
            )
        return (self.units,), [(self.units, input_shape[0]), (self.units,)]

    def initial(self, rng: np.random.Generator) -> list[Array]:
        W, b = self.parameters
        return [initial_weights(self.initialization, W.shape, rng), np.zeros(b.shape)]

    def decay_mask(self) -> list[Array]:
        """What starts at zero wants to stay near it, so there the bias is pulled as well."""
        W, b = self.parameters
        return [np.full(W.size, True), np.full(b.size, self.initialization == "zeros")]

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        W, b = self.parameters
        if X.shape[1] == 1:
            Y = np.empty((len(W), 1), X.dtype)
            x = np.ascontiguousarray(X[:, 0])
            loaded("nn.dense").product(*map(read_only, (x, W, b)), Y[:, 0])
        else:
            Y = W @ X
            Y += b[:, None]
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dW = np.matmul(dY, X.T, out=empty(W.shape, W.dtype))
            dX = None
            if want_dX:  # laid out as X is, which spares a transform before this layer a copy
                dX = (dY.T @ W).T if X.flags.f_contiguous else W.T @ dY
            return dX, [dW, dY.sum(axis=1)]

        return Y, backward


def initial_weights(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Weights (outputs, inputs...) by the name of their distribution."""
    fan_out, fan_in = shape[0], int(np.prod(shape[1:]))
    receptive = int(np.prod(shape[2:]))
    bounds = {"he": 6 / fan_in, "glorot": 6 / (fan_in + fan_out * receptive), "zeros": 0.0}
    bound = np.sqrt(bounds[name])
    return rng.uniform(-bound, bound, shape)
