"""What an estimator learned, and that a failed fit leaves it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..model.rectifier import Rectifier

__all__ = ["Learned", "unchanged_on_failure"]


@dataclass(frozen=True)
class Learned:
    """The fitted attributes that go with a trained network.

    A head of layers has no `head`, and a model of poses no classes.
    """

    rectifier: Rectifier
    classes: Any = None
    head: Any = None

    def attributes(self) -> dict[str, Any]:
        """As an estimator has them."""
        found = {"classes_": self.classes, "head_": self.head}
        return {
            "rectifier_": self.rectifier,
            **{name: value for name, value in found.items() if value is not None},
        }


@contextmanager
def unchanged_on_failure(estimator: Any) -> Iterator[None]:
    """Give the estimator back all its attributes if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
