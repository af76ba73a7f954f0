"""What an estimator learned, and that a failed fit leaves it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..arrays import Array
from ..model.rectifier import Rectifier

__all__ = ["Learned", "unchanged_on_failure"]


@dataclass(frozen=True)
class Learned:
    """The fitted attributes that go with a trained network; a head of layers has no `head`."""

    rectifier: Rectifier
    classes: Array
    head: Any = None

    def attributes(self) -> dict[str, Any]:
        """As an estimator has them."""
        head = {} if self.head is None else {"head_": self.head}
        return {"rectifier_": self.rectifier, "classes_": self.classes, **head}


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
