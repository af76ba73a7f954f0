"""The axes that a display draws on, and the door to matplotlib."""

import math
from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError, MissingLibraryError
from ..geometry import as_array
from ..model.rectifier import Rectifier

__all__ = ["Display", "images_of", "rectifier_of"]


class Display(ABC):
    """Something drawn on axes of matplotlib, as scikit-learn's displays are.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        After `plot`.
    """

    ax_: Any
    figure_: Any

    def plot(self, *, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        Display
            Itself.

        Raises
        ------
        MissingLibraryError
            If matplotlib cannot be imported.
        """
        self.ax_ = _new_axes() if ax is None else ax
        self._draw(self.ax_)
        self.figure_ = self.ax_.figure
        return self

    @abstractmethod
    def _draw(self, ax: Any) -> None:
        """Put it onto axes."""


def _new_axes() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingLibraryError(
            "displays need matplotlib; install it with: pip install 'stn_cv[plot]'"
        ) from error
    return pyplot.subplots()[1]


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
            f"this {type(estimator).__name__} is no fitted transformer: it holds no Rectifier; "
            "wanted a fitted SpatialTransformer, SpatialTransformerClassifier or PoseTransformer, "
            "or a Rectifier."
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
