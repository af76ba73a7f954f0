"""Training: begun at the identity, begun anew if it collapses, refined.

With a scikit-learn classifier as the head, the first part of the epochs trains the
localization with a linear head; in the rest it is refined for the classifier.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sklearn.utils import check_random_state

from ..errors import CollapseWarning, InterruptedWarning, TrainingDiverged, warn_caller
from ..joint.folds import folds_of
from ..joint.heads import HeadSpec, check_head
from ..joint.objective import CrossFittedHead, transform_alone
from ..nn.evaluation import shares_outside
from ..nn.network import Network
from ..nn.objectives import Classification
from ..nn.samples import Samples
from ..nn.settings import Settings
from ..nn.training import Epoch, History, Listener, Trainer, train
from ..pose.transform import PoseTransform
from .hog import HOG
from .network import build_network, is_layers, is_off, network_to_continue
from .training_data import TrainingData, split

__all__ = [
    "Fit",
    "collapsed",
    "finished_despite_interrupt",
    "fit_of",
    "knows_pose",
    "settings_of",
    "train_network",
    "warn_of_collapse",
]

T = TypeVar("T")

LEFT_OUT = 0.5  # of its grid: an image with more of it outside is lost
# With a classifier, this share of the epochs has a linear head. Held-out digits behind fewer of
# them score lower, and the rest does not make up for it: 95.8 % for a logistic regression after
# 19 + 9 epochs, 97.2 % after 28 + 14.
BEGINNING = 2 / 3
REFINING = 0.3  # learning rate of the rest, relative; 0.1 and 1 were worse, on four heads
# Of a localization that knows a pose: its learning rate, relative, and its decay towards what it
# was. A step at the full rate moves all weights so far that poses are off by several per cent.
GOING_ON, PULL = 0.05, 100.0


def settings_of(estimator: Any) -> Settings:
    """The training settings an estimator's parameters ask for, none of them "auto"."""
    knows = knows_pose(estimator)
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    return Settings(
        solver=estimator.solver,
        learning_rate_init=estimator.learning_rate_init,
        learning_rate=estimator.learning_rate,
        localization_learning_rate_ratio=(GOING_ON if knows else 1.0)
        * estimator.localization_learning_rate_ratio,
        batch_size=estimator.batch_size,
        max_iter=estimator.max_iter,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        alpha=estimator.alpha,
        max_norm=estimator.max_norm,
        seed=seed,
        n_jobs=estimator.n_jobs,
        max_seconds=math.inf if estimator.max_seconds is None else estimator.max_seconds,
        localization_pull=PULL if knows else 0.0,
    )


def knows_pose(estimator: Any) -> bool:
    """Whether the localization begins with a pose that was learned before labels were."""
    last = getattr(estimator, "rectifier_", None) if estimator.warm_start else None
    going_on = last is not None and isinstance(last.transform, PoseTransform)
    return going_on or not is_layers(estimator.localization)


class Fit(NamedTuple):
    """One fit: whose parameters ask for it (none "auto"), on what, how, for which classifier."""

    estimator: Any
    data: TrainingData
    settings: Settings
    spec: HeadSpec | None


def fit_of(estimator: Any, data: TrainingData) -> Fit:
    """What an estimator's parameters, none of them "auto", ask for."""
    settings = settings_of(estimator)
    if is_layers(estimator.head):
        return Fit(estimator, data, settings, None)
    data = data.of_present_classes()
    return Fit(estimator, data, settings, head_spec(estimator, data, settings.seed))


def head_spec(estimator: Any, data: TrainingData, seed: int) -> HeadSpec:
    """How the scikit-learn classifier given as the head is to be fitted.

    A turn moves gradients from one orientation's bin into the next, of which the exact
    gradient of `HOG` knows nothing: on held-out digits it made an SVM behind it worse, from
    96.7 to 94.6 %, where differences made it better, 97.2 %.
    """
    check_head(estimator.head)
    spec = HeadSpec(estimator.head, data.classes, seed, data.spec.maximum, inexact=(HOG,))
    spec.warn_of_weights(data.samples.weights)
    return spec


