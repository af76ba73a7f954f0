"""How a training went."""

from collections.abc import Sequence
from typing import Any

from ..errors import InvalidTypeError
from .axes import Display

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay(Display):
    """Loss of each epoch, and the validation scores, if there were any.

    Parameters
    ----------
    losses : sequence of float
        One an epoch.
    validation_scores : sequence of float or None, default None
        One an epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import LossCurveDisplay, SpatialTransformer
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)  # doctest: +SKIP
    """

    def __init__(
        self, losses: Sequence[float], validation_scores: Sequence[float] | None = None
    ) -> None:
        self.losses = losses
        self.validation_scores = validation_scores

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> "LossCurveDisplay":
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            With a `loss_curve_`.
        ax : matplotlib Axes or None, default None
            Where to draw; None is a new figure.

        Returns
        -------
        LossCurveDisplay
            Drawn.

        Raises
        ------
        InvalidTypeError
            If it knows no losses.
        """
        losses = getattr(estimator, "loss_curve_", None)
        if losses is None:
            raise InvalidTypeError(
                f"{type(estimator).__name__} has no loss_curve_; wanted a fitted estimator."
            )
        return cls(losses, getattr(estimator, "validation_scores_", None)).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        epochs = range(1, len(self.losses) + 1)
        lines = ax.plot(epochs, self.losses, color="C1", label="training loss")
        ax.set(xlabel="epoch", ylabel="training loss")
        if self.validation_scores is not None:
            other = ax.twinx()
            scores = self.validation_scores
            lines += other.plot(epochs, scores, color="C0", label="validation score")
            other.set(ylabel="validation score")
            ax.legend(handles=lines, loc="center right")  # between falling losses and rising scores
