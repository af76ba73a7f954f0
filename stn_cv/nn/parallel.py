"""Chains of layers side by side, over one input."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from .layer import Backward, Layer, Shape
from .network import Network, flat_gradient


@dataclass
class Parallel(Layer):
    """Several chains look at one input; their outputs follow one another along the channels.

    So several `SpatialTransform` may each look for something of its own (Jaderberg et al.
    2015, section 3.4). A chain of no layers hands its input on.

    Parameters
    ----------
    branches : list of list of Layer
        The chains; their outputs must have one height and width, or all be flat.

    Examples
    --------
    >>> from stn_cv.nn import Flatten, Parallel, SpatialTransform
    >>> looks = [[SpatialTransform([Flatten()], "attention", (14, 14))] for _ in range(2)]
    >>> len(Parallel(looks).branches)
    2
    """

    branches: list[list[Layer]]
    networks: list[Network] = field(init=False, repr=False, compare=False)

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        lists = isinstance(self.branches, (list, tuple)) and len(self.branches)
        if not lists or not all(isinstance(chain, (list, tuple)) for chain in self.branches):
            raise InvalidTypeError(
                f"Parallel has branches={self.branches!r}; wanted a list of lists of layers."
            )
        self.networks = [Network(chain, input_shape) for chain in self.branches]
        shapes = [network.output_shape for network in self.networks]
        if len({shape[1:] for shape in shapes}) > 1:
            raise InvalidInputError(
                f"the branches of Parallel give {shapes} of an input of shape {input_shape}; "
                "wanted one height and width, so that channels can follow one another."
            )
        channels = sum(shape[0] for shape in shapes)
        return (channels, *shapes[0][1:]), [(network.n_parameters,) for network in self.networks]

    def initial(self, rng: np.random.Generator) -> list[Array]:
        return [network.initial(rng) for network in self.networks]

    def bind(self, parameters: Iterable[Array]) -> None:
        super().bind(parameters)
        for network, vector in zip(self.networks, self.parameters, strict=True):
            network.bind(vector)

    def decay_mask(self) -> list[Array]:
        return [network.decay_mask() for network in self.networks]

    def localization_mask(self) -> list[Array]:
        return [network.localization_mask() for network in self.networks]

    def has_convolution(self) -> bool:
        return any(network.has_convolution() for network in self.networks)

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        pairs = [network.forward(X, training, rng) for network in self.networks]
        ends = np.cumsum([len(Y) for Y, _ in pairs])

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dX: Array | None = None
            gradients = []
            parts = np.split(dY, ends[:-1])
            for network, (_, own), part in zip(self.networks, pairs, parts, strict=True):
                own_dX, of_layers = own(part, want_dX)
                dX = own_dX if dX is None or own_dX is None else dX + own_dX
                gradients.append(flat_gradient(of_layers, np.empty_like(network.vector)))
            return dX, gradients

        return np.concatenate([Y for Y, _ in pairs]), backward
