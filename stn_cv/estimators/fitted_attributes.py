"""What an estimator learned, and that a failed fit leaves it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..joint.heads import HeadSpec, head_input
from ..joint.objective import transform_alone
from ..model.rectifier import Rectifier
from ..nn.network import Network
from .training_data import TrainingData

__all__ = ["Learned", "learned_by", "unchanged_on_failure"]


@dataclass(frozen=True)
class Learned:
    """The fitted attributes that go with a trained network; a head of layers has no `head`.

    A model of poses has no `classes` either.
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


def learned_by(
    estimator: Any, data: TrainingData, spec: HeadSpec | None, network: Network
) -> Learned:
    """What goes with a trained network; a classifier as the head (`spec`) is fitted for it."""
    if spec is None:
        rectifier = Rectifier(network, data.spec, data.classes, estimator.n_jobs)
        return Learned(rectifier, data.classes)
    rectifier = Rectifier(transform_alone(network), data.spec, None, estimator.n_jobs)
    images = data.augmented(estimator.augment, spec.seed, estimator.n_jobs)
    head = spec.fitted(head_input(spec.head, rectifier.rectify(images)), data.samples)
    return Learned(rectifier, head.classes_, head)


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
