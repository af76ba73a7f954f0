"""What stands for "auto" in the parameters of the estimators.

Of a linear head those of the demo, of other layers near those of pipelines/clutter.py; on which
jobs they were tried stands in tests/benchmarks/README.md.
"""

import copy
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import InvalidInputError
from ..families import FAMILIES
from ..nn.architectures import HEADS
from ..nn.network import Network
from .network import BEGINNING_HEAD, is_layers, output_shape_of
from .training_data import TrainingData, split

__all__ = ["without_auto"]

FEWEST_HELD_OUT = 40  # samples: by fewer, epochs are compared by chance
USUALLY_HELD_OUT, MOST_HELD_OUT = 0.1, 0.25  # shares of the samples
FEWEST_EPOCHS, MOST_EPOCHS = 12, 200
SMALLEST_BATCH = 32
FEWEST_BATCHES = 8  # an epoch, as far as batches stay large enough
SHORT = 200  # steps, below which the learning rate falls
LINEAR_HEADS = ("linear", "coarse")
INPUTS = 256  # of a linear head, at which its learning rate was chosen


class Pace(NamedTuple):
    """How fast a kind of head is trained, and for how many steps."""

    learning_rate_init: float
    alpha: float
    batch_size: int
    steps: int


LINEAR = Pace(0.03, 0.2, 256, 600)
LAYERS = Pace(0.004, 0.1, 128, 1000)
WITH_CLASSIFIER = 1.5  # of the epochs: a third of them trains with a classifier


def without_auto(estimator: Any, data: TrainingData) -> tuple[Any, dict[str, Any]]:
    """A shallow copy of an estimator that says what each "auto" stands for, and what that is."""
    plain, chosen = copy.copy(estimator), {}
    for name, choose in CHOICES.items():
        value = getattr(plain, name)
        if isinstance(value, str) and value == "auto":
            chosen[name] = choose(plain, data)
            setattr(plain, name, chosen[name])
    return plain, chosen


def _head(estimator: Any, data: TrainingData) -> str:
    return str(estimator._usual_head)


def _n_steps(estimator: Any, data: TrainingData) -> int:
    """Two looks, where two transforms are one of the same kind."""
    try:
        FAMILIES[estimator.family].composed(2)
    except InvalidInputError:
        return 1
    return 2


def _validation_fraction(estimator: Any, data: TrainingData) -> float:
    """More than the usual share of few samples, for as many as tell epochs apart."""
    enough = FEWEST_HELD_OUT / len(data.samples)
    return min(max(enough, USUALLY_HELD_OUT), MOST_HELD_OUT)


def _early_stopping(estimator: Any, data: TrainingData) -> bool:
    """Where enough samples can be held out."""
    if round(estimator.validation_fraction * len(data.samples)) < FEWEST_HELD_OUT:
        return False
    try:
        split(data, estimator.validation_fraction, 0)
    except InvalidInputError:
        return False
    return True


def _pace(estimator: Any) -> Pace:
    """That of the head; training for a classifier begins with a linear one."""
    return LINEAR if not is_layers(estimator.head) or estimator.head in LINEAR_HEADS else LAYERS


def _alpha(estimator: Any, data: TrainingData) -> float:
    return _pace(estimator).alpha


def _samples(estimator: Any, data: TrainingData) -> float:
    """How many samples there are to train on."""
    left = 1 - estimator.validation_fraction if estimator.early_stopping else 1
    return left * len(data.samples)


def _batch_size(estimator: Any, data: TrainingData) -> int:
    """Smaller where there would be few batches."""
    size = int(_samples(estimator, data) / FEWEST_BATCHES)
    return min(max(size, SMALLEST_BATCH), _pace(estimator).batch_size)


def _max_iter(estimator: Any, data: TrainingData) -> int:
    """As many epochs as have the wanted number of steps."""
    batches = math.ceil(_samples(estimator, data) / estimator.batch_size)
    epochs = _pace(estimator).steps / batches
    if not is_layers(estimator.head):
        epochs *= WITH_CLASSIFIER
    return min(max(round(epochs), FEWEST_EPOCHS), MOST_EPOCHS)


def _learning_rate(estimator: Any, data: TrainingData) -> float:
    """Slower in a short training, and where a linear head has many inputs.

    Each of Adam's steps moves all weights, and the first ones know little.
    """
    rate = _pace(estimator).learning_rate_init
    steps = estimator.max_iter * math.ceil(_samples(estimator, data) / estimator.batch_size)
    rate *= min(1.0, math.sqrt(steps / SHORT))
    if _pace(estimator) is LAYERS:
        return rate
    shape = data.spec.channels, *output_shape_of(estimator, data.spec)
    name = estimator.head if is_layers(estimator.head) else BEGINNING_HEAD
    inputs = math.prod(Network(HEADS[name](shape), shape).output_shape)
    return rate * min(1.0, math.sqrt(INPUTS / inputs))


CHOICES: dict[str, Callable[[Any, TrainingData], Any]] = {  # later ones ask for earlier ones
    "head": _head,
    "n_steps": _n_steps,
    "validation_fraction": _validation_fraction,
    "early_stopping": _early_stopping,
    "alpha": _alpha,
    "batch_size": _batch_size,
    "max_iter": _max_iter,
    "learning_rate_init": _learning_rate,
}
