"""Probabilities that mean what they say: one temperature for all of them.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

import math

import numpy as np

from ..arrays import Array
from ..nn.layout import activations_of
from ..nn.network import Network
from ..nn.samples import Samples
from ..threads import run_slices
from .training import Fit
from .training_data import split

__all__ = ["calibrated", "temperature_of"]

FEWEST = 40  # samples: fewer say too little
LARGEST = 20.0  # temperature, and the smallest is one over it
ROUNDS = 40


def calibrated(fit: Fit, network: Network) -> float | None:
    """Calibrate the head on the samples that were kept back, if there are enough of them."""
    if fit.spec is not None or not fit.estimator.early_stopping:
        return None
    _, kept_back = split(fit.data, fit.estimator.validation_fraction, fit.settings.seed)
    if len(kept_back.samples) < FEWEST:
        return None
    return calibrate(network, kept_back.samples, fit.settings.n_jobs)


def calibrate(network: Network, samples: Samples, n_jobs: int | None) -> float:
    """Divide the last layer's outputs by the temperature that suits samples it has not seen.

    Which class is most probable does not change.
    """

    def run(part: slice) -> Array:
        return network.forward(activations_of(samples.images[part]))[0]

    parts = network.slices(len(samples))
    logits = np.concatenate(run_slices(run, parts, n_jobs), axis=1)
    temperature = temperature_of(logits.astype(np.float64), samples.y, samples.weights)
    for array in network.layers[-1].parameters:
        array /= array.dtype.type(temperature)
    return temperature


def temperature_of(logits: Array, y: Array, weights: Array) -> float:
    """The temperature of lowest cross-entropy for logits (k, n).

    As if one more sample had shown any class, so that samples that are all told right do not
    make it 0 (Platt 1999). The loss has one minimum over log temperature, found by thirds.
    """
    classes, n = logits.shape
    targets = np.full(logits.shape, 1 / (n + 1) / classes)
    targets[y, np.arange(n)] += n / (n + 1)

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        scaled = scaled - scaled.max(axis=0)
        log_probabilities = scaled - np.log(np.exp(scaled).sum(axis=0))
        return float(-(targets * log_probabilities).sum(axis=0) @ weights)

    low, high = -math.log(LARGEST), math.log(LARGEST)
    for _ in range(ROUNDS):
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)
