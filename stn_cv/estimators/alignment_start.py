"""A training that begins with poses found by joint alignment, where labels alone teach none.

A class told at any turn, such as that of a coin, asks for no pose: a transformer that begins at
the identity stays there. Within a class pictures are alike, and can be aligned with one another.
"""

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..alignment.features import FEATURES
from ..arrays import Array
from ..errors import (
    AlignmentWarning,
    InterruptedWarning,
    InvalidInputError,
    TrainingDiverged,
    warn_caller,
)
from ..model.rectifier import Rectifier
from ..nn.network import Network
from ..nn.objectives import Classification
from ..nn.samples import Samples
from ..nn.training import History, Listener, Trainer, train
from ..sampling import warp_affine
from .alignment import JointAlignment
from .network import build_network, is_layers, output_shape_of
from .pose import PoseTransformer
from .pose_comparison import Compared, compared, fit_of_head, report_of
from .pose_report import Figure, PoseReport, figure_of
from .pose_start import WARP
from .training import Fit
from .training_data import TrainingData, split

__all__ = ["Begun", "begun_by_alignment", "train_on_alignment"]

TURNING = ("similarity", "affine", "projective")  # families whose poses an alignment finds
ENOUGH = 0.95  # of the answers right: there is little left to look for
FEWEST_OF_A_CLASS = 20  # images in the mean
AGREEING = 0.8  # of the training images: those that agree best with their templates teach
CANVASES = 60_000
SEARCHES = 2


class Begun(NamedTuple):
    """A training that was begun by alignment, and what it is worth."""

    network: Network
    history: History
    report: PoseReport


def train_on_alignment(fit: Fit, listener: Listener) -> tuple[Network, History]:
    """A network of a transform that knows the poses of an alignment, and of a head behind it.

    Raises
    ------
    InvalidInputError
        If the family holds no turn, or a parameter asks for what alignment leaves out.
    """
    problem = _problem(fit)
    if problem:
        raise InvalidInputError(f"start is 'alignment', but {problem}; give start='identity'.")
    alignment, training, _ = _best_alignment(fit)
    return _with_head(fit, _learned(fit, alignment, training), listener)


def begun_by_alignment(
    fit: Fit, report: PoseReport | None, listener: Listener
) -> tuple[Begun | None, PoseReport | None]:
    """The better training, if begun by alignment it is, and the report with what was compared.

    Images kept back judge twice: whether a head behind aligned images is right more often than
    with the transformer so far; and what comes of it. Ctrl-C ends the attempt with a warning.
    """
    if report is None or not _may_pay(fit, report):
        return None, report
    try:
        alignment, training, figure = _best_alignment(fit)
        report = replace(report, accuracy={**report.accuracy, "alignment": figure})
        if figure.value < max(report.accuracy[kind].value for kind in ("transformer", "alone")):
            return None, report
        start = _learned(fit, alignment, training)
        network, history = _with_head(fit, start, listener)
        second = report_of(*fit, start, report)
    except KeyboardInterrupt:
        warn_caller("interrupted: training that began at the identity is kept", InterruptedWarning)
        return None, report
    except TrainingDiverged:
        return None, report
    if second is None or history.interrupted or not _better(second, report):
        return None, report
    second = replace(second, accuracy={**second.accuracy, "alignment": figure})
    return Begun(network, history, second), report


def _problem(fit: Fit) -> str | None:
    """Why a training cannot begin with poses of an alignment."""
    estimator = fit.estimator
    if estimator.family not in TURNING:
        return f"family is {estimator.family!r}"
    if not is_layers(estimator.localization):
        return "the localization knows a pose already"
    for name in ("max_seconds", "augment"):
        if getattr(estimator, name) is not None:
            return f"{name} is given"
    return "warm_start is True" if estimator.warm_start else None


def _may_pay(fit: Fit, report: PoseReport) -> bool:
    behind = report.accuracy.get("transformer")
    return (
        fit.estimator.start == "auto"
        and _problem(fit) is None
        and len(fit.data.samples) >= FEWEST_OF_A_CLASS * len(fit.data.classes)
        and report.unseen
        and behind is not None
        and "alone" in report.accuracy
        and behind.value < ENOUGH
    )


