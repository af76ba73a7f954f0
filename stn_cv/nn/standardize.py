"""Zero mean and unit variance, by figures learned from the training images."""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
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
