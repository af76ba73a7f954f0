"""One training loop: batches, slices, steps, and the best epoch kept.

Random numbers are keyed, never drawn from a shared stream: the order of the samples by
(seed, epoch), dropout by (seed, step, slice), augmentation by (seed, epoch, sample). With
the slices of `stn_cv.threads`, whose gradients are added in order, a training is
bit-identical for any number of threads.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..errors import InterruptedWarning, TrainingDiverged
from ..threads import pinned_blas, run_slices, slices_of
from .axes import activations_of
from .loss import cross_entropy
from .network import Network, flat_gradient
from .optimizer import SOLVERS
from .samples import (
    DROPOUT,
    ORDER,
    QUIET,
    Augment,
    Samples,
    evaluate,
    keyed,
    probe,
)
from .schedule import SCHEDULES

ROUNDING = 1e-6  # relative: a loss that only rounding tells from the untrained one is not worse


@dataclass(frozen=True)
class Settings:
    """How to train; names and meanings as in the estimators."""

    solver: str
    learning_rate_init: float
    learning_rate: str
    localization_learning_rate_ratio: float
    batch_size: int
    max_iter: int
    tol: float
    n_iter_no_change: int
    alpha: float
    max_norm: float
    seed: int
    n_jobs: int | None
    augment: Augment | None = None

    def as_in(self, samples: Samples, epoch: int) -> Samples:
        """The samples as they look in an epoch."""
        return samples.augmented(self.augment, self.seed, epoch, self.n_jobs)

    def probe_of(self, samples: Samples) -> Samples:
        """Training samples, the same all along, by which epochs are compared."""
        return probe(samples, self.augment, self.seed, self.n_jobs)

    def hopeless(self, epochs: int) -> str:
        """The message of a training that ended worse than it began."""
        return (
            f"none of {epochs} epochs had a lower loss than an untrained network; train for more "
            f"epochs, or use a smaller learning_rate_init than {self.learning_rate_init:g}."
        )

    def advice(self, what: str) -> str:
        """The message of a training that failed."""
        return (
            f"{what}; use a smaller learning_rate_init than {self.learning_rate_init:g}, or "
            "bring the images to a range such as [0, 1]."
        )


@dataclass
class History:
    """What happened in a training, an entry an epoch; best_epoch counts from 1, 0 is none."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped: bool = False  # by the listener
    interrupted: bool = False


@dataclass(frozen=True)
class Epoch:
    """What a listener is told after an epoch."""

    number: int
    of: int
    loss: float
    score: float | None
    network: Network


Listener = Callable[[Epoch], bool | None]


class Trainer:
    """A network with its optimizer: epochs can be run one at a time."""

    def __init__(self, network: Network, settings: Settings) -> None:
        self.network = network
        self.optimizer = SOLVERS[settings.solver](network.vector, self._rates(settings))
        self.gradients = np.empty((0, network.vector.size))  # a row a slice
        self.epochs = 0
        self.steps = 0
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """Train by these settings from now on; the optimizer goes on, unless it is another."""
        vector, solver = self.network.vector, SOLVERS[settings.solver]
        self.settings, rates = settings, self._rates(settings)
        self.decayed = self.network.decayed().astype(vector.dtype) * settings.alpha
        if not isinstance(self.optimizer, solver):
            self.optimizer = solver(vector, rates)
        self.optimizer.rates = rates

    def judges(self, samples: Samples, validation: Samples | None) -> Samples:
        """The samples by which the epochs of a training are compared."""
        return self.settings.probe_of(samples) if validation is None else validation

    def judged(self, samples: Samples) -> Array:
        """What each sample's loss counts in a training."""
        return samples.weights

    def evaluate(self, judges: Samples) -> tuple[float, float]:
        """(weighted mean loss, weighted accuracy) as it stands now."""
        return evaluate(self.network, judges, self.settings.n_jobs)

    def untrained_loss(self) -> float:
        """The loss of a network that tells no class from another; no training is worth more."""
        return math.log(math.prod(self.network.output_shape))

    def _rates(self, settings: Settings) -> Array:
        """Learning rate of each parameter, relative: lower in the localizations."""
        ratio = settings.localization_learning_rate_ratio
        rates = np.where(self.network.localizing(), ratio, 1.0)
        return rates.astype(self.network.vector.dtype)

    def epoch(self, samples: Samples) -> float:
        """Train on every sample once; the mean loss on the way."""
        settings = self.settings
        samples = settings.as_in(samples, self.epochs)
        order = keyed(settings.seed, ORDER, self.epochs).permutation(len(samples))
        batches = slices_of(len(samples), settings.batch_size)
        rate = SCHEDULES[settings.learning_rate]
        loss = 0.0
        for number, batch in enumerate(batches):
            progress = (self.epochs + number / len(batches)) / settings.max_iter
            batch_loss, gradient = self._gradient(samples, order[batch])
            loss += batch_loss
            self._step(gradient, settings.learning_rate_init * rate(min(progress, 1.0)))
        self.epochs += 1
        return loss / float(self.judged(samples).sum())

    @QUIET
    def _gradient(self, samples: Samples, index: Array) -> tuple[float, Array]:
        """Loss, summed, and gradient, of the weighted mean, over one batch."""
        settings, network = self.settings, self.network
        parts = network.slices(len(index))
        if len(self.gradients) < len(parts):
            self.gradients = np.empty((len(parts), network.vector.size), network.vector.dtype)

        weights = samples.weights[index]
        largest = weights.max()  # of a batch of small ones alone, float32 would hold none

        @QUIET  # for the thread it runs on
        def run(part: slice) -> tuple[float, Array]:
            batch = samples.take(index[part])
            into = self.gradients[parts.index(part)]
            rng = keyed(settings.seed, DROPOUT, self.steps, part.start)
            logits, backward = network.forward(activations_of(batch.images), True, rng)
            loss, dlogits = cross_entropy(logits, batch.y, batch.weights / largest)
            return loss, flat_gradient(backward(dlogits, False)[1], into)

        results = run_slices(run, parts, settings.n_jobs)
        loss = largest * sum(loss for loss, _ in results)
        gradient = sum_in_order([gradient for _, gradient in results])
        gradient /= gradient.dtype.type((weights / largest).sum())
        return loss, gradient

    @QUIET
    def _step(self, gradient: Array, learning_rate: float) -> None:
        """Clip, decay and move; refuse a gradient that is not finite."""
        norm = math.sqrt(float(np.dot(gradient, gradient)))
        if not math.isfinite(norm):
            raise TrainingDiverged(self.settings.advice(f"the gradient's norm became {norm}"))
        if norm > self.settings.max_norm:
            gradient *= self.settings.max_norm / norm
        vector = self.network.vector
        if self.settings.alpha:
            vector -= learning_rate * self.decayed * vector
        self.optimizer.step(vector, gradient, learning_rate)
        self.steps += 1


