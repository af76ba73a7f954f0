"""The course of a training: begun at the identity, begun anew if it collapses, refined.

With a scikit-learn classifier as the head, the first part of the epochs trains the
localization with a linear head; in the rest it is refined for the classifier.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import CollapseWarning, InterruptedWarning, TrainingDiverged
from ..joint.folds import folds_of
from ..joint.heads import Recipe, check_head
from ..joint.training import JointTrainer, transform_alone
from ..nn.network import Network
from ..nn.samples import Samples, outside
from ..nn.training import Epoch, History, Listener, Settings, Trainer, train
from .fitting import TrainingData, build_network, network_to_continue, split
from .hog import HOG

T = TypeVar("T")

LEFT_OUT = 0.5  # of its grid: an image with more of it outside is lost
# With a classifier, this share of the epochs has a linear head. Held-out digits behind fewer of
# them score lower, and the rest does not make up for it: 95.8 % for a logistic regression after
# 19 + 9 epochs, 97.2 % after 28 + 14.
BEGINNING = 2 / 3
REFINING = 0.3  # learning rate of the rest, relative; 0.1 and 1 were worse, on four heads


def recipe_of(estimator: Any, data: TrainingData, seed: int) -> Recipe:
    """How the scikit-learn classifier given as the head is to be fitted.

    A turn moves gradients from one orientation's bin into the next, of which the exact
    gradient of `HOG` knows nothing: on held-out digits it made an SVM behind it worse, from
    96.7 to 94.6 %, where differences made it better, 97.2 %.
    """
    check_head(estimator.head)
    recipe = Recipe(estimator.head, data.classes, seed, data.spec.maximum, blind=(HOG,))
    recipe.warn_of_weights(data.samples.weights)
    return recipe


def train_network(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    recipe: Recipe | None,
    listener: Listener,
) -> tuple[Network, History]:
    """The trained network; of a transform alone where the head is a recipe's classifier."""
    samples, groups, validation = data.samples, data.groups, None
    if estimator.early_stopping:
        kept, left_out = split(estimator, samples, groups, settings.seed)
        validation = samples.take(left_out)
        samples, groups = samples.take(kept), None if groups is None else groups[kept]

    def build(seed: int) -> Network:
        return build_network(estimator, samples, data.spec, len(data.classes), seed)

    go_on = estimator.warm_start and hasattr(estimator, "rectifier_")

    def run(settings: Settings) -> tuple[Network, History]:
        return train_without_collapse(
            network, build, settings, samples, validation, listener, start_may_stay=go_on
        )

    if go_on:
        network = network_to_continue(estimator, data, "Set warm_start=False to start anew.")
    else:
        network = build(settings.seed)
    if recipe is None:
        return run(settings)
    folds = folds_of(samples, groups, estimator.n_folds, settings.seed)
    first, history = 0 if go_on else int(BEGINNING * settings.max_iter), History()
    if first:
        network, history = run(replace(settings, max_iter=first))
    network = transform_alone(network)
    rest = replace(
        settings,
        max_iter=settings.max_iter - first,
        learning_rate_init=REFINING * settings.learning_rate_init,
    )
    with stopping(history):
        trainer = JointTrainer(network, rest, samples, folds, recipe)
        refine(trainer, history, validation, listener)
    return network, history


def refine(
    trainer: JointTrainer, history: History, validation: Samples | None, listener: Listener
) -> None:
    """Train on for a classifier after the epochs in `history`, and add to it."""
    if history.stopped or history.interrupted:
        return
    before = len(history.losses)

    def listen(epoch: Epoch) -> bool | None:
        return listener(replace(epoch, number=before + epoch.number, of=before + epoch.of))

    later = train(trainer, trainer.samples, validation, listen, start_may_stay=True)
    history.interrupted = later.interrupted
    history.losses += later.losses
    history.scores += later.scores


@contextmanager
def stopping(history: History) -> Iterator[None]:
    """Let Ctrl-C between trainings end the last one, as it does while they run."""
    try:
        yield
    except KeyboardInterrupt:
        if history.interrupted:
            raise
        history.interrupted = True
        warnings.warn(
            "training interrupted: the best epoch so far is kept",
            InterruptedWarning,
            stacklevel=2,
        )


def insist(finish: Callable[[], T], history: History) -> T:
    """Finish a training, once more from its beginning where the first Ctrl-C comes only now."""
    try:
        return finish()
    except KeyboardInterrupt:
        if history.interrupted:
            raise
        warnings.warn(
            "training interrupted: the classifier is fitted once more, on the best epoch; "
            "interrupt again to give up everything",
            InterruptedWarning,
            stacklevel=2,
        )
        return finish()


def train_without_collapse(
    network: Network,
    rebuild: Callable[[int], Network],
    settings: Settings,
    samples: Samples,
    validation: Samples | None,
    listener: Listener,
    start_may_stay: bool = False,
) -> tuple[Network, History]:
    """Train the network; if it collapses, once more and gently what `rebuild` makes of a seed.

    A collapsed transformer has moved most of its grid off the images, where no gradient
    brings it back.
    """
    history = train(Trainer(network, settings), samples, validation, listener, start_may_stay)
    lost = _lost(history, network, samples, settings)
    if lost and not history.stopped:
        gentle = replace(
            settings,
            seed=settings.seed + 1,
            localization_learning_rate_ratio=settings.localization_learning_rate_ratio / 10,
        )
        second = rebuild(gentle.seed)
        try:
            later = train(Trainer(second, gentle), samples, validation, listener)
            history.interrupted = later.interrupted
            if later.best_epoch:
                network, history = second, later
        except TrainingDiverged:
            pass  # what collapsed is still better than nothing
        lost = _lost(history, network, samples, gentle)
    if lost:
        warn_of_collapse(stacklevel=9)
    return network, history


def _lost(history: History, network: Network, samples: Samples, settings: Settings) -> bool:
    """Whether a training that was not interrupted has collapsed."""
    lost = False
    with stopping(history):
        lost = not history.interrupted and collapsed(network, samples, settings)
    return lost and not history.interrupted


def warn_of_collapse(stacklevel: int) -> None:
    """Say that a transformer looks away, to whoever called fit or partial_fit."""
    warnings.warn(
        "the transformer looks away from most images: over half of its grid lies outside them. "
        "Try a smaller localization_learning_rate_ratio or learning_rate_init, a family with "
        "fewer parameters, or a larger alpha.",
        CollapseWarning,
        stacklevel=stacklevel,
    )


def collapsed(network: Network, samples: Samples, settings: Settings) -> bool:
    """Whether over half the images, by weight, have over half their grid outside."""
    judged = settings.probe_of(samples)
    lost = outside(network, judged.images, settings.n_jobs) > LEFT_OUT
    return bool(judged.weights @ lost > 0.5 * judged.weights.sum())
