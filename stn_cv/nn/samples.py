"""Samples, the random numbers that go with them, and what is measured on them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, NonFiniteError
from ..geometry import share_outside
from ..threads import run_slices, slices_of
from .axes import activations_of
from .loss import cross_entropy
from .network import Network
from .spatial import SpatialTransform

ORDER, DROPOUT, AUGMENT, PROBE = range(4)  # what a key of random numbers is for
PROBE_EPOCH = 2**32 - 1  # stands for the epoch in the key of the probe's augmentation
LARGEST_PROBE = 512  # training images by which epochs are compared without a validation set
QUIET = np.errstate(over="ignore", invalid="ignore")  # TrainingDiverged tells of it, once
Augment = Callable[[Array, np.random.Generator], Array]


def keyed(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one purpose and sample."""
    return np.random.default_rng([seed, *key])


@dataclass(frozen=True)
class Samples:
    """Images (n, h, w, c) of the network's dtype, class numbers (n,), weights (n,) above 0."""

    images: Array
    y: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: Any) -> "Samples":
        """The samples at `index`."""
        return Samples(self.images[index], self.y[index], self.weights[index])

    def augmented(
        self, augment: Augment | None, seed: int, epoch: int, n_jobs: int | None
    ) -> "Samples":
        """The samples as they look in an epoch.

        Images are changed in fixed parts with random numbers of their own: how a sample
        changes depends on seed, epoch and its place among the samples alone, not on
        batches or threads.
        """
        if augment is None:
            return self
        images = self.images

        def run(part: slice) -> Array:
            given = images[part].copy()
            changed = np.asarray(augment(given, keyed(seed, AUGMENT, epoch, part.start)))
            if changed.shape != given.shape:
                raise InvalidInputError(
                    f"augment returned shape {changed.shape} for images of shape {given.shape}; "
                    "it must keep the shape."
                )
            changed = changed.astype(images.dtype, copy=False)
            if not np.isfinite(changed).all():
                raise NonFiniteError(
                    "augment returned NaN or infinity; it must give finite numbers."
                )
            return changed

        parts = slices_of(len(images))
        return Samples(np.concatenate(run_slices(run, parts, n_jobs)), self.y, self.weights)


def evaluate(network: Network, samples: Samples, n_jobs: int | None) -> tuple[float, float]:
    """(weighted mean loss, weighted accuracy) on samples."""

    @QUIET
    def run(part: slice) -> tuple[float, float]:
        batch = samples.take(part)
        logits, _ = network.forward(activations_of(batch.images))
        loss, _ = cross_entropy(logits, batch.y, batch.weights)
        return loss, float(batch.weights[logits.argmax(axis=0) == batch.y].sum())

    results = run_slices(run, network.slices(len(samples)), n_jobs)
    loss, right = (math.fsum(column) for column in zip(*results, strict=True))
    total = float(samples.weights.sum())
    return loss / total, right / total


def outside(network: Network, images: Array, n_jobs: int | None) -> Array:
    """The share of each image's grid, (n,), that the first layer puts outside it."""
    transform = network.layers[0]
    assert isinstance(transform, SpatialTransform)

    def run(part: slice) -> Array:
        parameters = transform.warp_parameters(activations_of(images[part]))
        return share_outside(transform.composed_family().theta(parameters, images.shape[1:3])[0])

    return np.concatenate(run_slices(run, network.slices(len(images)), n_jobs))


def probe(samples: Samples, augment: Augment | None, seed: int, n_jobs: int | None) -> Samples:
    """Training samples, the same all along, by which epochs are compared."""
    if len(samples) > LARGEST_PROBE:
        order = keyed(seed, PROBE).permutation(len(samples))
        samples = samples.take(np.sort(order[:LARGEST_PROBE]))
    return samples.augmented(augment, seed, PROBE_EPOCH, n_jobs)