def sum_in_order(gradients: list[Array]) -> Array:
    """The sum of arrays, into the first of them: the same bits on any number of threads."""
    total = gradients[0]
    for other in gradients[1:]:
        total += other
    return total


Rank = tuple[float, float]


def train(
    trainer: Trainer,
    samples: Samples,
    validation: Samples | None = None,
    listener: Listener | None = None,
    start_may_stay: bool = False,
) -> History:
    """Run epochs and leave the best one's weights in the network.

    With validation samples the best is the highest accuracy there, then the lower loss,
    then the earlier; without, the lowest loss on the training samples, or, of more than
    512, on as many of them, drawn once. The start is among them if it `start_may_stay`: an
    untrained network gives one class to all, whose share says nothing. Ctrl-C ends the
    training with a warning and the best weights so far.

    Raises
    ------
    TrainingDiverged
        If a loss or gradient is not finite, or no epoch's loss was lower than the start's and
        an untrained network's. The network then holds its starting weights.
    """
    network, settings, history = trainer.network, trainer.settings, History()

    def rank(judges: Samples) -> Rank:
        loss, accuracy = trainer.evaluate(judges)
        if not math.isfinite(loss):
            raise TrainingDiverged(settings.advice(f"the loss became {loss}"))
        return (0.0 if validation is None else -accuracy), loss

    with pinned_blas():
        start = best = network.vector.copy()
        bound = lowest = math.inf
        try:
            judges = trainer.judges(samples, validation)
            first = rank(judges)
            bound = max(first[1], trainer.untrained_loss()) * (1 + ROUNDING)
            best_rank = first if start_may_stay else (math.inf, math.inf)
            while len(history.losses) < settings.max_iter:
                history.losses.append(trainer.epoch(samples))
                now = rank(judges)
                history.scores.append(-now[0])
                lowest = min(lowest, now[1])
                if now < best_rank:
                    best, best_rank = network.vector.copy(), now
                    history.best_epoch = len(history.losses)
                score = history.scores[-1] if validation is not None else None
                epoch = Epoch(
                    len(history.losses), settings.max_iter, history.losses[-1], score, network
                )
                history.stopped = listener is not None and bool(listener(epoch))
                if history.stopped or _stalled(history, settings, validation is not None):
                    break
        except KeyboardInterrupt:
            history.interrupted = True
            warnings.warn(
                "training interrupted: the best epoch so far is kept",
                InterruptedWarning,
                stacklevel=2,
            )
        except TrainingDiverged:
            best = start
            raise
        finally:
            network.vector[:] = best
    if not history.interrupted and lowest > bound:
        network.vector[:] = start
        raise TrainingDiverged(settings.hopeless(len(history.losses)))
    return history


def _stalled(history: History, settings: Settings, validated: bool) -> bool:
    """Whether the last `n_iter_no_change` epochs brought no gain above `tol`."""
    if settings.learning_rate == "one_cycle" and not validated:
        return False  # its losses are meant to rise on the way; it runs its course
    patience = settings.n_iter_no_change
    gains = history.scores if validated else [-loss for loss in history.losses]
    if len(gains) <= patience:
        return False
    return max(gains[-patience:]) < max(gains[:-patience]) + settings.tol
