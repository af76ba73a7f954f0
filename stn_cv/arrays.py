"""What an array is called in signatures, and what is white in one that holds images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["INTEGER_MAXIMA", "Array", "white_of"]

Array = NDArray[Any]

INTEGER_MAXIMA = {"uint8": 255.0, "uint16": 65535.0}  # white, in images of integers


def white_of(dtype: np.dtype[Any]) -> float:
    """The value of white in images of a dtype: integers' largest, 1 of floats."""
    return INTEGER_MAXIMA.get(dtype.name, 1.0)
