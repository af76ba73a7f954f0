"""What is measured of a network on samples."""

import math

import numpy as np

from ..arrays import Array
from ..geometry import share_outside
from ..threads import run_slices
from .layout import activations_of
from .loss import Loss, cross_entropy
from .network import Network
from .samples import Samples
from .spatial import Transform

__all__ = ["OVERFLOW_IGNORED", "evaluate", "shares_outside"]

OVERFLOW_IGNORED = np.errstate(over="ignore", invalid="ignore")  # TrainingDiverged tells of it


def evaluate(
    network: Network, samples: Samples, n_jobs: int | None, loss: Loss = cross_entropy
) -> tuple[float, float]:
    """(weighted mean loss, weighted accuracy) on samples."""

    @OVERFLOW_IGNORED
    def run(part: slice) -> tuple[float, float]:
        batch = samples.take(part)
        outputs, _ = network.forward(activations_of(batch.images))
        losses, _ = loss(outputs, batch.y)
        right = batch.weights[outputs.argmax(axis=0) == batch.y]
        return float(losses @ batch.weights), float(right.sum())

    results = run_slices(run, network.slices(len(samples)), n_jobs)
    total_loss, right = (math.fsum(column) for column in zip(*results, strict=True))
    total = float(samples.weights.sum())
    return total_loss / total, right / total


def shares_outside(network: Network, images: Array, n_jobs: int | None) -> Array:
    """The share of each image's grid, (n,), that the first layer puts outside it."""
    transform = network.layers[0]
    assert isinstance(transform, Transform)

    def run(part: slice) -> Array:
        parameters = transform.warp_parameters(activations_of(images[part]))
        return share_outside(transform.composed_family().theta(parameters, images.shape[1:3])[0])

    return np.concatenate(run_slices(run, network.slices(len(images)), n_jobs))
