"""Silence for warnings of scikit-learn that matter in the last fit only.

Python's own way to silence warnings leaves filters behind where threads overlap, so all of
them share one.
"""

import warnings
from collections.abc import Callable

from sklearn.exceptions import ConvergenceWarning

from ..threads import ProcessWide

__all__ = ["without_fit_warnings"]


def _begin() -> Callable[[], None]:
    caught = warnings.catch_warnings()
    caught.__enter__()
    warnings.simplefilter("ignore", ConvergenceWarning)  # a solver would go on
    # In a split: of fewer members than there are parts.
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    return lambda: caught.__exit__(None, None, None)


_silent = ProcessWide(_begin)


def without_fit_warnings() -> ProcessWide:
    """Silence these warnings in the whole process until the last nested or parallel user leaves."""
    return _silent
