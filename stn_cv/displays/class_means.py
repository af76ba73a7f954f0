"""The mean of each class, before and after: sharp where the transformer does its work."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError
from .axes import Display, images_of, rectifier_of

__all__ = ["ClassMeanDisplay"]

GAP = 0.08  # between before and after, in widths of an image


class ClassMeanDisplay(Display):
    """Means of all images of a class, above before and below after.

    Parameters
    ----------
    before, after : ndarray of shape (k, h, w, c)
        Means, from 0 to 1.
    classes : ndarray of shape (k,)
        Labels.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import ClassMeanDisplay, SpatialTransformer
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> display = ClassMeanDisplay.from_estimator(model, X, y)  # doctest: +SKIP
    """

    def __init__(self, before: Array, after: Array, classes: Array) -> None:
        self.before = before
        self.after = after
        self.classes = classes

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: ArrayLike, y: ArrayLike, *, ax: Any = None
    ) -> "ClassMeanDisplay":
        """Rectify images and draw the means of their classes.

        Parameters
        ----------
        estimator : fitted transformer or Rectifier
            What rectifies.
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.
        y : array_like of shape (n,)
            Labels.
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        ClassMeanDisplay
            Drawn.

        Raises
        ------
        InvalidInputError
            If there is not one label an image.
        """
        rectifier = rectifier_of(estimator)
        images, labels = images_of(rectifier, X), np.asarray(y)
        if labels.shape != (len(images),):
            raise InvalidInputError(
                f"y has shape {labels.shape}; wanted a label for each of {len(images)} images."
            )
        classes = np.unique(labels)
        means = [
            np.stack([all_of_them[labels == name].mean(axis=0) for name in classes])
            for all_of_them in (images, rectifier.rectify(images))
        ]
        low, high = float(images.min()), float(images.max())
        if rectifier.image_spec.range != "float":
            low, high = 0.0, rectifier.image_spec.maximum
        before, after = ((mean - low) / max(high - low, 1e-9) for mean in means)
        return cls(before, after, classes).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        bottom, middles = 0.0, []
        for means in (self.after, self.before):  # from below, each a unit wide
            top = bottom + means.shape[1] / means.shape[2]
            for column, mean in enumerate(means):
                shown = np.clip(np.broadcast_to(mean, (*mean.shape[:2], 3)), 0, 1)
                ax.imshow(shown, extent=(column, column + 1, bottom, top), origin="upper")
            middles.append((bottom + top) / 2)
            bottom = top + GAP
        ax.set(xlim=(0, len(self.classes)), ylim=(0, bottom - GAP), aspect="equal")
        ax.vlines(range(1, len(self.classes)), 0, bottom, color=ax.get_facecolor(), linewidth=2)
        ax.set_xticks(np.arange(len(self.classes)) + 0.5, map(str, self.classes.tolist()))
        ax.set_yticks(middles, ["after", "before"])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
