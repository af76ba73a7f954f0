"""Dropout (Srivastava et al. 2014), scaled in training so that inference is the identity."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .layer import Backward, Layer, Shape


@dataclass
class Dropout(Layer):
    """Set a share `rate` of the values to zero in training, and scale up the others.

    Parameters
    ----------
    rate : float, default 0.5
        Share set to zero, from 0 to below 1.

    Examples
    --------
    >>> from stn_cv.nn import Dropout
    >>> Dropout(0.25)
    Dropout(rate=0.25)
    """

    rate: float = 0.5

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        if not isinstance(self.rate, Real) or not 0 <= self.rate < 1:
            raise InvalidInputError(f"Dropout has rate={self.rate!r}; wanted 0 to below 1.")
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        if not training or rng is None:
            return X, lambda dY, want_dX=True: (dY, [])
        kept = rng.random(X.shape, np.float32) >= self.rate
        mask = kept * X.dtype.type(1 / (1 - self.rate))
        return X * mask, lambda dY, want_dX=True: (dY * mask, [])
