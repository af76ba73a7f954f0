"""What an array is called in signatures, views of one; white and transparency of images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["INTEGER_MAXIMA", "Array", "premultiplied", "read_only", "straight", "white_of"]

Array = NDArray[Any]

INTEGER_MAXIMA = {"uint8": 255.0, "uint16": 65535.0}  # white, in images of integers


def read_only(array: Array) -> Array:
    """A view that kernels cannot write to: what came in is safe, and compiled for only once."""
    view = array.view()
    view.setflags(write=False)
    return view


def white_of(dtype: np.dtype[Any]) -> float:
    """The value of white in images of a dtype: integers' largest, 1 of floats."""
    return INTEGER_MAXIMA.get(dtype.name, 1.0)


def premultiplied(pixels: Array) -> Array:
    """RGBA as float32 from 0 to 1, colours times alpha."""
    shares = pixels.astype(np.float32)
    shares /= np.float32(white_of(pixels.dtype))
    shares[..., :3] *= shares[..., 3:]
    return shares


def straight(shares: Array, dtype: np.dtype[Any]) -> Array:
    """RGBA of a dtype from float32 with colours times alpha; `shares` are changed."""
    alpha = shares[..., 3:]
    np.maximum(alpha, 0, out=alpha)  # cubics pass their neighbours' range
    np.divide(shares[..., :3], alpha, out=shares[..., :3], where=alpha > 0)
    if dtype.kind == "f":
        return shares
    np.clip(shares, 0, 1, out=shares)
    shares *= np.float32(white_of(dtype))
    return np.rint(shares, out=shares).astype(dtype)
