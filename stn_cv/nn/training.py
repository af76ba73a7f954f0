"""One training loop: batches, slices, steps, and the best epoch kept.

Random numbers are keyed, never drawn from a shared stream: the order of the samples by
(seed, epoch), dropout by (seed, step, slice), augmentation by (seed, epoch, sample). With
the slices of `stn_cv.threads`, whose gradients are added in order, a training is
bit-identical for any number of threads.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..errors import InterruptedWarning, TrainingDiverged, warn_caller
from ..threads import pinned_blas, slices_of
from .evaluation import OVERFLOW_IGNORED
from .network import Network
from .objectives import Batch, EpochSamples, Evaluation, Objective
from .optimizer import SOLVERS, Optimizer
from .random_keys import ORDER, keyed
from .schedule import SCHEDULES
from .settings import Settings

ROUNDING = 1e-6  # relative: a loss that only rounding tells from the untrained one is not worse


@dataclass
class History:
    """What happened in a training, an entry an epoch; best_epoch counts from 1, 0 is none."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)  # none where the objective gives none
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


@dataclass
class Progress:
    """From where a training goes on, beside its network: the optimizer, and what keys count."""

    optimizer: Optimizer
    epochs: int = 0
    steps: int = 0


class Trainer:
    """A network, how to train it, and what for: epochs can be run one at a time.

    Parameters
    ----------
    network : Network
        It is trained in place.
    settings : Settings
        How.
    objective : Objective
        What for.
    progress : Progress or None, default None
        Of a trainer before, to go on from; the optimizer is kept unless it is another's.
    """

    def __init__(
        self,
        network: Network,
        settings: Settings,
        objective: Objective,
        progress: Progress | None = None,
    ) -> None:
        self.network, self.settings, self.objective = network, settings, objective
        vector, solver = network.vector, SOLVERS[settings.solver]
        in_localization = network.localization_mask()
        rates = np.where(in_localization, settings.localization_learning_rate_ratio, 1.0)
        rates = rates.astype(vector.dtype)
        self.progress = progress or Progress(solver(vector, rates))
        if not isinstance(self.progress.optimizer, solver):
            self.progress.optimizer = solver(vector, rates)
        self.progress.optimizer.rates = rates
        self.decay, self.anchor = self._decay(in_localization)
        self.buffer = np.empty((0, vector.size))  # a row a slice
        self.begun = time.monotonic()

    def _decay(self, in_localization: Array) -> tuple[Array, Array]:
        """Of each weight its decay, and what it decays to.

        Zero, or of a localization that was trained before the weights that it begins with (L2-SP,
        Li et al. 2018): towards zero it would forget.
        """
        network, settings = self.network, self.settings
        decay, anchor = network.decay_mask() * settings.alpha, np.zeros_like(network.vector)
        if settings.localization_pull:
            decay = np.where(in_localization, settings.localization_pull, decay)
            anchor[in_localization] = network.vector[in_localization]
        return decay.astype(anchor.dtype), anchor

    def share_of_time(self) -> float:
        """The share of `max_seconds` that is over."""
        return (time.monotonic() - self.begun) / self.settings.max_seconds

    def goes_on(self, epochs: int) -> bool:
        """Whether there is to be an epoch after so many: one at least, then if half of it fits."""
        if epochs == 0 or epochs >= self.settings.max_iter:
            return epochs == 0
        return self.share_of_time() * (1 + 0.5 / epochs) < 1

    def epoch(self) -> float:
        """Train on every sample once; the mean loss on the way."""
        settings, progress = self.settings, self.progress
        drawn = self.objective.draw(settings, progress.epochs)
        n = len(drawn.weights)
        order = keyed(settings.seed, ORDER, progress.epochs).permutation(n)
        batches = slices_of(n, settings.batch_size)
        rate = SCHEDULES[settings.learning_rate]
        loss = 0.0
        for number, batch in enumerate(batches):
            done = (progress.epochs + number / len(batches)) / settings.max_iter
            done = max(done, self.share_of_time())
            batch_loss, gradient = self.gradient(drawn, order[batch])
            loss += batch_loss
            self._step(gradient, settings.learning_rate_init * rate(min(done, 1.0)))
        progress.epochs += 1
        return loss / float(drawn.weights.sum())

    @OVERFLOW_IGNORED
    def gradient(self, drawn: EpochSamples, index: Array) -> tuple[float, Array]:
        """Loss, summed, and gradient, of the weighted mean, over some of an epoch's samples."""
        network, settings = self.network, self.settings
        slices = len(network.slices(len(index)))
        if len(self.buffer) < slices:
            self.buffer = np.empty((slices, network.vector.size), network.vector.dtype)
        weights = drawn.weights[index]
        largest = float(weights.max()) or 1.0
        relative = weights / largest
        batch = Batch(
            network,
            index,
            relative,
            settings.seed,
            self.progress.steps,
            settings.n_jobs,
            self.buffer,
        )
        loss, gradient = self.objective.gradient(batch, drawn)
        if weights.any():
            gradient /= gradient.dtype.type(relative.sum())
        return largest * loss, gradient

    @OVERFLOW_IGNORED
    def _step(self, gradient: Array, learning_rate: float) -> None:
        """Clip, decay and move; refuse a gradient that is not finite."""
        settings = self.settings
        norm = math.sqrt(float(np.dot(gradient, gradient)))
        if not math.isfinite(norm):
            what = f"the gradient's norm became {norm}"
            raise TrainingDiverged(settings.message_of_divergence(what))
        if norm > settings.max_norm:
            gradient *= settings.max_norm / norm
        vector = self.network.vector
        if settings.localization_pull:
            share = learning_rate * self.decay
            vector -= share / (1 + share) * (vector - self.anchor)  # however strong the pull
        elif settings.alpha:
            vector -= learning_rate * self.decay * vector
        self.progress.optimizer.step(vector, gradient, learning_rate)
        self.progress.steps += 1

    def evaluate(self) -> Evaluation:
        """What the network is worth; refuse a loss that is not finite."""
        evaluation = self.objective.evaluate(self.network, self.settings)
        if not math.isfinite(evaluation.loss):
            what = f"the loss became {evaluation.loss}"
            raise TrainingDiverged(self.settings.message_of_divergence(what))
        return evaluation