def _better(second: PoseReport, first: PoseReport) -> bool:
    return bool(second.accuracy["transformer"].value >= first.accuracy["transformer"].value)


def _best_alignment(fit: Fit) -> tuple[JointAlignment, TrainingData, Figure]:
    """Of alignments by all features, the one behind which the head is right most often."""
    fraction = fit.estimator.validation_fraction
    training, kept_back = split(fit.data, fraction, fit.settings.seed)
    alignments = {name: _aligned(fit, training, name) for name in FEATURES}
    views = {name: _view(fit, own) for name, own in alignments.items()}
    head = fit_of_head(fit.estimator, training, fit.settings, fit.spec)
    found: Compared = compared(views, head, training.images, kept_back.images, kept_back.samples.y)
    weights = kept_back.samples.weights
    figures = {name: figure_of(right, weights) for name, right in found.right.items()}
    best = max(figures, key=lambda name: figures[name].value)
    return alignments[best], training, figures[best]


def _aligned(fit: Fit, training: TrainingData, features: str) -> JointAlignment:
    alignment = JointAlignment(
        features=features,
        n_restarts=SEARCHES,
        n_jobs=fit.settings.n_jobs,
        random_state=fit.settings.seed,
    )
    with warnings.catch_warnings():  # what it is worth is measured
        warnings.simplefilter("ignore", AlignmentWarning)
        return alignment.fit(training.images, training.samples.y)


def _view(fit: Fit, alignment: JointAlignment) -> Any:
    """What images look like where an alignment puts them."""
    estimator, shape = fit.estimator, output_shape_of(fit.estimator, fit.data.spec)
    warp = {name: getattr(estimator, name) for name in ("padding_mode", "fill_value", "antialias")}

    def aligned(images: Array) -> Array:
        theta = alignment.predict_theta(images)
        return warp_affine(images, theta, shape, **warp, n_jobs=fit.settings.n_jobs)

    return aligned


def _learned(fit: Fit, alignment: JointAlignment, training: TrainingData) -> Rectifier:
    """The poses of the images that agree best with their templates, learned by a network."""
    estimator, agreeing = fit.estimator, alignment.correlation_
    chosen = agreeing >= np.quantile(agreeing, 1 - AGREEING)
    poser = PoseTransformer(
        estimator.family,
        n_canvases=CANVASES,
        n_jobs=fit.settings.n_jobs,
        random_state=fit.settings.seed,
        **{name: getattr(estimator, name) for name in WARP if name != "image_shape"},
    )
    return poser.fit(training.images[chosen], alignment.theta_[chosen]).rectifier_


def _with_head(fit: Fit, start: Rectifier, listener: Listener) -> tuple[Network, History]:
    """A network of the transform that knows a pose, which stays, and a head trained behind it.

    Training both from there cost ten times as long and moved the poses by a hundredth of the
    width. A scikit-learn classifier is fitted when the network is there.
    """
    estimator, settings = fit.estimator, fit.settings
    network = build_network(estimator, replace(fit.data, start=start), settings.seed)
    if fit.spec is not None:
        return network, History()
    training, kept_back = fit.data, None
    if estimator.early_stopping:
        training, kept_back = split(fit.data, estimator.validation_fraction, settings.seed)
    samples = _rectified(start, training)
    validation = None if kept_back is None else _rectified(start, kept_back)
    head = Network(network.layers[1:], network.output_shapes[0])
    head.bind(network.vector[-head.n_parameters :])  # so that the whole network has them too
    trainer = Trainer(head, settings, Classification(samples, validation))
    return network, train(trainer, lambda epoch: listener(replace(epoch, network=network)))


def _rectified(start: Rectifier, data: TrainingData) -> Samples:
    """Samples as the head sees them."""
    images = data.spec.network_input(start.rectify(data.images), data.samples.images.dtype)
    return replace(data.samples, images=images)
