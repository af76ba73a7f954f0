"""Whether a fitted transformer is worth it, in figures and in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..geometry import share_outside, source_points

__all__ = ["KINDS", "Figure", "PoseReport", "Spread", "figure_of", "spread_of"]

# What a head is fitted behind, and how a sentence names it.
KINDS = {
    "transformer": "with the transformer",
    "alone": "without it",
    "fixed_crop": "behind a fixed crop",
    "moments": "behind image moments",
    "alignment": "behind joint alignment",
}
CORNERS = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
STILL = 0.02  # of the width: a frame that moves less shows the same picture
MOSTLY = 0.5
LEFT_OUT = 0.5  # of its grid: an image with more of it outside is lost
CERTAIN = 2.0  # standard errors


class Figure(NamedTuple):
    """A share and its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.1%} \N{PLUS-MINUS SIGN} {self.error:.1%}"


class Spread(NamedTuple):
    """How theta differs from image to image.

    Parameters
    ----------
    identical : float
        The share of images with the most frequent theta, equal to the bit; 0 if all differ.
    at_identity : float
        The share whose frame is that of the image, but for 2 % of its width.
    outside : float
        The share with over half of the grid outside the image.
    movement : float
        Median distance of a frame's corners from those of the mean theta, in image widths.
    scale : float
        Side of the mean theta's frame, in image sides.
    """

    identical: float
    at_identity: float
    outside: float
    movement: float
    scale: float


