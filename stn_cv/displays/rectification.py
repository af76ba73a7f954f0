"""Images before and after, with the frame that was found."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..pictures import contact_sheet
from .axes import axes_of, images_of, picture_on, rectifier_of

__all__ = ["RectificationDisplay"]


class RectificationDisplay:
    """Images, the frame found in each, and what comes out.

    Parameters
    ----------
    images, rectified : ndarray of shape (n, h, w, c)
        Before and after.
    theta : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        Output to source, normalized.
    y : ndarray of shape (n,) or None, default None
        Labels, by which classes take turns.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        After `plot`.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import RectificationDisplay, SpatialTransformer
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> display = RectificationDisplay.from_estimator(model, X, y)  # doctest: +SKIP
    """

    def __init__(
        self, images: Array, theta: Array, rectified: Array, y: ArrayLike | None = None
    ) -> None:
        self.images = images
        self.theta = theta
        self.rectified = rectified
        self.y = None if y is None else np.asarray(y)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_images: int = 20,
        ax: Any = None,
    ) -> "RectificationDisplay":
        """Rectify images and draw them.

        Parameters
        ----------
        estimator : fitted transformer or Rectifier
            What rectifies.
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.
        y : array_like of shape (n,) or None, default None
            Labels.
        n_images : int, default 20
            How many to draw at most.
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        RectificationDisplay
            Drawn.
        """
        rectifier = rectifier_of(estimator)
        images = images_of(rectifier, X)
        theta = rectifier.theta(images)
        display = cls(images, theta, rectifier.rectify(images, theta=theta), y)
        return display.plot(n_images=n_images, ax=ax)

    def plot(self, *, n_images: int = 20, ax: Any = None) -> "RectificationDisplay":
        """Draw.

        Parameters
        ----------
        n_images : int, default 20
            How many to draw at most.
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        RectificationDisplay
            Itself.
        """
        sheet = contact_sheet(
            self.images, self.theta, self.rectified, self.y, classes=[], n_pairs=n_images
        )
        self.ax_ = axes_of(ax)
        picture_on(self.ax_, sheet)
        self.figure_ = self.ax_.figure
        return self
