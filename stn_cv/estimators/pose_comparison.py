"""A head fitted behind a transformer, behind a fixed crop, behind moments, and without."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..alignment import theta_from_moments
from ..arrays import Array
from ..errors import InterruptedWarning, InvalidInputError, PoseWarning, warn_caller
from ..joint.fit_warnings import without_fit_warnings
from ..joint.heads import HeadSpec, head_input
from ..model.rectifier import Rectifier
from ..nn.layout import activations_of
from ..nn.network import Network
from ..nn.objectives import Classification
from ..nn.random_keys import PROBE, keyed
from ..nn.samples import Samples
from ..nn.settings import Settings
from ..nn.training import Trainer, train
from ..sampling import warp_affine
from ..threads import run_slices
from .network import head_layers, standardization
from .pose_report import PoseReport, Spread, figure_of, spread_of
from .training_data import TrainingData, split

__all__ = ["Compared", "compared", "fit_of_head", "report_of", "told", "views_of", "warn_of"]

VALIDATION = 0.2  # of the samples, where none are kept back from the training
FINER = "linear"  # judges for the coarse head, which reads less than most classifiers behind
FEWEST = 40  # samples to compare by: the standard error of fewer is above 8 points
LARGEST_TRAINING, LARGEST_VALIDATION = 2000, 1000  # samples, so that it stays cheap
STEPS = 200  # of heads made of layers
FEWEST_EPOCHS = 5

UNMOVED = ("alone", "moments")  # what no transform changes

View = Callable[[Array], Array]  # of images (n, h, w, c)
Predict = Callable[[Array], Array]  # the answers, (n,), for views
Fit = Callable[[Array], Predict]  # on views of the training images


@dataclass(frozen=True)
class Compared:
    """Which answers were right behind each kind of view, and why some kinds are missing."""

    right: dict[str, Array]
    not_fitted: dict[str, str]


def report_of(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    spec: HeadSpec | None,
    rectifier: Rectifier,
    known: PoseReport | None = None,
) -> PoseReport | None:
    """Of a fitted estimator; None where Ctrl-C came, which costs the report only.

    `known` is that of another transform on the same data: what is the same is taken from it.

    With `early_stopping` accuracies are those of the samples kept back. Otherwise heads are
    fitted without a fifth of the samples, no group on both sides; the transformer has seen them.
    """
    try:
        report = _report(estimator, data, settings, spec, rectifier, known)
    except KeyboardInterrupt:
        warn_caller("interrupted after the training: no pose_report_ is made", InterruptedWarning)
        return None
    return report


def warn_of(report: PoseReport | None) -> None:
    """Say what speaks against a transformer."""
    for text in [] if report is None else report.warnings:
        warn_caller(text, PoseWarning)


def _report(
    estimator: Any,
    data: TrainingData,
    settings: Settings,
    spec: HeadSpec | None,
    rectifier: Rectifier,
    known: PoseReport | None,
) -> PoseReport:
    fraction = estimator.validation_fraction if estimator.early_stopping else VALIDATION
    try:
        training, validation = split(data, fraction, settings.seed)
    except InvalidInputError:
        training, validation = data, None
    training = _some(training, LARGEST_TRAINING, settings.seed)
    if validation is None or len(validation.samples) < FEWEST:
        return PoseReport({}, {}, spread_of(rectifier.theta(training.images)))
    images = training.augmented(estimator.augment, settings.seed, settings.n_jobs)
    theta = rectifier.theta(images)
    validation = _some(validation, LARGEST_VALIDATION, settings.seed)
    kept_back = validation.images
    if not estimator.early_stopping:
        kept_back = validation.augmented(estimator.augment, settings.seed, settings.n_jobs)
    fit = fit_of_head(estimator, training, settings, spec)
    views, same = views_of(rectifier, theta), {}
    if known is not None:
        same = {kind: known.right[kind] for kind in UNMOVED if kind in known.right}
        views = {kind: view for kind, view in views.items() if kind not in same}
    found = compared(views, fit, images, kept_back, validation.samples.y)
    found.right.update(same)
    spread = spread_of(np.concatenate([theta, rectifier.theta(kept_back)]))
    return told(found, validation.samples.weights, spread, bool(estimator.early_stopping))


def told(found: Compared, weights: Array, spread: Spread, unseen: bool) -> PoseReport:
    """The report of a comparison on samples of such weights."""
    right = found.right
    behind = right.get("transformer")
    return PoseReport(
        {kind: figure_of(values, weights) for kind, values in right.items()},
        {
            kind: figure_of(behind - values, weights)
            for kind, values in right.items()
            if kind != "transformer" and behind is not None
        },
        spread,
        len(weights),
        unseen,
        found.not_fitted,
        right=right,
    )


def _some(data: TrainingData, most: int, seed: int) -> TrainingData:
    """As many of the samples at most, drawn once."""
    if len(data.samples) <= most:
        return data
    return data.take(np.sort(keyed(seed, PROBE).permutation(len(data.samples))[:most]))


def views_of(rectifier: Rectifier, theta: Array) -> dict[str, View]:
    """What images (n, h, w, c) look like behind each kind; `theta` is that of training images."""
    mean, rules = theta.mean(axis=0), rectifier.transform.rules
    rules = rules._replace(fill_value=rules.fill_value * rectifier.image_spec.maximum)

    def cropped(images: Array) -> Array:
        thetas = np.broadcast_to(mean, (len(images), *mean.shape))
        return rectifier.rectify(images, theta=thetas)

    def by_moments(images: Array) -> Array:
        thetas = theta_from_moments(images)
        shape, n_jobs = rectifier.output_shape, rectifier.n_jobs
        return warp_affine(images, thetas, shape, **rules._asdict(), n_jobs=n_jobs)

    return {
        "transformer": rectifier.rectify,
        "alone": lambda images: images,
        "fixed_crop": cropped,
        "moments": by_moments,
    }


def compared(
    views: dict[str, View], fit: Fit, images: Array, kept_back: Array, y: Array
) -> Compared:
    """Fit a head behind each view of images; which answers, for those kept back, are right."""
    right, not_fitted = {}, {}
    for kind, view in views.items():
        try:
            predict = fit(view(images))
            right[kind] = (predict(view(kept_back)) == y).astype(np.float64)
        except ValueError as error:  # a head that takes no images of this shape, or diverges
            not_fitted[kind] = str(error)
    return Compared(right, not_fitted)


def fit_of_head(
    estimator: Any, data: TrainingData, settings: Settings, spec: HeadSpec | None
) -> Fit:
    """What fits an estimator's head, without the transformer, on views of the samples."""
    if spec is None:
        return partial(_fit_layers, estimator, data, settings)
    return partial(_fit_classifier, spec, data.samples)


