"""An objective of one's own, in the one loop: known poses, and nothing derived from anything."""

import dataclasses
import math

import numpy as np
import pytest

from stn_cv import warp_affine
from stn_cv.nn import Dense, Dropout, Flatten, ReLU, SpatialTransform
from stn_cv.nn.layout import activations_of
from stn_cv.nn.network import Network
from stn_cv.nn.objectives import Evaluation
from stn_cv.nn.random_keys import keyed
from stn_cv.nn.settings import Settings
from stn_cv.nn.training import Trainer, train
from stn_cv.threads import run_slices, slices_of

pytestmark = pytest.mark.compiled  # the loop, which no kernel is part of

SIDE, CANVAS = 12, 99  # CANVAS: a purpose of random numbers
CORNERS = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
SETTINGS = Settings(
    solver="adam", learning_rate_init=0.01, learning_rate="constant",
    localization_learning_rate_ratio=1.0, batch_size=50, max_iter=12, tol=0.0,
    n_iter_no_change=100, alpha=0.0, max_norm=10.0, seed=3, n_jobs=1,
)  # fmt: skip
LAYERS = [Flatten(), Dense(32), ReLU(), Dropout(0.05)]


@dataclasses.dataclass(frozen=True)
class Canvases:
    """Pictures, and the theta that brings each upright."""

    images: np.ndarray
    theta: np.ndarray
    weights: np.ndarray


def canvases(rng, n):
    """An L, moved and enlarged at random."""
    upright = np.zeros((n, SIDE, SIDE, 1), np.float32)
    upright[:, 2:10, 3:5] = upright[:, 8:10, 3:9] = 1
    theta = np.zeros((n, 2, 3))
    theta[:, 0, 0] = theta[:, 1, 1] = rng.uniform(0.7, 1.3, n)
    theta[:, :, 2] = rng.uniform(-0.4, 0.4, (n, 2))
    inverse = theta.copy()
    inverse[:, [0, 1], [0, 1]] = 1 / theta[:, [0, 1], [0, 1]]
    inverse[:, :, 2] = -theta[:, :, 2] / theta[:, [0, 1], [0, 1]]
    return Canvases(warp_affine(upright, inverse, (SIDE, SIDE)), theta, np.ones(n))


def corner_loss(outputs, theta):
    """Squared distance of the corners, (n,), of (log scale, x, y) from theta, and its slopes."""
    scale = np.exp(outputs[0])
    found = np.zeros(theta.shape)
    found[:, 0, 0] = found[:, 1, 1] = scale
    found[:, :, 2] = outputs[1:].T
    off = (found - theta) @ CORNERS.T  # (n, 2, 4)
    dtheta = 2 * off @ CORNERS
    slopes = np.stack([scale * (dtheta[:, 0, 0] + dtheta[:, 1, 1]), *dtheta[:, :, 2].T])
    return (off**2).sum(axis=(1, 2)), slopes.astype(outputs.dtype)


