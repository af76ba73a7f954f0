"""The searches of `JointAlignment`, by its parameters."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ..alignment.congealing import Alignment, Search
from ..alignment.template_search import Course, align
from ..arrays import Array
from ..errors import InterruptedWarning, warn_caller

__all__ = ["labels_of", "searched"]

FEWEST_OF_A_CLASS = 10  # pictures, in the mean
PICTURES_A_TEMPLATE, MOST_TEMPLATES = 50, 20
WITHIN_CLASSES, MOST_OF_ALL_CLASSES = 25, 100  # the same where classes are known


def searched(estimator: Any, small: Array, labels: Array) -> list[Alignment]:
    """What an estimator's searches find in small images (n, h, w), the best first.

    `labels` (n,) numbers their classes from 0; there may be one only.

    Ctrl-C ends them with a warning, once one is done.
    """
    count = estimator.n_templates
    if isinstance(count, str):
        count = _count(len(small), len(np.unique(labels)))
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    course = Course([])

    def listen(restart: int, number: int, correlation: float) -> None:
        if estimator.verbose:
            print(f"Search {restart}, round {number}, mean correlation = {correlation:.4f}")

    search = Search(float(estimator.angle), float(estimator.scale), int(estimator.symmetry))
    rounds, count = (estimator.max_iter, estimator.n_restarts), int(count)
    try:
        align(small, labels, search, count, *rounds, seed, estimator.n_jobs, course, listen)
    except KeyboardInterrupt:
        if not course.found:
            raise
        warn_caller(
            f"stopped by Ctrl-C; {len(course.found)} of {estimator.n_restarts} searches were done, "
            "and the best of them is kept.",
            InterruptedWarning,
        )
    return [alignment for _, alignment in course.found]


def _count(n_pictures: int, n_classes: int) -> int:
    """Templates of a class, by the number of pictures in all."""
    if n_classes == 1:
        return min(max(n_pictures // PICTURES_A_TEMPLATE, 1), MOST_TEMPLATES)
    count = min(n_pictures // WITHIN_CLASSES, MOST_OF_ALL_CLASSES) // n_classes
    return min(max(count, 1), MOST_TEMPLATES)


def labels_of(y: Any, n: int) -> Array:
    """Numbers of classes from 0; of one class where y does not tell any."""
    if y is None:
        return np.zeros(n, int)
    check_consistent_length(y, np.empty(n))
    if type_of_target(y) in ("binary", "multiclass"):
        classes, labels = np.unique(np.asarray(y), return_inverse=True)
        if n >= FEWEST_OF_A_CLASS * len(classes):
            return np.asarray(labels)
    return np.zeros(n, int)
