"""The spatial transformer as a layer: localization, family, sampler."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError, one_of
from ..families import FAMILIES, Family
from ..sampling import PADDING_MODES, WarpRules
from .dense import Dense
from .layer import Backward, Layer, Shape, check_ndim, check_positive
from .layout import activations_of, images_of
from .network import Network, flat_gradient

LARGEST_STEPS = 16


class Transform(Layer):
    """What `SpatialTransform` and its like share: a family's warp by parameters that looks give.

    A subclass has the fields named here, and says how it finds parameters.
    """

    family: str
    output_shape: tuple[int, int] | None
    padding_mode: str
    fill_value: float
    antialias: bool
    n_steps: int

    def check_sampling(self, input_shape: Shape) -> Shape:
        """Check the fields; the shape of what comes out."""
        check_ndim(self, input_shape, 3)
        for value, known, name in (
            (self.family, FAMILIES, "family"),
            (self.padding_mode, PADDING_MODES, "padding_mode"),
        ):
            if not isinstance(value, str) or value not in known:
                raise InvalidInputError(f"{name} is {value!r}; wanted {one_of(value, known)}.")
        self.shape = _pair(
            self, input_shape[1:] if self.output_shape is None else self.output_shape
        )
        number = isinstance(self.fill_value, Real) and not isinstance(self.fill_value, bool)
        if not number or not np.isfinite(self.fill_value):
            raise InvalidInputError(f"fill_value is {self.fill_value!r}; wanted a finite number.")
        if not isinstance(self.antialias, bool | np.bool_):
            raise InvalidInputError(f"antialias is {self.antialias!r}; wanted True or False.")
        check_positive(self, n_steps=self.n_steps)
        if self.n_steps > LARGEST_STEPS:
            raise InvalidInputError(f"n_steps is {self.n_steps}; wanted {LARGEST_STEPS} at most.")
        self.composed_family(self.n_steps)  # which may refuse it
        return (input_shape[0], *self.shape)

    @property
    def rules(self) -> WarpRules:
        """What the family's warps are told."""
        return WarpRules(self.padding_mode, self.fill_value, self.antialias)

    def composed_family(self, n_steps: int | None = None) -> Family:
        """The family of so many steps in one; by default of all that `localize` gives."""
        n_steps, family = n_steps or self.n_steps, FAMILIES[self.family]
        return family if n_steps == 1 else family.composed(n_steps)

    def warp_parameters(self, X: Array) -> Array:
        """Parameters (n, n_parameters) of `composed_family` for activations X."""
        return np.ascontiguousarray(self.localize(X)[0])

    @property
    @abstractmethod
    def localizations(self) -> list[list[Layer]]:
        """The layers of each network that looks, less the last that is appended."""

    @abstractmethod
    def localize(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Callable[..., Any]]:
        """As `warp_parameters`, with ``backward(dP, want_dX=True) -> (dX or None, gradients)``."""

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        P, localize_backward = self.localize(X, training, rng)
        Y, warp_backward = self.warp(X, P)

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dimages, dP = warp_backward(images_of(dY), want_dX)
            dX, gradients = localize_backward(dP, want_dX)
            return (None if dimages is None else dX + activations_of(dimages)), gradients

        return Y, backward

    def warp(self, X: Array, parameters: Array) -> tuple[Array, Callable[..., Any]]:
        """Activations X warped by `composed_family`'s parameters, with the warp's backward."""
        images = np.ascontiguousarray(images_of(X))
        Y, backward = self.composed_family().warp(images, parameters, self.shape, self.rules)
        return activations_of(Y), backward


@dataclass
class SpatialTransform(Transform):
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
    n_steps : int, default 1
        How often the localization looks: again at the image warped so far, at the input's
        size, to correct what is left (Lin and Lucey 2017). Every sample is taken from the
        input itself, by all transforms found in one. Not for splines.

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
    n_steps: int = 1
    network: Network = field(init=False, repr=False, compare=False)

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        shape = self.check_sampling(input_shape)
        if not isinstance(self.localization, (list, tuple)):
            raise InvalidTypeError(
                f"localization is {self.localization!r}; wanted a list of layers."
            )
        last = Dense(FAMILIES[self.family].n_parameters, "zeros")
        self.network = Network([*self.localization, last], input_shape)
        return shape, [(self.network.n_parameters,)]

    @property
    def localizations(self) -> list[list[Layer]]:
        return [self.localization]

    def initial(self, rng: np.random.Generator) -> list[Array]:
        return [self.network.initial(rng)]

    def bind(self, parameters: Any) -> None:
        super().bind(parameters)
        self.network.bind(self.parameters[0])

    def decay_mask(self) -> list[Array]:
        return [self.network.decay_mask()]

    def localization_mask(self) -> list[Array]:
        return [np.full(self.network.n_parameters, True)]

    def has_convolution(self) -> bool:
        return self.network.has_convolution()

    def localize(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Callable[..., Any]]:
        P, backward = self.network.forward(X, training, rng)
        P, count = P.T, len(P)
        looks: list[Callable[..., Any]] = [backward]
        warps: list[Callable[..., Any]] = []  # each gave what the next look saw
        for step in range(1, self.n_steps):
            family, shape = self.composed_family(step), (X.shape[1], X.shape[2])
            Z, warp_backward = family.warp(np.ascontiguousarray(images_of(X)), P, shape, self.rules)
            warps.append(warp_backward)
            own, backward = self.network.forward(activations_of(Z), training, rng)
            P = np.concatenate([P, own.T], axis=1)
            looks.append(backward)

        def backward_all(dP: Array, want_dX: bool = True) -> Any:
            shares: list[Array] = []
            later: list[Any] = []  # of the looks behind the first
            for step in reversed(range(1, self.n_steps)):
                dZ, gradients = looks[step](dP[:, step * count :].T, True)
                shares.append(flat_gradient(gradients, np.empty_like(self.network.vector)))
                dimages, dbefore = warps[step - 1](images_of(dZ), want_dX)
                dP = dP[:, : step * count] + dbefore
                later.append(dimages)
            dX, gradients = looks[0](dP.T, want_dX)
            total = flat_gradient(gradients, np.empty_like(self.network.vector))
            if want_dX and later:
                dX = dX + activations_of(sum(later))
            return dX, [sum(shares, start=total)]

        return P, backward_all


def _pair(layer: Layer, output_shape: Any) -> tuple[int, int]:
    """Refuse what is not (height, width)."""
    if np.shape(output_shape) != (2,):
        raise InvalidInputError(f"output_shape is {output_shape!r}; wanted (height, width).")
    height, width = output_shape
    check_positive(layer, **{"output_shape[0]": height, "output_shape[1]": width})
    return int(height), int(width)
