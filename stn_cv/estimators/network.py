"""The network that an estimator's parameters ask for: built, or gone on with."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InvalidInputError
from ..geometry import check_shape
from ..joint.objective import transform_alone
from ..model.image_spec import ImageSpec
from ..nn.architectures import HEADS, LOCALIZATIONS, layers_of
from ..nn.dense import Dense
from ..nn.layer import Layer
from ..nn.network import Network
from ..nn.samples import Samples
from ..nn.spatial import SpatialTransform, Transform
from ..nn.standardize import Standardize
from ..pose.transform import PoseTransform
from .training_data import TrainingData

__all__ = [
    "build_network",
    "head_layers",
    "is_layers",
    "is_off",
    "network_to_continue",
    "output_shape_of",
    "standardization",
]

BEGINNING_HEAD = "linear"  # with which training for a scikit-learn classifier begins


def is_layers(part: Any) -> bool:
    """Whether a head or a localization is layers, by name or as a list, and no estimator."""
    return isinstance(part, (str, list, tuple))


def build_network(estimator: Any, data: TrainingData, seed: int) -> Network:
    """A network standardized to the samples, untrained but for what `data.start` knows."""
    samples = data.samples
    layers = layers_for(estimator, data, standardization(samples))
    network = Network(layers, shape_of(data), np.random.default_rng(seed), samples.images.dtype)
    if data.start is not None:
        known = transform_alone(data.start.network).vector
        network.vector[: known.size] = known
    return network


def shape_of(data: TrainingData) -> tuple[int, int, int]:
    """(channels, height, width) of an image."""
    return data.spec.channels, data.spec.height, data.spec.width


def output_shape_of(estimator: Any, spec: ImageSpec) -> tuple[int, int]:
    """(height, width) of rectified images."""
    if estimator.output_shape is None:
        return spec.height, spec.width
    return check_shape("output_shape", estimator.output_shape)


def layers_for(estimator: Any, data: TrainingData, standardize: Layer) -> list[Layer]:
    """Transformer, head and last layer."""
    spec, dtype = data.spec, data.samples.images.dtype
    if spec.range != "float" and not 0 <= estimator.fill_value <= spec.maximum:
        raise InvalidInputError(
            f"fill_value is {estimator.fill_value}; wanted 0 to {spec.maximum:g} for {spec.range}."
        )
    if abs(estimator.fill_value) > float(np.finfo(dtype).max):
        raise InvalidInputError(
            f"fill_value is {estimator.fill_value}, more than {dtype} holds, in "
            "which the network computes."
        )
    transform = _transform(estimator, data, standardize)
    output = (spec.channels, *output_shape_of(estimator, spec))
    head = estimator.head if is_layers(estimator.head) else BEGINNING_HEAD
    return [transform, *head_layers(head, standardize, output, len(data.classes))]


def _transform(estimator: Any, data: TrainingData, standardize: Layer) -> Transform:
    """The transformer, with the looks of `data.start` where there is one."""
    shape, given = estimator.output_shape, estimator.localization
    warp: dict[str, Any] = {
        "output_shape": None if shape is None else tuple(shape),
        "padding_mode": estimator.padding_mode,
        "fill_value": float(estimator.fill_value) / data.spec.maximum,
        "antialias": bool(estimator.antialias),
    }
    if data.start is not None:
        known: Any = data.start.transform
        return replace(without_confidence(known), **warp)
    if not is_layers(given):
        raise InvalidInputError(
            "localization is an estimator that learns from upright images; give some: "
            "fit(X, y, upright=images). Of one that is fitted give its rectifier_."
        )
    layers = layers_of("localization", given, LOCALIZATIONS, shape_of(data))
    n_steps = int(estimator.n_steps)
    return SpatialTransform([standardize, *layers], estimator.family, n_steps=n_steps, **warp)


def without_confidence(layer: Any) -> Any:
    """A layer without the confidence that was fitted to other weights."""
    return replace(layer, confidence=[]) if isinstance(layer, PoseTransform) else layer


def head_layers(
    head: Any, standardize: Layer, shape: tuple[int, int, int], n_classes: int
) -> list[Layer]:
    """A head for images of `shape`, with what stands before and behind it."""
    return [standardize, *layers_of("head", head, HEADS, shape), Dense(n_classes, "zeros")]


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


def is_off(estimator: Any) -> bool:
    """Whether the last fit turned the transformer off."""
    report = getattr(estimator, "pose_report_", None)
    return report is not None and bool(report.turned_off)


def network_to_continue(estimator: Any, data: TrainingData, anew: str) -> Network:
    """A copy of the network fitted before, which must be what the parameters ask for.

    `anew` says how training is begun anew instead.
    """
    if is_off(estimator):
        raise InvalidInputError(
            "the last fit turned the transformer off, so its training cannot go on; fit with "
            "turn_off=False."
        )
    last = estimator.rectifier_
    if last.image_spec != data.spec or not np.array_equal(estimator.classes_, data.classes):
        raise InvalidInputError(
            f"training goes on from a fit on {last.image_spec} with classes "
            f"{estimator.classes_}; came {data.spec} with classes {data.classes}. {anew}"
        )
    layers = [without_confidence(layer) for layer in last.network.layers]
    if data.start is None and isinstance(layers[0], PoseTransform):
        data = replace(data, start=last)  # its upright images need not come again
    inside = [layer for look in last.transform.localizations for layer in look]
    known = [layer for layer in (*inside, *layers) if isinstance(layer, Standardize)]
    standardize = known[0] if known else standardization(data.samples)
    wanted = Network(layers_for(estimator, data, standardize), shape_of(data))
    compared = None if is_layers(estimator.head) else 1  # a classifier needs the transform only
    if wanted.layers[:compared] != layers[:compared]:
        raise InvalidInputError(
            "the fitted network is not what the parameters say now (family, output_shape, "
            "localization, head, padding_mode, fill_value, antialias or n_steps changed), so "
            f"training cannot go on with it. {anew}"
        )
    network = Network(layers, shape_of(data))
    network.bind(last.network.vector.copy())
    return network
