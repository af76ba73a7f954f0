"""From validated data and an estimator's parameters to a trained network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from ..arrays import Array
from ..errors import InvalidInputError
from ..joint.silence import without_small_warnings
from ..model.image_spec import ImageSpec
from ..nn.architectures import HEADS, LOCALIZATIONS, layers_of
from ..nn.dense import Dense
from ..nn.flatten import Flatten
from ..nn.layer import Layer
from ..nn.network import Network
from ..nn.pool import AveragePool
from ..nn.samples import PROBE_EPOCH, Samples
from ..nn.spatial import SpatialTransform
from ..nn.standardize import Standardize
from ..nn.training import Settings
from .images import read_images

LARGEST_BATCH = 128  # of batch_size="auto"


def is_built_in(head: Any) -> bool:
    """Whether a head is a network's layers, by name or as a list, and no classifier."""
    return isinstance(head, (str, list, tuple))


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


@dataclass(frozen=True)
class TrainingData:
    """What fit was given, validated."""

    images: Array
    samples: Samples
    spec: ImageSpec
    classes: Array
    groups: Array | None

    def augmented(self, augment: Any, seed: int, n_jobs: int | None) -> Array:
        """The images, in the units they came in, as a classifier is fitted on them."""
        if augment is None:
            return self.images
        drawn = self.samples.augmented(augment, seed, PROBE_EPOCH, n_jobs).images
        if self.images.dtype.kind == "f":
            return drawn
        drawn = np.clip(np.rint(drawn * self.spec.maximum), 0, self.spec.maximum)
        return drawn.astype(self.images.dtype)

    def of_present_classes(self) -> "TrainingData":
        """Without the classes of which no sample has a weight, which no classifier can learn."""
        present = np.unique(self.samples.y)
        samples = replace(self.samples, y=np.searchsorted(present, self.samples.y))
        return replace(self, classes=self.classes[present], samples=samples)


def validated(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    groups: Any = None,
    classes: Array | None = None,
    fitted_spec: ImageSpec | None = None,
    dtype: Any = None,
) -> TrainingData:
    """Find everything that can be wrong with the data, before any training.

    `classes` are the labels there may be, where more may come later than y holds;
    `fitted_spec` is what the images must fulfil and `dtype` what a network computes in,
    where training goes on.
    """
    more_may_come = classes is not None
    images, y = read_images(estimator, X, y, fitted_spec=fitted_spec)
    check_classification_targets(y)
    classes = np.unique(y) if classes is None else classes
    if not np.isin(y, classes).all():
        raise InvalidInputError(f"y holds labels that are not among the classes {classes}.")
    weights = weights_of(estimator, images.values, y, classes, sample_weight)
    used = weights > 0
    present = np.unique(y[used]).tolist()
    if len(present) < 2 and not more_may_come:
        raise InvalidInputError(
            f"y holds one class only, {present[0]!r}, among samples with a weight above zero; "
            "a classifier needs at least 2 classes."
        )
    groups = checked_groups(groups, len(y))
    spec = ImageSpec.of(images.values)
    if fitted_spec is not None and spec != fitted_spec:
        raise InvalidInputError(f"the model was fitted on {fitted_spec}; these images have {spec}.")
    if dtype is None:
        dtype = np.float64 if images.values.dtype == np.float64 else np.float32
    kept = images.values[used]
    samples = Samples(
        spec.network_input(kept, dtype), np.searchsorted(classes, y[used]), weights[used]
    )
    return TrainingData(kept, samples, spec, classes, None if groups is None else groups[used])


def checked_groups(groups: Any, n: int) -> Array | None:
    """The number of each sample's group, (n,), if there are groups."""
    if groups is None:
        return None
    if np.shape(groups) != (n,):
        raise InvalidInputError(
            f"groups has shape {np.shape(groups)}; wanted one for each of {n} samples."
        )
    try:
        numbers: Array = np.unique(np.asarray(groups), return_inverse=True)[1]
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"groups cannot be told apart ({error}); give integers or text."
        ) from error
    return numbers


def weights_of(estimator: Any, X: Array, y: Array, classes: Array, sample_weight: Any) -> Array:
    """A weight for each sample, from sample_weight and class_weight."""
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    numbers = np.searchsorted(classes, y)
    if isinstance(estimator.class_weight, dict):
        of_classes = compute_class_weight(estimator.class_weight, classes=classes, y=y)
        if not np.isfinite(of_classes).all() or of_classes.min() < 0:
            raise InvalidInputError(
                f"class_weight is {estimator.class_weight}; wanted finite weights, none below 0."
            )
        weights *= of_classes[numbers]
    elif estimator.class_weight == "balanced":
        totals = np.bincount(numbers, weights)[numbers]
        weights *= weights.sum() / np.where(totals > 0, totals, 1) / len(np.unique(y[weights > 0]))
    if not weights.any():
        raise InvalidInputError("every sample's weight is zero; at least one must be above it.")
    with np.errstate(over="ignore"):
        if not np.isfinite(weights.sum()):
            raise InvalidInputError("the samples' weights add up to infinity; make them smaller.")
    return weights


