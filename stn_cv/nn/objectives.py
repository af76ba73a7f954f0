"""What a network is trained for: the interface of objectives, and classification.

The loop of `stn_cv.nn.training` knows no labels and no loss. An objective has the samples and
says what they are worth; a new one is a class with the four methods of `Objective`, derived from
nothing. A new loss of a classification is a function in loss.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ..arrays import Array
from ..threads import run_slices
from .evaluation import OVERFLOW_IGNORED, evaluate
from .layout import activations_of
from .loss import Loss, cross_entropy
from .network import Network, flat_gradient
from .random_keys import DROPOUT, keyed
from .samples import Augment, Samples, probe_of
from .settings import Settings

__all__ = ["Batch", "Classification", "EpochSamples", "Evaluation", "Objective"]

T = TypeVar("T")


class Evaluation(NamedTuple):
    """What a network is worth.

    Of two epochs the better has the higher score, then the lower loss; there is no score
    (None) where nothing was kept back from the training.
    """

    loss: float
    score: float | None = None


class EpochSamples(Protocol):
    """The samples of one epoch; the training loop reads nothing of them but their weights."""

    @property
    def weights(self) -> Array:
        """Of each sample, (n,), none below 0."""
        ...


@dataclass(frozen=True)
class Batch:
    """The samples of one step, cut into slices that threads share out.

    Parameters
    ----------
    network : Network
        What is trained.
    index : ndarray of shape (n,)
        Which of the epoch's samples.
    weights : ndarray of shape (n,)
        Their weights, divided by the largest: float32 holds them however small they are.
    seed, step : int
        Keys of the step's random numbers.
    n_jobs : int or None
        Threads.
    buffer : ndarray of shape (slices or more, parameters)
        Where the gradients of the slices are written.
    """

    network: Network
    index: Array
    weights: Array
    seed: int
    step: int
    n_jobs: int | None
    buffer: Array

    @property
    def parts(self) -> list[slice]:
        """The slices of ``range(n)``, the same for any number of threads."""
        return self.network.slices(len(self.index))

    def rng(self, part: slice) -> np.random.Generator:
        """Random numbers of a slice for dropout."""
        return keyed(self.seed, DROPOUT, self.step, part.start)

    def map(self, function: Callable[[slice], T]) -> list[T]:
        """Results of `function` in the order of the slices."""
        return run_slices(OVERFLOW_IGNORED(function), self.parts, self.n_jobs)

    def summed(self, function: Callable[[slice], tuple[float, list[Array]]]) -> tuple[float, Array]:
        """The sum of what `function` gives for the slices: losses, and flat gradients.

        `function` gives a loss and the gradients of the network's parameters as its backward
        does. They are added in the order of the slices, so that the bits do not depend on
        threads.
        """
        parts = self.parts

        def run(part: slice) -> tuple[float, Array]:
            loss, gradients = function(part)
            return loss, flat_gradient(gradients, self.buffer[parts.index(part)])

        results = self.map(run)
        total = results[0][1]
        for _, gradient in results[1:]:
            total += gradient
        return sum(loss for loss, _ in results), total


class Objective(Protocol):
    """What a network is trained for.

    Random numbers are keyed by ``settings.seed``, a purpose, and an epoch, step or sample, so
    that results do not depend on ``settings.n_jobs``; see `stn_cv.nn.random_keys.keyed`.
    """

    def draw(self, settings: Settings, epoch: int) -> EpochSamples:
        """The samples of an epoch, counted from 0."""
        ...

    def gradient(self, batch: Batch, drawn: Any) -> tuple[float, Array]:
        """The batch's losses by `batch.weights`, summed, and the gradient of that sum, flat.

        `drawn` is what `draw` gave.
        """
        ...

    def evaluate(self, network: Network, settings: Settings) -> Evaluation:
        """What the network is worth; asked before the first epoch and after each."""
        ...

    def untrained_loss(self, network: Network) -> float:
        """The loss of a network that learned nothing: no training above it is worth anything.

        Infinite where none is known.
        """
        ...


class Classification:
    """The loss of a network's outputs, one a class, on labelled samples: an `Objective`.

    Epochs are compared by the accuracy on validation samples; without, by the loss on the
    training samples, or, of more than 512, on as many of them, drawn once.

    Parameters
    ----------
    samples : Samples
        To train on.
    validation : Samples or None, default None
        To compare epochs by.
    augment : callable or None, default None
        ``augment(images, rng) -> images``, applied anew in each epoch.
    loss : callable, default cross_entropy
        A `Loss` of `stn_cv.nn.loss`; epochs are compared by the same one.
    """

    def __init__(
        self,
        samples: Samples,
        validation: Samples | None = None,
        augment: Augment | None = None,
        loss: Loss = cross_entropy,
    ) -> None:
        self.samples = samples
        self.validation = validation
        self.augment = augment
        self.loss = loss
        self._probe: tuple[int, Samples] | None = None

    def draw(self, settings: Settings, epoch: int) -> Samples:
        """The samples as they look in an epoch."""
        return self.samples.augmented(self.augment, settings.seed, epoch, settings.n_jobs)

    def gradient(self, batch: Batch, drawn: Samples) -> tuple[float, Array]:
        """Loss and gradient of a batch, slice by slice."""

        def run(part: slice) -> tuple[float, list[Array]]:
            own = drawn.take(batch.index[part])
            outputs, backward = batch.network.forward(
                activations_of(own.images), True, batch.rng(part)
            )
            losses, slopes = self.loss(outputs, own.y)
            weights = batch.weights[part]
            gradients = backward(slopes * weights.astype(slopes.dtype), False)[1]
            return float(losses @ weights), gradients

        return batch.summed(run)

    def evaluate(self, network: Network, settings: Settings) -> Evaluation:
        """Loss and, of validation samples, accuracy; both weighted."""
        if self.validation is not None:
            return Evaluation(*evaluate(network, self.validation, settings.n_jobs, self.loss))
        loss, _ = evaluate(network, self.probe(settings), settings.n_jobs, self.loss)
        return Evaluation(loss)

    def probe(self, settings: Settings) -> Samples:
        """Training samples, the same all along, by which epochs are compared.

        Not asked by the training loop: the estimators look for a collapse on them.
        """
        if self._probe is None or self._probe[0] != settings.seed:
            drawn = probe_of(self.samples, self.augment, settings.seed, settings.n_jobs)
            self._probe = settings.seed, drawn
        return self._probe[1]

    def untrained_loss(self, network: Network) -> float:
        """The mean over the classes where all outputs are 0, which tell no class from another."""
        classes = math.prod(network.output_shape)
        losses, _ = self.loss(np.zeros((classes, classes)), np.arange(classes))
        return float(losses.mean())
