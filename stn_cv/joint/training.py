"""Training with a scikit-learn classifier as the head: it is refitted, the localization steps.

Before each epoch the head is fitted, for every fold of the samples, on the images of the other
folds as rectified now. The localization then takes the steps of an epoch on the loss of each
sample under the head that has not seen it: a head that was fitted on a sample knows its label,
and has little to say about how it should lie.
"""

import math

import numpy as np

from ..arrays import Array
from ..nn.axes import activations_of, images_of
from ..nn.layer import Backward
from ..nn.network import Network
from ..nn.samples import DROPOUT, PROBE_EPOCH, QUIET, Samples, keyed
from ..nn.spatial import SpatialTransform
from ..nn.training import Settings, Trainer, sum_in_order
from ..threads import run_slices
from .folds import NO_FOLD
from .heads import Recipe
from .losses import Loss, loss_for
from .parameter_gradients import Judge, Warp

__all__ = ["JointTrainer", "transform_alone"]


def transform_alone(network: Network) -> Network:
    """A copy of a network's first layer, which rectifies."""
    alone = Network(
        network.layers[:1], network.input_shape, np.random.default_rng(0), network.vector.dtype
    )
    alone.vector[:] = network.vector[: len(alone.vector)]
    return alone


class JointTrainer(Trainer):
    """A localization that is trained for the head of a recipe.

    Parameters
    ----------
    network : Network
        One layer, a `SpatialTransform`.
    settings : Settings
        How to train.
    samples : Samples
        Those it will be trained on. Heads are fitted on one drawing of their augmentation.
    folds : ndarray of shape (n,)
        Their folds; -1 where no head is to judge. With one fold the head judges what it was
        fitted on.
    recipe : Recipe
        The head.
    """

    def __init__(
        self, network: Network, settings: Settings, samples: Samples, folds: Array, recipe: Recipe
    ) -> None:
        super().__init__(network, settings)
        self.samples = samples
        self.drawn = settings.as_in(samples, PROBE_EPOCH)
        self.folds = folds
        self.recipe = recipe
        self.loss: Loss | None = None
        self.judge_of_fold: dict[int, Judge] = {}

    @property
    def transform(self) -> SpatialTransform:
        """The layer that is trained."""
        layer = self.network.layers[0]
        assert isinstance(layer, SpatialTransform)
        return layer

    def judges(self, samples: Samples, validation: Samples | None) -> Samples:
        """The validation samples, or all training samples, each under a head new to it."""
        return samples if validation is None else validation

    def untrained_loss(self) -> float:
        """None is known: what training begins with may stay."""
        return math.inf

    def judged(self, samples: Samples) -> Array:
        """Weights of the samples that have a fold."""
        return samples.weights * (self.folds != NO_FOLD)

    def evaluate(self, judges: Samples) -> tuple[float, float]:
        """Refit the heads; (weighted mean loss, weighted accuracy) on samples new to them."""
        images = self._rectified(self.drawn.images)
        losses, right = self._refit(images)
        weights = self.judged(self.samples)
        if judges is not self.samples:
            head = self.recipe.fitted_on_the_way(images, self.samples)
            scores = self.recipe.scores(head, self._rectified(judges.images))
            losses = self._loss_for(scores, judges)(scores, judges.y)[0]
            right, weights = scores.argmax(axis=1) == judges.y, judges.weights
        total = math.fsum(weights)
        return math.fsum(losses * weights) / total, math.fsum(weights[right]) / total

    def _rectified(self, images: Array) -> Array:
        """Images (n, h, w, c) as they are rectified now."""

        def run(part: slice) -> Array:
            return images_of(self.network.forward(activations_of(images[part]))[0])

        return np.concatenate(
            run_slices(run, self.network.slices(len(images)), self.settings.n_jobs)
        )

    def _refit(self, images: Array) -> tuple[Array, Array]:
        """Fit each fold's head; the loss of each sample, and whether its head knows it."""
        samples = self.samples
        losses, right = np.zeros(len(samples)), np.zeros(len(samples), bool)
        for fold in np.unique(self.folds[self.folds != NO_FOLD]):
            own = self.folds == fold
            others = own if own.all() else ~own
            head = self.recipe.fitted_on_the_way(images[others], samples.take(others))
            scores = self.recipe.scores(head, images[own])
            loss = self._loss_for(scores, samples.take(own))
            self.judge_of_fold[fold] = Judge(self.recipe, head, loss)
            losses[own] = loss(scores, samples.y[own])[0]
            right[own] = scores.argmax(axis=1) == samples.y[own]
        return losses, right

    def _loss_for(self, scores: Array, samples: Samples) -> Loss:
        """The loss of probabilities is one all along; that of decisions depends on the head."""
        if self.recipe.method == "decision_function":
            return loss_for(self.recipe.method, scores, samples)
        self.loss = self.loss or loss_for(self.recipe.method, scores, samples)
        return self.loss

    @QUIET
    def _gradient(self, samples: Samples, index: Array) -> tuple[float, Array]:
        """Loss, summed, and gradient, of the weighted mean, over one batch."""
        batch, parts = samples.take(index), self.network.slices(len(index))

        @QUIET  # for the thread it runs on
        def look(part: slice) -> tuple[Array, Backward]:
            rng = keyed(self.settings.seed, DROPOUT, self.steps, part.start)
            return self.transform.look(activations_of(batch.images[part]), True, rng)

        looks = run_slices(look, parts, self.settings.n_jobs)
        losses, slopes = self._slopes(batch, np.concatenate([P for P, _ in looks]), index)
        weights = self.judged(samples)[index]
        largest = weights.max() or 1.0  # of a batch of small ones alone, float32 would hold none
        slopes *= (weights / largest)[:, None].astype(slopes.dtype)
        backwards = {part.start: backward for part, (_, backward) in zip(parts, looks, strict=True)}

        @QUIET
        def pull(part: slice) -> Array:
            return backwards[part.start](slopes[part], False)[1][0]

        gradient = sum_in_order(run_slices(pull, parts, self.settings.n_jobs))
        if weights.any():
            gradient /= gradient.dtype.type((weights / largest).sum())
        return float(losses @ weights), gradient

    def _slopes(self, batch: Samples, parameters: Array, index: Array) -> tuple[Array, Array]:
        """Each sample's loss and its slope by its parameters, under the head of its fold."""
        warp = Warp(self.transform, self.settings.n_jobs)
        losses, slopes = np.zeros(len(batch)), np.zeros_like(parameters)
        for fold, judge in self.judge_of_fold.items():
            own = np.flatnonzero(self.folds[index] == fold)
            if len(own):
                losses[own], slopes[own] = judge.slopes(
                    warp, batch.images[own], parameters[own], batch.y[own]
                )
        return losses, slopes
