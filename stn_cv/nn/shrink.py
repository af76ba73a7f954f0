"""Images made smaller by the means over areas, whatever the two sizes."""

from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .layer import Backward, Layer, Shape, check_ndim, check_positive

__all__ = ["Shrink", "area_weights"]


def area_weights(size: int, output_size: int) -> Array:
    """What each of `size` pixels in a row adds to each of `output_size` wider ones.

    Returns
    -------
    ndarray of shape (output_size, size), float64
        Rows add up to 1.
    """
    edges = np.arange(output_size + 1) * (size / output_size)
    starts = np.maximum(edges[:-1, None], np.arange(size))
    ends = np.minimum(edges[1:, None], np.arange(size) + 1)
    return np.maximum(ends - starts, 0) * (output_size / size)


@dataclass
class Shrink(Layer):
    """Each output pixel is the mean over its area of the input, shares of pixels included.

    Unlike `AveragePool` it takes any two sizes.

    Parameters
    ----------
    height, width : int
        Of the output, at most those of the input.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.nn import Shrink
    >>> from stn_cv.nn.network import Network
    >>> row = np.array([[[[0.0], [3.0], [6.0]]]])
    >>> Network([Shrink(1, 2)], (1, 1, 3), dtype=np.float64).forward(row)[0].ravel()
    array([1., 5.])
    """

    height: int
    width: int
    weights: tuple[Array, Array] = field(init=False, repr=False, compare=False)

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 3)
        check_positive(self, height=self.height, width=self.width)
        channels, height, width = input_shape
        if self.height > height or self.width > width:
            raise InvalidInputError(
                f"{self} got an input of {height} x {width} pixels; wanted no fewer than it gives."
            )
        self.weights = area_weights(height, self.height), area_weights(width, self.width)
        return (channels, self.height, self.width), []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        down, across = (weights.astype(X.dtype) for weights in self.weights)
        Y = _along_both(X, down, across)
        return Y, lambda dY, want_dX=True: (_along_both(dY, down.T, across.T), [])


def _along_both(X: Array, down: Array, across: Array) -> Array:
    """X (c, h, w, n) multiplied along its height and its width."""
    channels, height, width, n = X.shape
    X = down @ X.reshape(channels, height, width * n)
    return across @ X.reshape(channels, len(down), width, n)
