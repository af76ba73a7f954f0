"""Labelled samples: taken, augmented, and those by which epochs are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, NonFiniteError
from ..threads import run_slices, slices_of
from .random_keys import AUGMENT, PROBE, PROBE_EPOCH, keyed

__all__ = ["Augment", "Samples", "probe_of"]

LARGEST_PROBE = 512  # training images by which epochs are compared without a validation set
Augment = Callable[[Array, np.random.Generator], Array]


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


def probe_of(samples: Samples, augment: Augment | None, seed: int, n_jobs: int | None) -> Samples:
    """Training samples, the same all along, by which epochs are compared."""
    if len(samples) > LARGEST_PROBE:
        order = keyed(seed, PROBE).permutation(len(samples))
        samples = samples.take(np.sort(order[:LARGEST_PROBE]))
    return samples.augmented(augment, seed, PROBE_EPOCH, n_jobs)
