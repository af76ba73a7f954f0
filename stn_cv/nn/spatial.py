"""The spatial transformer as a layer: localization, family, sampler."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InvalidInputError
from ..families import FAMILIES
from ..sampling import PADDING_MODES
from .dense import Dense
from .layer import Array, Backward, Layer, check_ndim, check_positive
from .network import Network, flat_gradient


@dataclass
class SpatialTransform(Layer):
    """Look at the input, find a transform, and warp the input by it (Jaderberg et al. 2015).

    Parameters
    ----------
    localization : list of Layer
        What finds the transform. The last layer, one zero weight for each of the family's
        parameters, is appended, so that training starts at the identity.
    family : str, default "affine"
        A key of `stn_cv.families.FAMILIES`.
    output_shape : tuple or None, default None
        (height, width) of the output; None is the input's own.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside the input.
    fill_value : float, default 0.0
        What stands there under "zeros".
    antialias : bool, default False
        Whether an output pixel is the mean over its area where the transform shrinks; see
        `stn_cv.warp_affine`.

    Examples
    --------
    >>> from stn_cv.nn import Dense, Flatten, ReLU, SpatialTransform
    >>> SpatialTransform([Flatten(), Dense(32), ReLU()], family="similarity").family
    'similarity'
    """

    localization: list[Layer]
    family: str = "affine"
    output_shape: tuple[int, int] | None = None
    padding_mode: str = "zeros"
    fill_value: float = 0.0
    antialias: bool = False
    network: Network = field(init=False, repr=False, compare=False)

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[tuple[int, ...], list[Array]]:
        check_ndim(self, input_shape, 3)
        for value, known, name in (
            (self.family, FAMILIES, "family"),
            (self.padding_mode, PADDING_MODES, "padding_mode"),
        ):
            if not isinstance(value, str) or value not in known:
                raise InvalidInputError(f"{name} is {value!r}; wanted one of {', '.join(known)}.")
        self.shape = _pair(
            self, input_shape[1:] if self.output_shape is None else self.output_shape
        )
        if not np.isfinite(self.fill_value):
            raise InvalidInputError(f"fill_value is {self.fill_value!r}; wanted a finite number.")
        last = Dense(FAMILIES[self.family].n_parameters, "zeros")
        self.network = Network([*self.localization, last], input_shape, rng, np.float64)
        return (input_shape[0], *self.shape), [self.network.vector]

    def bind(self, parameters: Any) -> None:
        super().bind(parameters)
        self.network.bind(self.parameters[0])

    def decayed(self) -> list[Array]:
        return [self.network.decayed()]

    def localizing(self) -> list[Array]:
        return [np.full(self.network.vector.size, True)]

    @property
    def rules(self) -> tuple[str, float, bool]:
        """How a family is to warp: padding mode, fill value, antialias."""
        return self.padding_mode, self.fill_value, self.antialias

    def locate(self, X: Array) -> Array:
        """The family's parameters (n, n_parameters) for activations X."""
        return np.ascontiguousarray(self.network.forward(X)[0].T)

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        P, localization_backward = self.network.forward(X, training, rng)
        images = np.ascontiguousarray(X.transpose(3, 1, 2, 0))
        Y, warp_backward = FAMILIES[self.family].warp(images, P.T, self.shape, *self.rules)

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dimages, dP = warp_backward(dY.transpose(3, 1, 2, 0), want_dX)
            dX, gradients = localization_backward(dP.T, want_dX)
            dX = None if dimages is None else dX + dimages.transpose(3, 1, 2, 0)
            return dX, [flat_gradient(gradients, np.empty_like(self.network.vector))]

        return Y.transpose(3, 1, 2, 0), backward


def _pair(layer: Layer, output_shape: Any) -> tuple[int, int]:
    """Refuse what is not (height, width)."""
    if np.shape(output_shape) != (2,):
        raise InvalidInputError(f"output_shape is {output_shape!r}; wanted (height, width).")
    height, width = output_shape
    check_positive(layer, **{"output_shape[0]": height, "output_shape[1]": width})
    return int(height), int(width)
