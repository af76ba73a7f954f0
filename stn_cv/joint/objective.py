"""The loss of a scikit-learn classifier as the head: it is refitted, the localization steps.

Before each epoch the head is fitted, for every fold of the samples, on the images of the other
folds as rectified now. The localization then takes the steps of an epoch on the loss of each
sample under the head that has not seen it: a head that was fitted on a sample knows its label,
and has little to say about how it should lie.
"""

import math
from dataclasses import replace

import numpy as np

from ..arrays import Array
from ..nn.layer import Backward
from ..nn.layout import activations_of, images_of
from ..nn.network import Network
from ..nn.objectives import Batch, Evaluation
from ..nn.random_keys import PROBE_EPOCH
from ..nn.samples import Augment, Samples
from ..nn.settings import Settings
from ..nn.spatial import Transform
from ..threads import run_slices
from .folds import NO_FOLD
from .heads import HeadSpec
from .losses import Loss, loss_for
from .parameter_gradients import FittedHead, ThreadedWarp

__all__ = ["CrossFittedHead", "transform_alone"]


def transform_alone(network: Network) -> Network:
    """A copy of a network's first layer, which rectifies."""
    alone = Network(network.layers[:1], network.input_shape)
    alone.bind(network.vector[: alone.n_parameters].copy())
    return alone


class CrossFittedHead:
    """The loss of samples under a classifier that was fitted on others: an `Objective`.

    It trains a network of one layer, a `Transform`. Epochs are compared by validation
    samples; without, by all training samples, each under a head new to it.

    Parameters
    ----------
    spec : HeadSpec
        The head.
    samples : Samples
        To train on.
    folds : ndarray of shape (n,)
        Their folds; -1 where no head is to give a loss. With one fold the head gives those of
        the samples it was fitted on.
    validation : Samples or None, default None
        To compare epochs by.
    augment : callable or None, default None
        ``augment(images, rng) -> images``, applied anew in each epoch. Heads are fitted on one
        drawing.
    """

    def __init__(
        self,
        spec: HeadSpec,
        samples: Samples,
        folds: Array,
        validation: Samples | None = None,
        augment: Augment | None = None,
    ) -> None:
        self.spec = spec
        self.samples = samples
        self.folds = folds
        self.validation = validation
        self.augment = augment
        self.loss: Loss | None = None
        self.head_of_fold: dict[int, FittedHead] = {}
        self._fitted_on: Samples | None = None

    def draw(self, settings: Settings, epoch: int) -> Samples:
        """The samples as they look in an epoch; those without a fold have no weight."""
        drawn = self.samples.augmented(self.augment, settings.seed, epoch, settings.n_jobs)
        return replace(drawn, weights=drawn.weights * (self.folds != NO_FOLD))

    def gradient(self, batch: Batch, drawn: Samples) -> tuple[float, Array]:
        """Loss and gradient of a batch under the heads as they were fitted last."""
        transform, samples = _transform(batch.network), drawn.take(batch.index)

        def localize(part: slice) -> tuple[Array, Backward]:
            return transform.localize(activations_of(samples.images[part]), True, batch.rng(part))

        found = batch.map(localize)
        backwards = {part.start: back for part, (_, back) in zip(batch.parts, found, strict=True)}
        parameters = np.concatenate([P for P, _ in found])
        folds, warp = self.folds[batch.index], ThreadedWarp(transform, batch.n_jobs)
        losses, slopes = self._slopes(warp, samples, parameters, folds)
        slopes *= batch.weights[:, None].astype(slopes.dtype)

        def pull(part: slice) -> tuple[float, list[Array]]:
            loss = float(losses[part] @ batch.weights[part])
            return loss, backwards[part.start](slopes[part], False)[1]

        return batch.summed(pull)

    def evaluate(self, network: Network, settings: Settings) -> Evaluation:
        """Refit the heads; loss on samples new to them and, of validation samples, accuracy."""
        if self._fitted_on is None:
            self._fitted_on = self.samples.augmented(
                self.augment, settings.seed, PROBE_EPOCH, settings.n_jobs
            )
        images = _rectified(network, self._fitted_on.images, settings.n_jobs)
        losses = self._refit(images)
        if self.validation is None:
            return Evaluation(_mean(losses, self.samples.weights * (self.folds != NO_FOLD)))
        head = self.spec.fitted_on_the_way(images, self.samples)
        samples = self.validation
        scores = self.spec.scores(head, _rectified(network, samples.images, settings.n_jobs))
        losses = self._loss_for(scores, samples)(scores, samples.y)[0]
        right = scores.argmax(axis=1) == samples.y
        return Evaluation(_mean(losses, samples.weights), _mean(right, samples.weights))

    def untrained_loss(self, network: Network) -> float:
        """None is known: what training begins with may stay."""
        return math.inf

    def _refit(self, images: Array) -> Array:
        """Fit each fold's head; the loss of each sample."""
        samples = self.samples
        losses = np.zeros(len(samples))
        for fold in np.unique(self.folds[self.folds != NO_FOLD]):
            own = self.folds == fold
            others = own if own.all() else ~own
            head = self.spec.fitted_on_the_way(images[others], samples.take(others))
            scores = self.spec.scores(head, images[own])
            loss = self._loss_for(scores, samples.take(own))
            self.head_of_fold[fold] = FittedHead(self.spec, head, loss)
            losses[own] = loss(scores, samples.y[own])[0]
        return losses

    def _loss_for(self, scores: Array, samples: Samples) -> Loss:
        """The loss of probabilities is one all along; that of decisions depends on the head."""
        if self.spec.method == "decision_function":
            return loss_for(self.spec.method, scores, samples)
        self.loss = self.loss or loss_for(self.spec.method, scores, samples)
        return self.loss

    def _slopes(
        self, warp: ThreadedWarp, samples: Samples, parameters: Array, folds: Array
    ) -> tuple[Array, Array]:
        """Each sample's loss and its slope by its parameters, under the head of its fold."""
        losses, slopes = np.zeros(len(samples)), np.zeros_like(parameters)
        for fold, head in self.head_of_fold.items():
            own = np.flatnonzero(folds == fold)
            if len(own):
                losses[own], slopes[own] = head.slopes(
                    warp, samples.images[own], parameters[own], samples.y[own]
                )
        return losses, slopes


def _transform(network: Network) -> Transform:
    """The layer that is trained."""
    layer = network.layers[0]
    assert isinstance(layer, Transform)
    return layer


def _rectified(network: Network, images: Array, n_jobs: int | None) -> Array:
    """Images (n, h, w, c) as they are rectified now."""

    def run(part: slice) -> Array:
        return images_of(network.forward(activations_of(images[part]))[0])

    return np.concatenate(run_slices(run, network.slices(len(images)), n_jobs))


def _mean(values: Array, weights: Array) -> float:
    return math.fsum(values * weights) / math.fsum(weights)
