"""Zero mean and unit variance, by figures of the training images or of each image."""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array, read_only
from ..errors import InvalidInputError
from ..kernels import loaded
from .layer import Backward, Layer, Shape, check_ndim


@dataclass
class Standardize(Layer):
    """(X - mean) / scale, for each channel.

    Parameters
    ----------
    mean, scale : list of float
        One for each channel.

    Examples
    --------
    >>> from stn_cv.nn import Standardize
    >>> Standardize([0.1307], [0.3081])
    Standardize(mean=[0.1307], scale=[0.3081])
    """

    mean: list[float]
    scale: list[float]

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 3)
        channels = input_shape[0]
        for figures in (self.mean, self.scale):
            if np.shape(figures) != (channels,) or not np.isfinite(figures).all():
                raise InvalidInputError(f"{self}: wanted {channels} finite figures of each kind.")
        if np.min(self.scale) <= 0:
            raise InvalidInputError(f"{self}: wanted scales above 0.")
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        mean = np.array(self.mean, X.dtype)[:, None, None, None]
        gain = np.array(1 / np.array(self.scale), X.dtype)[:, None, None, None]
        return (X - mean) * gain, lambda dY, want_dX=True: (dY * gain, [])


@dataclass
class StandardizeEach(Layer):
    """Each image brought to mean 0 and deviation 1 by itself, over its pixels and channels.

    So brightness and contrast of a photo tell a network nothing.

    Parameters
    ----------
    epsilon : float, default 0.01
        Added to the variance as its square: an image that varies less is taken for flat.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.nn import StandardizeEach
    >>> X = np.random.default_rng(0).random((3, 8, 8, 5))
    >>> Y, _ = StandardizeEach().forward(X)
    >>> bool(np.abs(Y.mean(axis=(0, 1, 2))).max() < 1e-12)
    True
    """

    epsilon: float = 0.01

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 3)
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise InvalidInputError(f"{self}: wanted a finite epsilon above 0.")
        return input_shape, []

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        X, Y = np.ascontiguousarray(X), np.empty(X.shape, X.dtype)
        deviation = np.empty(X.shape[3], X.dtype)
        variance = X.dtype.type(self.epsilon**2)
        loaded("nn.standardize").standardize_each(read_only(X), variance, Y, deviation)

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            if not want_dX:
                return None, []
            along = np.einsum("chwn,chwn->n", dY, Y) / max(Y[..., 0].size, 1)
            return (dY - dY.mean(axis=(0, 1, 2)) - Y * along) / deviation, []

        return Y, backward