@dataclass(frozen=True)
class PoseReport:
    """What a head is worth behind a fitted transformer, and behind what costs nothing.

    Made by `fit` of the estimators (``pose_report_``) and by `cross_validate_pose`. The same
    head is fitted anew behind each, on the same samples, for as long.

    Parameters
    ----------
    accuracy : mapping of str to Figure
        Share of right answers and its standard error: "transformer"; "alone", on the images
        as they came; "fixed_crop", every image warped by the mean theta; "moments", by
        `theta_from_moments`; "alignment", by `JointAlignment` within classes, where `fit` tried
        that. Without what could not be fitted; empty where too few samples
        were there to compare by.
    gain : mapping of str to Figure
        Accuracy with the transformer less that of each other, and the standard error of the
        difference, from the answers to the same images.
    spread : Spread
        How theta differs from image to image.
    n_samples : int
        Images that accuracies are measured on.
    unseen : bool
        Whether the transformer was trained without them. If not, its figure flatters it.
    not_fitted : mapping of str to str
        What could not be compared, and why.
    turned_off : bool
        Whether images are left as they are since: all figures are those of before.
    right : mapping of str to ndarray of shape (n_samples,)
        Which answers were right: 1 or 0 for each image.

    Examples
    --------
    >>> from stn_cv import SpatialTransformer
    >>> from stn_cv.datasets import load_distorted_digits
    >>> X, _, y, _, _ = load_distorted_digits(n_copies=1)
    >>> given = {"start": "identity", "learning_rate_init": 0.003, "max_iter": 4}
    >>> report = SpatialTransformer(**given, random_state=0).fit(X, y).pose_report_
    >>> sorted(report.accuracy)
    ['alone', 'fixed_crop', 'moments', 'transformer']
    """

    accuracy: Mapping[str, Figure]
    gain: Mapping[str, Figure]
    spread: Spread
    n_samples: int = 0
    unseen: bool = False
    not_fitted: Mapping[str, str] = field(default_factory=dict)
    turned_off: bool = False
    right: Mapping[str, Array] = field(default_factory=dict, repr=False, compare=False)

    @property
    def moves(self) -> bool:
        """Whether images get transforms of their own."""
        return self.spread.movement >= STILL and self.spread.identical <= MOSTLY

    @property
    def pays(self) -> bool | None:
        """Whether the head does better with the transformer than without.

        None where it was not compared, or the difference is within two standard errors.
        """
        gain = self.gain.get("alone")
        if gain is None or 0 < gain.value <= CERTAIN * gain.error:
            return None
        return gain.value > 0

    @property
    def warnings(self) -> list[str]:
        """What speaks against the transformer, and what to try; of few samples nothing does."""
        if not self.accuracy:
            return []
        return [text for text in (self._still(), self._no_gain(), self._cheaper()) if text]

    def __str__(self) -> str:
        """Lines as ``stn-cv fit`` prints them."""
        return "\n".join([*self._figures(), *self._spread(), *self.warnings])

    def _figures(self) -> list[str]:
        if not self.accuracy:
            return ["too few photos were kept back to compare the head with and without it"]
        seen = "" if self.unseen else ", which the transformer was trained on"
        lines = [f"the head, fitted anew, on {self.n_samples} images{seen}:"]
        for kind, name in KINDS.items():
            if kind in self.accuracy:
                lines.append(f"  {name:22} {self.accuracy[kind]}")
            elif kind in self.not_fitted:
                lines.append(f"  {name:22} not fitted: {self.not_fitted[kind]}")
        return lines

    def _spread(self) -> list[str]:
        spread = self.spread
        return [
            f"frames lie {spread.movement:.1%} of the width from the mean frame (median); theta "
            f"is the identity for {spread.at_identity:.0%} of the images, the same to the bit for "
            f"{spread.identical:.0%}, looks away from {spread.outside:.0%}"
        ]

    def _still(self) -> str | None:
        if self.moves:
            return None
        return (
            f"The transformer hardly moves: frames lie {self.spread.movement:.1%} of the width "
            f"from the mean frame (median), and {self.spread.identical:.0%} of the images have the "
            "same theta. The labels did not teach it a pose. Try head='linear', a "
            "family without what need not be found, or PoseTransformer with some upright examples."
        )

    def _no_gain(self) -> str | None:
        if self.pays is not False:
            return None
        off = " It is turned off, and leaves images as they are." if self.turned_off else ""
        advice = "Leave it out, or try another family, another head, or PoseTransformer."
        return f"The transformer does not pay: {self._compared('alone')}.{off} {advice}"

    def _cheaper(self) -> str | None:
        """Of what costs nothing and does as well, where the transformer does better than none."""
        crop = f"a fixed crop of scale {self.spread.scale:.2f} does as well"
        words = {"fixed_crop": crop, "moments": "image moments (theta_from_moments) do as well"}
        for kind, text in words.items():
            if kind in self.gain and self.gain[kind].value <= 0 and self.pays is not False:
                return f"It need not be learned: {text}, {self._compared(kind)}."
        return None

    def _compared(self, kind: str) -> str:
        flattered = "" if self.unseen else " (images it was trained on)"
        return (
            f"the head has {self.accuracy['transformer']} {KINDS['transformer']} and "
            f"{self.accuracy[kind]} {KINDS[kind]}, on {self.n_samples} images{flattered}"
        )


def spread_of(theta: Array) -> Spread:
    """How theta (n, ...) of any family differs from image to image."""
    corners = source_points(theta, CORNERS)
    mean = source_points(theta.mean(axis=0), CORNERS)
    counts = np.unique(theta.reshape(len(theta), -1), axis=0, return_counts=True)[1]
    sides = np.linalg.norm(mean - np.roll(mean, 1, axis=0), axis=-1)
    return Spread(
        identical=float(counts.max() / len(theta)) if counts.max() > 1 else 0.0,
        at_identity=float((_distance(corners, CORNERS) < STILL).mean()),
        outside=float((share_outside(theta) > LEFT_OUT).mean()),
        movement=float(np.median(_distance(corners, mean))),
        scale=float(sides.mean() / 2),
    )


def _distance(corners: Array, others: Array) -> Array:
    """Mean distance of four corners (..., 4, 2) from others, in image widths."""
    return np.asarray(np.linalg.norm(corners - others, axis=-1).mean(axis=-1) / 2)


def figure_of(values: Array, weights: Array | None = None) -> Figure:
    """Weighted mean, and its standard error."""
    weights = np.ones(len(values)) if weights is None else weights
    shares = weights / weights.sum()
    mean = float(shares @ values)
    square = float(shares**2 @ (values - mean) ** 2)
    return Figure(mean, float(np.sqrt(square * len(values) / max(len(values) - 1, 1))))
