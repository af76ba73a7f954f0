"""What fit was given, validated: images, labels, weights and groups, and their split."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from ..arrays import Array
from ..errors import InvalidInputError
from ..joint.fit_warnings import without_fit_warnings
from ..model.image_spec import ImageSpec
from ..model.rectifier import Rectifier
from ..nn.random_keys import PROBE_EPOCH
from ..nn.samples import Samples
from .images import read_images

__all__ = ["TrainingData", "split", "validated"]


@dataclass(frozen=True)
class TrainingData:
    """What fit was given, validated; and the model whose transform training begins with, if any."""

    images: Array
    samples: Samples
    spec: ImageSpec
    classes: Array
    groups: Array | None
    start: Rectifier | None = None

    def take(self, index: Array) -> "TrainingData":
        """Those at `index`."""
        groups = None if self.groups is None else self.groups[index]
        return replace(
            self, images=self.images[index], samples=self.samples.take(index), groups=groups
        )

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
    start = estimator.localization if isinstance(estimator.localization, Rectifier) else None
    if start is not None and start.image_spec != spec:
        raise InvalidInputError(
            f"localization was fitted on {start.image_spec}; these images have {spec}."
        )
    groups = None if groups is None else groups[used]
    return TrainingData(kept, samples, spec, classes, groups, start)


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


def split(data: TrainingData, fraction: float, seed: int) -> tuple[TrainingData, TrainingData]:
    """(training, validation) data: stratified, and no group on both sides."""
    samples, groups = data.samples, data.groups
    smaller = min(fraction, 1 - fraction)
    try:
        if groups is None:
            splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
        else:
            parts = max(round(1 / smaller), 2)
            splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        with without_fit_warnings():  # of classes with fewer members than parts
            splits = list(splitter.split(samples.y, samples.y, groups))
        for kept, left_out in splits:
            if groups is not None and fraction > smaller:
                kept, left_out = left_out, kept
            if np.isin(samples.y, samples.y[kept]).all():
                return data.take(kept), data.take(left_out)
        reason = "a class would have no training sample"
    except ValueError as error:
        reason = str(error).rstrip(".")
    raise InvalidInputError(
        f"no validation split can be made ({reason}); give more samples (or groups) of each "
        "class, another validation_fraction, or early_stopping=False."
    )
