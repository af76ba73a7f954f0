"""The searches of `JointAlignment`, by its parameters."""

from typing import Any

from sklearn.utils import check_random_state

from ..alignment.joint import Alignment, Course, Search, align
from ..arrays import Array
from ..errors import InterruptedWarning, warn_caller

__all__ = ["searched"]

PICTURES_A_TEMPLATE = 50
MOST_TEMPLATES = 20


def searched(estimator: Any, small: Array) -> list[Alignment]:
    """What an estimator's searches find in small grey images (n, h, w), the best first.

    Ctrl-C ends them with a warning, once one is done.
    """
    count = estimator.n_templates
    if isinstance(count, str):
        count = min(max(len(small) // PICTURES_A_TEMPLATE, 1), MOST_TEMPLATES)
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    course = Course([])

    def listen(restart: int, number: int, correlation: float) -> None:
        if estimator.verbose:
            print(f"Search {restart}, round {number}, mean correlation = {correlation:.4f}")

    search = Search(float(estimator.angle), float(estimator.scale), int(estimator.symmetry))
    rounds, count = (estimator.max_iter, estimator.n_restarts), min(int(count), len(small))
    try:
        align(small, search, count, *rounds, seed, estimator.n_jobs, course, listen)
    except KeyboardInterrupt:
        if not course.found:
            raise
        warn_caller(
            f"stopped by Ctrl-C; {len(course.found)} of {estimator.n_restarts} searches were done, "
            "and the best of them is kept.",
            InterruptedWarning,
        )
    return [alignment for _, alignment in course.found]