def settings_of(estimator: Any) -> Settings:
    """The training settings an estimator's parameters ask for."""
    automatic = estimator.batch_size == "auto"
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    return Settings(
        solver=estimator.solver,
        learning_rate_init=estimator.learning_rate_init,
        learning_rate=estimator.learning_rate,
        localization_learning_rate_ratio=estimator.localization_learning_rate_ratio,
        batch_size=LARGEST_BATCH if automatic else estimator.batch_size,
        max_iter=estimator.max_iter,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        alpha=estimator.alpha,
        max_norm=estimator.max_norm,
        seed=seed,
        n_jobs=estimator.n_jobs,
        augment=estimator.augment,
    )


def build_network(
    estimator: Any,
    samples: Samples,
    spec: ImageSpec,
    n_classes: int,
    seed: int,
    standardize: Layer | None = None,
) -> Network:
    """An untrained network: transformer, head and last layer, standardized to the samples."""
    shape = (spec.channels, spec.height, spec.width)
    standardize = standardize or standardization(samples)
    if spec.range != "float" and not 0 <= estimator.fill_value <= spec.maximum:
        raise InvalidInputError(
            f"fill_value is {estimator.fill_value}; wanted 0 to {spec.maximum:g} for {spec.range}."
        )
    if abs(estimator.fill_value) > float(np.finfo(samples.images.dtype).max):
        raise InvalidInputError(
            f"fill_value is {estimator.fill_value}, more than {samples.images.dtype} holds, in "
            "which the network computes."
        )
    transform = SpatialTransform(
        [standardize, *layers_of("localization", estimator.localization, LOCALIZATIONS, shape)],
        estimator.family,
        None if estimator.output_shape is None else tuple(estimator.output_shape),
        estimator.padding_mode,
        float(estimator.fill_value) / spec.maximum,
        bool(estimator.antialias),
        int(estimator.n_steps),
    )
    output = (spec.channels, *(transform.output_shape or shape[1:]))
    head = estimator.head if is_built_in(estimator.head) else beginner(output)
    head = layers_of("head", head, HEADS, output)
    layers = [transform, standardize, *head, Dense(n_classes, "zeros")]
    return Network(layers, shape, np.random.default_rng(seed), samples.images.dtype)


def beginner(shape: tuple[int, int, int]) -> list[Layer]:
    """The head with which training for a scikit-learn classifier begins.

    It is linear, on the image brought to about 16 pixels a side: with more of them it learns
    the training images by heart before they lie well.
    """
    shrink = max(round(min(shape[1:]) / 16), 1)
    return [*([AveragePool(shrink)] if shrink > 1 else []), Flatten()]


def standardization(samples: Samples) -> Standardize:
    """Mean and deviation of each channel, weighted as the samples."""
    images, weights = samples.images, samples.weights / samples.weights.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        means = images.mean(axis=(1, 2), dtype=np.float64)
        variances = images.var(axis=(1, 2), dtype=np.float64)
        mean = weights @ means
        scale = np.sqrt(weights @ (variances + (means - mean) ** 2))
    if not (np.isfinite(mean).all() and np.isfinite(scale).all()):
        raise InvalidInputError(
            f"X reaches from {images.min():g} to {images.max():g}, too far to be standardized; "
            "bring it to a range such as [0, 1]."
        )
    return Standardize(mean.tolist(), np.where(scale > 0, scale, 1.0).tolist())


def split(estimator: Any, samples: Samples, groups: Any, seed: int) -> tuple[Array, Array]:
    """Numbers of (training, validation) samples: stratified, and no group on both sides."""
    fraction = estimator.validation_fraction
    smaller = min(fraction, 1 - fraction)
    try:
        if groups is None:
            splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
        else:
            parts = max(round(1 / smaller), 2)
            splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        with without_small_warnings():  # of classes with fewer members than parts
            splits = list(splitter.split(samples.y, samples.y, groups))
        for kept, left_out in splits:
            if groups is not None and fraction > smaller:
                kept, left_out = left_out, kept
            if np.isin(samples.y, samples.y[kept]).all():
                return kept, left_out
        reason = "a class would have no training sample"
    except ValueError as error:
        reason = str(error).rstrip(".")
    raise InvalidInputError(
        f"no validation split can be made ({reason}); give more samples (or groups) of each "
        "class, another validation_fraction, or early_stopping=False."
    )


def network_to_continue(estimator: Any, data: TrainingData, anew: str) -> Network:
    """A copy of the network fitted before, which must be what the parameters ask for.

    `anew` says how training is begun anew instead.
    """
    last = estimator.rectifier_
    if last.image_spec != data.spec or not np.array_equal(estimator.classes_, data.classes):
        raise InvalidInputError(
            f"training goes on from a fit on {last.image_spec} with classes "
            f"{estimator.classes_}; came {data.spec} with classes {data.classes}. {anew}"
        )
    standardize = last.transform.localization[0]
    wanted = build_network(estimator, data.samples, data.spec, len(data.classes), 0, standardize)
    compared = None if is_built_in(estimator.head) else 1  # a classifier needs the transform only
    if wanted.layers[:compared] != last.network.layers[:compared]:
        raise InvalidInputError(
            "the fitted network is not what the parameters say now (family, output_shape, "
            "localization, head, padding_mode, fill_value, antialias or n_steps changed), so "
            f"training cannot go on with it. {anew}"
        )
    return last.network.copy()
