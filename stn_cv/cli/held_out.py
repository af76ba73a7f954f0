"""Canvases of examples that were held out of a training: what a pose model finds in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..estimators.pose_examples import read_pose_data
from ..estimators.pose_training import PoseFit
from ..folder.preview import Thumbnails, sheet_section
from ..model.rectifier import Rectifier
from ..pose.calibration import pose_errors
from ..pose.confidence import LARGEST_ERROR
from ..pose.objective import CANVAS, drawn_canvases

__all__ = ["Findings", "HeldOut"]

DRAWN, SHOWN = 512, 40  # canvases that are judged, and those in each part of the sheet
EPOCH = 2**32 - 5  # stands for the epoch in the key of their random numbers


class HeldOut:
    """A fit that is about to be done, checked, and what it is to be judged by.

    Parameters
    ----------
    model : PoseTransformer
        Not fitted yet; its random_state is an integer.
    images : ndarray of shape (n, h, w, c), uint8
        Examples.
    theta : ndarray or None
        Their poses; None of upright ones.

    Raises
    ------
    InvalidInputError
        If the model cannot be fitted on them.
    """

    def __init__(self, model: Any, images: Array, theta: Array | None) -> None:
        fit = PoseFit(model, read_pose_data(model, images, theta))
        self.n_epochs = fit.plan.n_epochs
        self.symmetry = int(model.symmetry)
        self.n_examples = fit.n_held_out
        key = (fit.settings.seed, CANVAS, EPOCH)
        self.canvases = drawn_canvases(fit.unseen.draw, DRAWN, key, model.n_jobs)

    def found(self, rectifier: Rectifier) -> "Findings":
        """What the fitted model finds in the canvases."""
        images = np.rint(np.clip(self.canvases.images, 0, 1) * 255).astype(np.uint8)
        theta, confidence = rectifier.find_pose(images)
        shape = rectifier.output_shape
        errors = pose_errors(theta, self.canvases.theta, shape, self.symmetry)
        rectified = rectifier.rectify(images, theta=theta)
        return Findings(images, theta, rectified, errors, confidence, self.n_examples)


@dataclass(frozen=True)
class Findings:
    """Canvases, theta, what they are rectified to, errors in widths, confidences."""

    images: Array
    theta: Array
    rectified: Array
    errors: Array
    confidence: Array
    n_examples: int

    def summary(self) -> str:
        """The errors in a line."""
        failed = (self.errors > LARGEST_ERROR).mean()
        of = f"{self.n_examples} held-out" if self.n_examples else "the trained"
        return (
            f"on {len(self.errors)} new canvases of {of} examples the corners are "
            f"off by {np.median(self.errors):.1%} of the width (median); {failed:.1%} by more "
            f"than {LARGEST_ERROR:.0%}"
        )

    def sheet(self) -> Array:
        """The first canvases and the worst, each with its error and the model's confidence."""
        worst = np.argsort(-self.errors, kind="stable")[:SHOWN]
        first = np.arange(min(SHOWN, len(self.errors)))
        parts = [(self.summary(), first), ("the largest errors among them", worst)]
        return np.concatenate([sheet_section(title, self._entries(some)) for title, some in parts])

    def _entries(self, some: Array) -> list[tuple[str, Thumbnails]]:
        return [(self._caption(i), self._pair(i)) for i in some.tolist()]

    def _pair(self, i: int) -> Thumbnails:
        return Thumbnails(_rgb(self.images[i]), _rgb(self.rectified[i]), self.theta[i])

    def _caption(self, i: int) -> str:
        sure = "" if np.isnan(self.confidence[i]) else f", {self.confidence[i]:.0%}"
        return f"{self.errors[i]:.1%}{sure}"


def _rgb(image: Array) -> Array:
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
