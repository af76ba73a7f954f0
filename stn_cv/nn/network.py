"""A chain of layers whose parameters are views of one vector."""

import copy
import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from ..threads import slices_for
from .activation import LeakyReLU, ReLU
from .inference import through
from .layer import Backward, Layer, Shape, no_backward
from .layout import images_of
from .pool import MaxPool

if TYPE_CHECKING:
    from .program import Program


class Network:
    """Layers one after another, built for one input shape.

    All parameters live in `vector`, so that an optimizer, a copy or a file sees one array.

    Parameters
    ----------
    layers : sequence of Layer
        Descriptions; each is copied, so one may stand in several places. A relu that stands
        before a max pool is moved behind it, where it gives the same and has less to do.
    input_shape : tuple
        (channels, height, width), or (features,).
    rng : numpy.random.Generator or None, default None
        Draws the initial parameters; without it the network has none until `bind`.
    dtype : dtype, default float32
        Of the initial parameters: float32 or float64.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: Shape,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ) -> None:
        for layer in layers:
            if not isinstance(layer, Layer):
                raise InvalidTypeError(
                    f"a network holds {layer!r}; wanted layers of stn_cv.nn such as Dense(32)."
                )
        self.layers = _pool_first([copy.deepcopy(layer) for layer in layers])
        self.input_shape = tuple(input_shape)
        self.shapes: list[list[Shape]] = []
        self.output_shapes: list[Shape] = []
        shape = self.input_shape
        for layer in self.layers:
            shape, own = layer.build(shape)
            self.shapes.append(own)
            self.output_shapes.append(shape)
        self.output_shape = shape
        if rng is not None:
            self.bind(np.empty(self.n_parameters, dtype))
            self.vector[:] = self.initial(rng)

    @property
    def n_parameters(self) -> int:
        """Length of `vector`."""
        return sum(math.prod(shape) for shapes in self.shapes for shape in shapes)

    def initial(self, rng: np.random.Generator) -> Array:
        """A vector to begin a training with, float64."""
        arrays = (array for layer in self.layers for array in layer.initial(rng))
        return np.concatenate([np.zeros(0), *(array.reshape(-1) for array in arrays)])

    def bind(self, vector: Array) -> None:
        """Make every parameter a view of `vector`."""
        if len(vector) != self.n_parameters:
            raise InvalidInputError(
                f"{len(vector)} parameters came; the network has {self.n_parameters}."
            )
        self.vector = vector
        at = 0
        for layer, shapes in zip(self.layers, self.shapes, strict=True):
            views = []
            for shape in shapes:
                size = math.prod(shape)
                views.append(vector[at : at + size].reshape(shape))
                at += size
            layer.bind(views)

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        """Output and its backward; without `training` no layer's buffers are kept."""
        if not training and X.shape == (*self.input_shape, 1) and self.program is not None:
            Y = self.program.run(images_of(X), self.vector)
            if Y is not None:
                return Y, no_backward
        if not training:
            return through(self.layers, X), no_backward
        backwards = []
        for layer in self.layers:
            Y, backward = layer.forward(X, training, rng)
            if Y.dtype != X.dtype:
                raise InvalidTypeError(f"{layer} made {Y.dtype} of {X.dtype}; it must keep it.")
            X = Y
            backwards.append(backward)

        def backward_all(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            gradients: list[Array] = []
            dX: Array | None = dY
            trained = (i for i, shapes in enumerate(self.shapes) if shapes)
            first = next(trained, 0)  # layers before it need no gradient of their own
            for i in reversed(range(0 if want_dX else first, len(backwards))):
                dX, own = backwards[i](dX, want_dX=want_dX or i > first)
                gradients = own + gradients
            return (dX if want_dX else None), gradients

        return X, backward_all

    @cached_property
    def program(self) -> "Program | None":
        """What gives the same of one image in one call; None where a layer cannot be part of it."""
        from .program import program_of

        return program_of(self.layers, self.input_shape)

    def decay_mask(self) -> Array:
        """Mask over `vector`: where weight decay acts."""
        return _joined(layer.decay_mask() for layer in self.layers)

    def localization_mask(self) -> Array:
        """Mask over `vector`: what is part of a localization, wherever its transform stands."""
        return _joined(layer.localization_mask() for layer in self.layers)

    def has_convolution(self) -> bool:
        """Whether it holds a convolution."""
        return any(layer.has_convolution() for layer in self.layers)

    def slices(self, n: int) -> list[slice]:
        """What threads share out of a batch of `n` samples, for any number of threads."""
        return slices_for(n, math.prod(self.input_shape), self.has_convolution())

    def copy(self) -> "Network":
        """The same layers over a vector of its own."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "program"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "vector" in state:
            self.bind(self.vector)


def _joined(masks: Iterable[list[Array]]) -> Array:
    return np.concatenate([np.zeros(0, bool), *(mask for own in masks for mask in own)])


def _pool_first(layers: list[Layer]) -> list[Layer]:
    """Move each relu, leaky or not, behind the max pools that follow it: they commute exactly."""
    for first in reversed(range(len(layers) - 1)):
        for i in range(first, len(layers) - 1):
            if not (
                isinstance(layers[i], (ReLU, LeakyReLU)) and isinstance(layers[i + 1], MaxPool)
            ):
                break
            layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return layers


def flat_gradient(gradients: Sequence[Array], out: Array) -> Array:
    """Gradients in the order of `Network.vector`, written to `out`."""
    if gradients:
        np.concatenate([gradient.reshape(-1) for gradient in gradients], out=out)
    return out
