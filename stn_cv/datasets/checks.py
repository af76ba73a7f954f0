"""Digits that came: of which shape, dtype and range they must be."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError
from .deformations import DIGIT

__all__ = ["as_dtype", "check_range", "checked"]


def checked(name: str, digits: ArrayLike) -> Array:
    """Digits (n, 28, 28) as an array that can be distorted, or an error that says why not."""
    digits = np.asarray(digits)
    if digits.ndim != 3 or digits.shape[1:] != (DIGIT, DIGIT):
        raise InvalidInputError(f"{name} have shape {digits.shape}; wanted (n, {DIGIT}, {DIGIT}).")
    if digits.dtype.name not in ("uint8", "float32", "float64"):
        raise InvalidInputError(f"{name} are {digits.dtype}; wanted uint8, float32 or float64.")
    check_range(name, digits)
    return digits


def check_range(name: str, digits: Array) -> None:
    """Refuse NaN, and floats of another range than clutter has, which is drawn in [0, 1]."""
    if digits.dtype.kind == "f" and digits.size and not 0 <= digits.min() <= digits.max() <= 1:
        raise InvalidInputError(
            f"{name} reach from {digits.min():g} to {digits.max():g}; wanted floats in [0, 1], "
            "or uint8."
        )


def as_dtype(values: Array, dtype: Any) -> Array:
    """Values in [0, 1] of a float, or of 0 to 255, in either."""
    if values.dtype.kind == np.dtype(dtype).kind:
        return values.astype(dtype, copy=False)
    return (values / 255).astype(dtype) if values.dtype.kind == "u" else np.rint(values * 255)
