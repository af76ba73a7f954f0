"""Images before and after, with the frame that was found."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..pictures import contact_sheet
from .axes import Display, images_of, rectifier_of

__all__ = ["RectificationDisplay"]


class RectificationDisplay(Display):
    """Images, the frame found in each, and what comes out.

    Parameters
    ----------
    images, rectified : ndarray of shape (n, h, w, c)
        Before and after.
    theta : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        Output to source, normalized.
    y : ndarray of shape (n,) or None, default None
        Labels, by which classes take turns.
    n_images : int, default 20
        How many to draw at most.

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
        self,
        images: Array,
        theta: Array,
        rectified: Array,
        y: ArrayLike | None = None,
        n_images: int = 20,
    ) -> None:
        self.images = images
        self.theta = theta
        self.rectified = rectified
        self.y = None if y is None else np.asarray(y)
        self.n_images = n_images

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
        rectified = rectifier.rectify(images, theta=theta)
        return cls(images, theta, rectified, y, n_images).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        sheet = contact_sheet(
            self.images, self.theta, self.rectified, self.y, classes=[], n_pairs=self.n_images
        )
        ax.imshow(sheet)
        ax.set_axis_off()