def train_network(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    spec: HeadSpec | None,
    listener: Listener,
) -> tuple[Network, History]:
    """The trained network; of a transform alone where the head is a classifier (`spec`)."""
    validation = None
    if estimator.early_stopping:
        data, left_out = split(data, estimator.validation_fraction, settings.seed)
        validation = left_out.samples
    rebuild = partial(build_network, estimator, data)
    going_on = estimator.warm_start and hasattr(estimator, "rectifier_") and not is_off(estimator)
    if going_on:
        network = network_to_continue(estimator, data, "Set warm_start=False to start anew.")
    else:
        network = rebuild(settings.seed)
    objective = Classification(data.samples, validation, estimator.augment)
    if spec is None:
        return train_without_collapse(network, rebuild, settings, objective, listener, going_on)
    folds = folds_of(data.samples, data.groups, estimator.n_folds, settings.seed)
    first, history = 0 if going_on else int(BEGINNING * settings.max_iter), History()
    if first:
        seconds = BEGINNING * settings.max_seconds
        beginning = replace(settings, max_iter=first, max_seconds=seconds)
        network, history = train_without_collapse(network, rebuild, beginning, objective, listener)
    network = transform_alone(network)
    rest = replace(
        settings,
        max_iter=settings.max_iter - first,
        max_seconds=settings.max_seconds * (1 - BEGINNING if first else 1),
        learning_rate_init=REFINING * settings.learning_rate_init,
    )
    refined = CrossFittedHead(spec, data.samples, folds, validation, estimator.augment)
    with ending_by_interrupt(history):
        refine(Trainer(network, rest, refined), history, listener)
    return network, history


def refine(trainer: Trainer, history: History, listener: Listener) -> None:
    """Train on after the epochs in `history`, and add to it."""
    if history.stopped or history.interrupted:
        return
    before = len(history.losses)

    def listen(epoch: Epoch) -> bool | None:
        return listener(replace(epoch, number=before + epoch.number, of=before + epoch.of))

    later = train(trainer, listen, start_may_stay=True)
    history.interrupted = later.interrupted
    history.losses += later.losses
    history.scores += later.scores


@contextmanager
def ending_by_interrupt(history: History) -> Iterator[None]:
    """Let Ctrl-C between trainings end the last one, as it does while they run."""
    try:
        yield
    except KeyboardInterrupt:
        if history.interrupted:
            raise
        history.interrupted = True
        warn_caller("training interrupted: the best epoch so far is kept", InterruptedWarning)


def finished_despite_interrupt(finish: Callable[[], T], history: History) -> T:
    """Finish a training, once more from its beginning where the first Ctrl-C comes only now."""
    try:
        return finish()
    except KeyboardInterrupt:
        if history.interrupted:
            raise
        warn_caller(
            "training interrupted: the classifier is fitted once more, on the best epoch; "
            "interrupt again to give up everything",
            InterruptedWarning,
        )
        return finish()


def train_without_collapse(
    network: Network,
    rebuild: Callable[[int], Network],
    settings: Settings,
    objective: Classification,
    listener: Listener,
    start_may_stay: bool = False,
) -> tuple[Network, History]:
    """Train the network; if it collapses, once more and gently what `rebuild` makes of a seed.

    A collapsed transformer has moved most of its grid off the images, where no gradient
    brings it back.
    """
    trainer = Trainer(network, settings, objective)
    history = train(trainer, listener, start_may_stay)
    lost = _lost(history, network, settings, objective)
    left = 1 - trainer.share_of_time()
    if lost and left > 0 and not history.stopped:
        gentle = replace(
            settings,
            seed=settings.seed + 1,
            max_seconds=settings.max_seconds * left,
            localization_learning_rate_ratio=settings.localization_learning_rate_ratio / 10,
        )
        second = rebuild(gentle.seed)
        try:
            later = train(Trainer(second, gentle, objective), listener)
            history.interrupted = later.interrupted
            if later.best_epoch:
                network, history = second, later
        except TrainingDiverged:
            pass  # what collapsed is still better than nothing
        lost = _lost(history, network, gentle, objective)
    if lost:
        warn_of_collapse()
    return network, history


def _lost(
    history: History, network: Network, settings: Settings, objective: Classification
) -> bool:
    """Whether a training that was not interrupted has collapsed."""
    lost = False
    with ending_by_interrupt(history):
        if not history.interrupted:
            lost = collapsed(network, objective.probe(settings), settings.n_jobs)
    return lost and not history.interrupted


def warn_of_collapse() -> None:
    """Say that a transformer looks away."""
    warn_caller(
        "the transformer looks away from most images: over half of its grid lies outside them. "
        "Try a smaller localization_learning_rate_ratio or learning_rate_init, a family with "
        "fewer parameters, or a larger alpha.",
        CollapseWarning,
    )


def collapsed(network: Network, samples: Samples, n_jobs: int | None) -> bool:
    """Whether over half the images, by weight, have over half their grid outside."""
    lost = shares_outside(network, samples.images, n_jobs) > LEFT_OUT
    return bool(samples.weights @ lost > 0.5 * samples.weights.sum())
