"""What a model gets right on labelled photos."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..model.rectifier import Rectifier
from .options import Options
from .predict import head_classes, predictions
from .search import Found

__all__ = ["Score", "score_photos"]


@dataclass(frozen=True)
class Score:
    """Labels of photos, what a model says of them and how sure it is, and what was unreadable."""

    labels: Array
    predicted: Array
    confidence: Array
    failures: list[tuple[str, str]]

    @property
    def right(self) -> Array:
        """Which photos were told right, (n,)."""
        return np.asarray(self.labels == self.predicted)

    @property
    def accuracy(self) -> float:
        """The share of photos told right."""
        return float(self.right.mean())

    @property
    def error(self) -> float:
        """The standard error of `accuracy`."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / max(len(self.labels) - 1, 1))


def score_photos(rectifier: Rectifier, pairs: Sequence[tuple[str, str]], options: Options) -> Score:
    """Classify labelled photos.

    Parameters
    ----------
    rectifier : Rectifier
        A model with a head.
    pairs : sequence of (path, label)
        As `labelled_photos` gives them.
    options : Options
        How photos are read.

    Raises
    ------
    InvalidInputError
        If the model has no head, or knows none of the labels.
    """
    names = [str(name) for name in head_classes(rectifier).tolist()]
    known = {label for _, label in pairs} & set(names)
    if not known:
        raise InvalidInputError(
            f"the photos are of {sorted({label for _, label in pairs})[:5]}, none of which the "
            f"model knows; its classes are {names[:5]}."
        )
    labels, predicted, confidence, failures = [], [], [], []
    found = predictions(rectifier, options, [Found(path, path) for path, _ in pairs])
    for (path, label), prediction in zip(pairs, found, strict=True):
        if prediction.probabilities is None:
            failures.append((path, str(prediction.error)))
            continue
        labels.append(label)
        predicted.append(str(prediction.label))
        confidence.append(prediction.confidence)
    return Score(np.array(labels), np.array(predicted), np.array(confidence), failures)
