"""Layers one after another, without training."""

from collections.abc import Sequence

from ..arrays import Array
from ..errors import InvalidTypeError
from .conv import Conv2D, pooled
from .layer import Layer
from .pool import MaxPool

__all__ = ["through"]


def through(layers: Sequence[Layer], X: Array) -> Array:
    """What the layers' own `forward` gives, to the bit; a pool of 2 is done with its convolution.

    Raises
    ------
    InvalidTypeError
        If a layer makes another dtype of what it is given.
    """
    at = 0
    while at < len(layers):
        Y = _with_pool(layers[at : at + 2], X)
        taken = layers[at : at + (1 if Y is None else 2)]
        if Y is None:
            Y, _ = layers[at].forward(X)
        if Y.dtype != X.dtype:
            raise InvalidTypeError(f"{taken[0]} made {Y.dtype} of {X.dtype}; it must keep it.")
        X, at = Y, at + len(taken)
    return X


def _with_pool(layers: Sequence[Layer], X: Array) -> Array | None:
    """Of a convolution and a pool, both; None where they are not, or gain nothing by it."""
    if [type(layer) for layer in layers] != [Conv2D, MaxPool]:
        return None
    conv, pool = layers
    assert isinstance(conv, Conv2D) and isinstance(pool, MaxPool)
    return pooled(conv, X) if pool.size == 2 else None