def train(
    trainer: Trainer, listener: Listener | None = None, start_may_stay: bool = False
) -> History:
    """Run epochs and leave the best one's weights in the network.

    The best has the highest score its objective gives, then the lowest loss, then is the
    earliest. The start is among them if it `start_may_stay`; an untrained network must not,
    for its accuracy is only the share of the one class that it gives to all. Ctrl-C ends the
    training with a warning and the best weights so far.

    Raises
    ------
    TrainingDiverged
        If a loss or gradient is not finite, or no epoch's loss was lower than the start's and
        an untrained network's, nor its score higher than the start's: of few samples held out
        the wrong answers may cost more than the right ones gain. The network then holds its
        starting weights.
    """
    network, settings, history = trainer.network, trainer.settings, History()
    with pinned_blas():
        start = best = network.vector.copy()
        bound = lowest = math.inf
        try:
            first = now = trainer.evaluate()
            bound = max(now.loss, trainer.objective.untrained_loss(network)) * (1 + ROUNDING)
            best_rank = _rank(now) if start_may_stay else (math.inf, math.inf)
            while trainer.goes_on(len(history.losses)):
                history.losses.append(trainer.epoch())
                now = trainer.evaluate()
                if now.score is not None:
                    history.scores.append(now.score)
                lowest = min(lowest, now.loss)
                if _rank(now) < best_rank:
                    best, best_rank = network.vector.copy(), _rank(now)
                    history.best_epoch = len(history.losses)
                epoch = Epoch(
                    len(history.losses), settings.max_iter, history.losses[-1], now.score, network
                )
                history.stopped = listener is not None and bool(listener(epoch))
                if history.stopped or _stalled(history, settings):
                    break
        except KeyboardInterrupt:
            history.interrupted = True
            warn_caller("training interrupted: the best epoch so far is kept", InterruptedWarning)
        except TrainingDiverged:
            best = start
            raise
        finally:
            network.vector[:] = best
    if history.interrupted or lowest <= bound:
        return history
    if max(history.scores, default=0.0) <= (first.score or 0.0):
        network.vector[:] = start
        raise TrainingDiverged(settings.message_of_no_gain(len(history.losses)))
    return history


def _rank(evaluation: Evaluation) -> tuple[float, float]:
    """The lower, the better."""
    return (0.0 if evaluation.score is None else -evaluation.score), evaluation.loss


def _stalled(history: History, settings: Settings) -> bool:
    """Whether the last `n_iter_no_change` epochs brought no gain above `tol`."""
    if settings.learning_rate == "one_cycle":
        return False  # part of it is worth nothing, and it is meant to get worse on the way
    patience = settings.n_iter_no_change
    gains = history.scores or [-loss for loss in history.losses]
    if len(gains) <= patience:
        return False
    return max(gains[-patience:]) < max(gains[:-patience]) + settings.tol
