"""By how much images were turned and sized."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..geometry.letterbox import pose_of
from .axes import Display, images_of, rectifier_of

__all__ = ["ThetaDisplay"]


class ThetaDisplay(Display):
    """A point for each image: the angle it was turned by, and its scale.

    Parameters
    ----------
    angle : ndarray of shape (n,)
        Degrees counter-clockwise by which the content was turned; NaN of a spline.
    scale : ndarray of shape (n,)
        Size in the output over that in the image; NaN of a spline.
    y : ndarray of shape (n,) or None, default None
        Labels, which are told apart by colours.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import SpatialTransformer, ThetaDisplay
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> display = ThetaDisplay.from_estimator(model, X, y)  # doctest: +SKIP
    """

    def __init__(self, angle: Array, scale: Array, y: ArrayLike | None = None) -> None:
        self.angle = angle
        self.scale = scale
        self.y = None if y is None else np.asarray(y)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: ArrayLike, y: ArrayLike | None = None, *, ax: Any = None
    ) -> "ThetaDisplay":
        """Find the transforms of images and draw them.

        Parameters
        ----------
        estimator : fitted transformer or Rectifier
            What finds them.
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.
        y : array_like of shape (n,) or None, default None
            Labels.
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        ThetaDisplay
            Drawn.
        """
        rectifier = rectifier_of(estimator)
        images = images_of(rectifier, X)
        shape, output = images.shape[1:3], rectifier.output_shape
        poses = [pose_of(theta, shape, output) for theta in rectifier.theta(images)]
        angle, scale = (
            np.array([pose[name] for pose in poses], np.float64) for name in ("angle", "scale")
        )
        return cls(angle, scale, y).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        names = [None] if self.y is None else np.unique(self.y).tolist()
        for name in names:
            of = slice(None) if name is None else self.y == name
            label = None if name is None else str(name)
            ax.scatter(self.angle[of], self.scale[of], s=12, alpha=0.7, label=label)
        ax.set(xlabel="turned by, degrees counter-clockwise", ylabel="scale")
        if self.y is not None:
            ax.legend()