def _fit_classifier(spec: HeadSpec, samples: Samples, images: Array) -> Predict:
    with without_fit_warnings():
        head = spec.fitted(head_input(spec.head, images), samples)
    return lambda others: np.searchsorted(spec.classes, head.predict(head_input(spec.head, others)))


def _fit_layers(estimator: Any, data: TrainingData, settings: Settings, images: Array) -> Predict:
    """A network of the head's layers alone, trained for some steps."""
    spec, dtype, n_jobs = data.spec, data.samples.images.dtype, settings.n_jobs
    samples = replace(data.samples, images=spec.network_input(images, dtype))
    shape = (spec.channels, *images.shape[1:3])
    head = FINER if estimator.head == "coarse" else estimator.head
    layers = head_layers(head, standardization(samples), shape, len(data.classes))
    network = Network(layers, shape, keyed(settings.seed, PROBE), dtype)
    batches = math.ceil(len(samples) / settings.batch_size)
    epochs = min(max(math.ceil(STEPS / batches), FEWEST_EPOCHS), settings.max_iter)
    train(Trainer(network, replace(settings, max_iter=epochs), Classification(samples)))

    def predict(others: Array) -> Array:
        inputs = spec.network_input(others, dtype)

        def run(part: slice) -> Array:
            return network.forward(activations_of(inputs[part]))[0].argmax(axis=0)

        return np.concatenate(run_slices(run, network.slices(len(inputs)), n_jobs))

    return predict
