"""What a layer is.

Activations are arrays (channels, height, width, n), after `Flatten` (features, n): the
batch, or a slice of it, is the innermost axis. Measured before the second layer was
written: with it every loop of a convolution is long and contiguous whatever the kernel
size, and convolutions ran at 0.8 to 1.9 times oneDNN's speed forward, and gradients of the
weights at 0.5 to 3.7 times the rate of its forward and backward together. Arrays may have
any strides; a layer that needs contiguity makes it.

A layer is a description until `build` finds its shapes and `bind` gives it parameters, and
keeps nothing of a call on itself: `forward` hands back its own backward, so one network serves
many threads at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError

__all__ = ["Backward", "Layer", "Shape", "check_ndim"]

Backward = Callable[..., tuple[Array | None, list[Array]]]
Shape = tuple[int, ...]  # of one sample's activations, or of a parameter


@dataclass
class Layer(ABC):
    """Base of all layers; a subclass's dataclass fields are its description.

    A layer of your own gives `build` and `forward`, and `initial` if its parameters do not begin
    at zero. It is a dataclass, by whose fields it is told from others. Models that hold one work
    in every way but one: a file knows only the layers of this library.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from stn_cv.nn import Layer
    >>> @dataclass
    ... class Square(Layer):
    ...     def build(self, input_shape):
    ...         return input_shape, []
    ...     def forward(self, X, training=False, rng=None):
    ...         return X * X, lambda dY, want_dX=True: (2 * X * dY, [])
    >>> Y, backward = Square().forward(np.array([[3.0]]), training=True)
    >>> Y, backward(np.ones((1, 1)))[0]
    (array([[9.]]), array([[6.]]))
    """

    @abstractmethod
    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        """Check that the layer fits its input; the shapes of its output and parameters."""

    def initial(self, rng: np.random.Generator) -> list[Array]:
        """Values for the parameters, which are bound, to begin a training with; here zeros."""
        return [np.zeros(array.shape) for array in self.parameters]

    @abstractmethod
    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        """Output and ``backward(dY, want_dX=True) -> (dX or None, gradients)``.

        The backward is there for calls with `training`; without, it may refuse.
        """

    def bind(self, parameters: Iterable[Array]) -> None:
        """Take the arrays that hold the parameters from now on."""
        self.parameters = list(parameters)

    def decay_mask(self) -> list[Array]:
        """For each parameter, where weight decay pulls it to zero: weights, not biases."""
        return [np.full(array.size, array.ndim > 1) for array in self.parameters]

    def localization_mask(self) -> list[Array]:
        """For each parameter, where it finds a transform: those learn at a rate of their own."""
        return [np.full(array.size, False) for array in self.parameters]

    def has_convolution(self) -> bool:
        """Whether it holds a convolution: its activations fill the cache with fewer samples."""
        return False

    def description(self) -> dict[str, Any]:
        """The layer's class and fields, as JSON takes them."""
        names = [field.name for field in fields(self) if field.init]
        values = {name: _plain(getattr(self, name)) for name in names}
        return {"layer": type(self).__name__, **values}

    def __getstate__(self) -> dict[str, Any]:
        """Parameters belong to the network, which binds them anew."""
        return {name: value for name, value in vars(self).items() if name != "parameters"}


def _plain(value: Any) -> Any:
    """A field's value without NumPy's types, tuples and layers."""
    if isinstance(value, Layer):
        return value.description()
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def check_ndim(layer: Layer, input_shape: Shape, ndim: int) -> None:
    """Refuse an input that has not the number of axes a layer works on."""
    if len(input_shape) != ndim:
        advice = "put Flatten() before it" if ndim == 1 else "put it before Flatten()"
        raise InvalidInputError(
            f"{layer} got an input of shape {input_shape}; it works on "
            f"{'(features,)' if ndim == 1 else '(channels, height, width)'}: {advice}."
        )


def check_positive(layer: Layer, **values: Any) -> None:
    """Refuse a size that is not a positive integer."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InvalidInputError(
                f"{type(layer).__name__} has {name}={value!r}; wanted a positive integer."
            )


def no_backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
    """Of a forward that was not training."""
    raise RuntimeError("a forward without training keeps nothing for a backward.")