class KnownPoses:
    """The corners' distance on pictures drawn anew: for an epoch, or for each batch."""

    def __init__(self, n=200, lazily=False):
        self.n, self.lazily = n, lazily
        self.validation = canvases(np.random.default_rng(5), 150)
        self.epochs, self.evaluations = [], []

    def draw(self, settings, epoch):
        self.epochs.append(epoch)
        if self.lazily:
            return Canvases(np.full(self.n, epoch), np.arange(self.n), np.ones(self.n))

        def run(part):
            n = part.stop - part.start
            return canvases(keyed(settings.seed, CANVAS, epoch, part.start), n)

        drawn = run_slices(run, slices_of(self.n), settings.n_jobs)
        images, theta = (np.concatenate([getattr(d, name) for d in drawn])
                         for name in ("images", "theta"))  # fmt: skip
        return Canvases(images, theta, np.ones(self.n))

    def outputs(self, network, images, training=False, rng=None):
        return network.forward(activations_of(images), training, rng)

    def gradient(self, batch, drawn):
        def run(part):
            own = batch.index[part]
            if self.lazily:
                epoch = int(drawn.images[0])
                drawn_now = [canvases(keyed(batch.seed, CANVAS, epoch, i), 1) for i in own]
                images = np.concatenate([one.images for one in drawn_now])
                theta = np.concatenate([one.theta for one in drawn_now])
            else:
                images, theta = drawn.images[own], drawn.theta[own]
            outputs, backward = self.outputs(batch.network, images, True, batch.rng(part))
            losses, slopes = corner_loss(outputs, theta)
            weights = batch.weights[part]
            gradients = backward(slopes * weights.astype(slopes.dtype), False)[1]
            return float(losses @ weights), gradients

        return batch.summed(run)

    def evaluate(self, network, settings):
        outputs, _ = self.outputs(network, self.validation.images)
        losses, _ = corner_loss(outputs, self.validation.theta)
        self.evaluations.append(Evaluation(float(losses.mean())))
        return self.evaluations[-1]

    def untrained_loss(self, network):
        return math.inf


class InsideATransform(KnownPoses):
    """The same, on what the localization of a transform gives."""

    def outputs(self, network, images, training=False, rng=None):
        parameters, backward = network.layers[0].localize(activations_of(images), training, rng)
        return parameters.T, lambda dY, want_dX=True: backward(dY.T, want_dX)


def trained(objective, transform=False, **changes):
    layers = [*LAYERS, Dense(3, "zeros")]
    if transform:
        layers = [SpatialTransform(LAYERS, "attention")]
    network = Network(layers, (1, SIDE, SIDE), np.random.default_rng(0))
    settings = dataclasses.replace(SETTINGS, **changes)
    return network, train(Trainer(network, settings, objective))


@pytest.mark.parametrize("lazily", [False, True])
def test_a_new_objective_is_an_argument(lazily):
    objective = KnownPoses(lazily=lazily)
    network, history = trained(objective)
    first, *others = (evaluation.loss for evaluation in objective.evaluations)
    assert min(others) < 0.25 * first and len(others) == 12
    assert objective.epochs == list(range(12))
    assert history.best_epoch == 1 + int(np.argmin(others)) and history.scores == []
    kept = objective.evaluate(network, SETTINGS).loss  # by another number of BLAS's threads
    assert kept == pytest.approx(min(others), rel=1e-6)


@pytest.mark.parametrize("lazily", [False, True])
def test_it_is_bit_identical_for_any_number_of_threads(small_slices, lazily):
    vectors = [
        trained(KnownPoses(lazily=lazily), n_jobs=n_jobs, max_iter=2)[0].vector
        for n_jobs in (1, 2, 4)
    ]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_it_trains_the_localization_of_a_transform():
    objective = InsideATransform()
    trained(objective, transform=True)
    assert objective.evaluations[-1].loss < 0.25 * objective.evaluations[0].loss


def test_weights_of_any_size_are_the_same_to_it():
    """What it is given is relative; what comes back is divided by the weights."""

    class Weighty(KnownPoses):
        def draw(self, settings, epoch):
            drawn = super().draw(settings, epoch)
            return dataclasses.replace(drawn, weights=1e-30 * drawn.weights)

    one, plain = trained(KnownPoses(), max_iter=2)
    other, small = trained(Weighty(), max_iter=2)
    np.testing.assert_allclose(one.vector, other.vector, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(plain.losses, small.losses, rtol=1e-5)


def test_a_score_goes_before_the_loss():
    class Scored(KnownPoses):
        def evaluate(self, network, settings):
            super().evaluate(network, settings)
            return Evaluation(1.0, score=-abs(len(self.epochs) - 4))

    _, history = trained(Scored(), max_iter=6)
    assert history.best_epoch == 4 and history.scores == [-3, -2, -1, 0, -1, -2]
