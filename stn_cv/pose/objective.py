"""What a look is trained for: the poses of canvases, which are drawn anew as it learns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..nn.evaluation import OVERFLOW_IGNORED
from ..nn.layout import activations_of
from ..nn.network import Network
from ..nn.objectives import Batch, Evaluation
from ..nn.random_keys import PROBE_EPOCH, keyed
from ..nn.settings import Settings
from ..threads import run_slices, slices_of
from .encodings import Encoding

__all__ = ["DrawnCanvases", "KnownPoses", "drawn_canvases"]

CANVAS = 16  # the purpose of its random numbers, beside those of `stn_cv.nn.random_keys`
USES = 2  # epochs that see the same canvases: drawing takes longer than a step
PROBE = 512  # canvases by which epochs are compared

Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]


@dataclass(frozen=True)
class DrawnCanvases:
    """Canvases (n, h, w, c), the true theta of each, and their weights, all one."""

    images: Array
    theta: Array
    weights: Array


def drawn_canvases(draw: Draw, n: int, key: tuple[int, ...], n_jobs: int | None) -> DrawnCanvases:
    """Canvases of fixed parts with random numbers of their own, so threads do not matter."""

    def run(part: slice) -> tuple[Array, Array]:
        return draw(keyed(*key, part.start), part.stop - part.start)

    images, theta = zip(*run_slices(run, slices_of(n), n_jobs), strict=True)
    return DrawnCanvases(np.concatenate(images), np.concatenate(theta), np.ones(n))


class KnownPoses:
    """The loss of a look's outputs against true poses.

    Parameters
    ----------
    draw : callable
        ``draw(rng, n)`` gives canvases (n, h, w, c) and their theta.
    encoding : Encoding
        What the look's outputs mean, and their loss.
    n_canvases : int
        Canvases an epoch.
    """

    def __init__(self, draw: Draw, encoding: Encoding, n_canvases: int) -> None:
        self.make = draw
        self.encoding = encoding
        self.n_canvases = n_canvases
        self._drawn: tuple[tuple[int, ...], DrawnCanvases] | None = None
        self._probe: tuple[int, DrawnCanvases] | None = None

    def draw(self, settings: Settings, epoch: int) -> DrawnCanvases:
        """The canvases of an epoch."""
        key = (settings.seed, CANVAS, epoch // USES)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = None  # room for the next
            self._drawn = key, drawn_canvases(self.make, self.n_canvases, key, settings.n_jobs)
        return self._drawn[1]

    def gradient(self, batch: Batch, drawn: DrawnCanvases) -> tuple[float, Array]:
        """Loss and gradient of a batch, slice by slice."""

        def run(part: slice) -> tuple[float, list[Array]]:
            own = batch.index[part]
            outputs, backward = batch.network.forward(
                activations_of(drawn.images[own]), True, batch.rng(part)
            )
            losses, doutputs = self.encoding.loss(outputs, drawn.theta[own])
            weights = batch.weights[part]
            gradients = backward((doutputs * weights).astype(outputs.dtype), False)[1]
            return float(losses @ weights), gradients

        return batch.summed(run)

    def evaluate(self, network: Network, settings: Settings) -> Evaluation:
        """The mean loss on canvases that are never trained on."""
        if self._probe is None or self._probe[0] != settings.seed:
            key = (settings.seed, CANVAS, PROBE_EPOCH)
            self._probe = settings.seed, drawn_canvases(self.make, PROBE, key, settings.n_jobs)
        probe = self._probe[1]

        @OVERFLOW_IGNORED
        def run(part: slice) -> float:
            outputs, _ = network.forward(activations_of(probe.images[part]))
            return float(self.encoding.loss(outputs, probe.theta[part])[0].sum())

        parts = network.slices(len(probe.images))
        return Evaluation(math.fsum(run_slices(run, parts, settings.n_jobs)) / len(probe.images))

    def untrained_loss(self, network: Network) -> float:
        """None is known."""
        return math.inf
