"""The axes that a display draws on, and the door to matplotlib."""

import math
from typing import Any

from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError, MissingLibraryError
from ..geometry import as_array
from ..model.rectifier import Rectifier

__all__ = ["axes_of", "images_of", "picture_on", "rectifier_of"]


def axes_of(ax: Any) -> Any:
    """The axes that came, or new ones.

    Raises
    ------
    MissingLibraryError
        If matplotlib cannot be imported.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingLibraryError(
            "displays need matplotlib; install it with: pip install 'stn_cv[plot]'"
        ) from error
    return pyplot.subplots()[1]


def picture_on(ax: Any, picture: Array) -> None:
    """Show an RGB picture without axes."""
    ax.imshow(picture, interpolation="none")
    ax.set_axis_off()


def rectifier_of(estimator: Any) -> Rectifier:
    """The `Rectifier` of a fitted transformer, or itself.

    Raises
    ------
    InvalidTypeError
        If it has none.
    """
    rectifier = getattr(estimator, "rectifier_", estimator)
    if not isinstance(rectifier, Rectifier):
        raise InvalidTypeError(
            f"{type(estimator).__name__} is no fitted transformer; wanted one that was fitted, or "
            "a Rectifier."
        )
    return rectifier


def images_of(rectifier: Rectifier, X: ArrayLike) -> Array:
    """X as images (n, h, w, c) of the fitted shape.

    Raises
    ------
    InvalidInputError
        If X holds other ones, or none.
    """
    values, spec = as_array("X", X), rectifier.image_spec
    shape = (spec.height, spec.width, spec.channels)
    if values.ndim < 2 or not len(values) or values[0].size != math.prod(shape):
        raise InvalidInputError(f"X has shape {values.shape}; wanted images of {spec}.")
    return values.reshape(len(values), *shape)
