"""Networks as one call of a kernel give, of one image, what their layers give, to the bit."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from stn_cv.families import FAMILIES
from stn_cv.families.affine import AFFINE_FAMILIES
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from stn_cv.nn.network import Network
from stn_cv.nn.program import Program, TransformProgram

CHAINS = {
    "convolutions": [Conv2D(9, 3), ReLU(), MaxPool(2), Conv2D(5, 3, padding=1), LeakyReLU(0.3)],
    "pools": [MaxPool(3), AveragePool(2)],
    "a map left behind": [Conv2D(3, 5)],
    "padding, average and dropout": [Conv2D(4, 5, padding=2), AveragePool(3), Dropout(0.4)],
    "a kernel of one": [Conv2D(8, 1), MaxPool(4)],
    "dense": [Flatten(), Dense(33), LeakyReLU(), Dense(7), ReLU(), Dense(1)],
    "all at once": [
        *(AveragePool(2), Conv2D(6, 4), MaxPool(2), ReLU(), Flatten(), Dropout(), Dense(19)),
    ],
}
LOOK = [Conv2D(5, 3, padding=1), MaxPool(2), LeakyReLU(), Flatten(), Dense(9), LeakyReLU()]
HEAD = [AveragePool(2), Conv2D(4, 3), ReLU(), MaxPool(2), Flatten(), Dense(12), ReLU(), Dense(3)]
SHAPES = [(1, 17, 14), (3, 12, 23)]
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def network_of(layers, shape, dtype=np.float32, spread=0.3):
    """A network whose weights are all drawn, so that its transforms are off the identity."""
    network = Network(layers, shape, dtype=dtype)
    network.bind(np.random.default_rng(0).normal(0, spread, network.n_parameters).astype(dtype))
    return network


def images_of(shape, dtype=np.float32, n=4):
    return np.random.default_rng(1).random((*shape, n)).astype(dtype)


def by_layers(network, X):
    """What the layers of a network give one after another."""
    for layer in network.layers:
        if isinstance(layer, SpatialTransform):
            layer.network.program = None
        X, _ = layer.forward(X)
    return X


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_its_layers(name, each, shape, dtype):
    standardize = Standardize([0.2] * shape[0], [0.7] * shape[0])
    standardize = StandardizeEach() if each else standardize
    network = network_of([standardize, *CHAINS[name]], shape, dtype)
    assert isinstance(network.program, Program)
    X = images_of(shape, dtype)
    for i in range(X.shape[-1]):
        Y, _ = network.forward(X[..., i : i + 1])
        assert Y.dtype == dtype
        np.testing.assert_array_equal(Y, by_layers(network, X[..., i : i + 1]))


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("family", AFFINE_FAMILIES)
def test_a_transform_and_its_head_are_their_layers(family, n_steps, padding_mode, shape, dtype):
    fill = 0.25 if padding_mode == "zeros" else 0.0
    transform = SpatialTransform(LOOK, family, (9, 16), padding_mode, fill, n_steps=n_steps)
    network = network_of([transform, *HEAD], shape, dtype, spread=0.1)
    program, plain = network.program, network.copy()
    assert isinstance(program, TransformProgram)
    X = images_of(shape, dtype)
    for i in range(X.shape[-1]):
        one = X[..., i : i + 1]
        found = program.find(one.transpose(3, 1, 2, 0), network.vector)
        np.testing.assert_array_equal(found.outputs, by_layers(plain, one))
        layer = plain.layers[0]
        parameters = layer.warp_parameters(one)
        theta, _ = layer.composed_family().theta(parameters, shape[1:])
        np.testing.assert_array_equal(found.theta, theta)
        rectified, _ = layer.warp(one, parameters)
        np.testing.assert_array_equal(found.rectified, rectified.transpose(3, 1, 2, 0))
        assert np.ptp(found.rectified) > 0.05


@pytest.mark.parametrize("family", AFFINE_FAMILIES)
@pytest.mark.parametrize("n_steps", [1, 2])
def test_theta_is_the_same_alone_in_a_batch_and_by_arrays(family, n_steps):
    steps = FAMILIES[family].composed(n_steps) if n_steps > 1 else FAMILIES[family]
    parameters = np.random.default_rng(2).normal(0, 0.5, (20, steps.n_parameters))
    alone = [steps.theta(one[None], (31, 17))[0][0] for one in parameters]
    together, _ = steps.theta(parameters, (31, 17))
    np.testing.assert_array_equal(alone, together)
    by_arrays = replace(steps, motion=lambda parameters: steps.motion(parameters))
    np.testing.assert_allclose(by_arrays.theta(parameters, (31, 17))[0], together, atol=1e-14)


def test_what_lies_beyond_the_ordinary_is_left_to_the_layers():
    network = network_of([SpatialTransform([Flatten()], "affine"), Flatten(), Dense(2)], (1, 6, 6))
    X = images_of((1, 6, 6), n=1)
    network.layers[0].network.layers[-1].parameters[1][:] = 3e38  # theta is still a number
    assert network.program.find(X.transpose(3, 1, 2, 0), network.vector) is not None
    for value in (np.inf, np.nan):
        network.layers[0].network.layers[-1].parameters[1][0] = value
        assert network.program.find(X.transpose(3, 1, 2, 0), network.vector) is None
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(network.forward(X)[0], by_layers(network.copy(), X))


@dataclass
class Halve(Layer):
    """A layer of one's own."""

    def build(self, input_shape):
        return input_shape, []

    def forward(self, X, training=False, rng=None):
        return X / 2, lambda dY, want_dX=True: (dY / 2, [])


@dataclass
class Louder(Dense):
    """A layer of one's own that looks like one of ours."""

    def forward(self, X, training=False, rng=None):
        Y, backward = super().forward(X, training, rng)
        return 2 * Y, backward


@pytest.mark.parametrize(
    "layers",
    [
        [Halve(), Conv2D(2, 3)],
        [Flatten(), Louder(3)],
        [Parallel([[Conv2D(2, 3)], [Conv2D(1, 3)]])],
        [SpatialTransform([Flatten(), Dense(4)], "tps"), Conv2D(2, 3)],
        [SpatialTransform([Flatten(), Dense(4)], antialias=True), Conv2D(2, 3)],
        [SpatialTransform([Halve(), Flatten()]), Conv2D(2, 3)],
        [Conv2D(2, 3), SpatialTransform([Flatten(), Dense(4)])],
    ],
    ids=str,
)
def test_layers_that_cannot_be_part_of_it_are_asked_themselves(layers):
    network = network_of(layers, (1, 8, 8))
    assert network.program is None
    X = images_of((1, 8, 8), n=1)
    np.testing.assert_array_equal(network.forward(X)[0], by_layers(network.copy(), X))


def test_many_channels_are_left_to_the_layers():
    assert network_of([SpatialTransform([Flatten()])], (5, 6, 6)).program is None


def test_weights_that_change_are_seen_at_once():
    network = network_of([*CHAINS["all at once"], Dense(2)], SHAPES[0])
    X = images_of(SHAPES[0], n=1)
    before, _ = network.forward(X)
    network.vector *= 2
    assert not np.array_equal(network.forward(X)[0], before)
    network.bind(network.vector / 2)
    np.testing.assert_array_equal(network.forward(X)[0], before)


def test_threads_share_a_network():
    network = network_of([SpatialTransform(LOOK, "similarity", n_steps=2), *HEAD], SHAPES[0])
    X = images_of(SHAPES[0], n=200)
    ones = [X[..., i : i + 1] for i in range(X.shape[-1])]
    alone = [network.forward(one)[0] for one in ones]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: network.forward(one)[0], ones))
    np.testing.assert_array_equal(together, alone)


def test_a_copy_makes_a_program_of_its_own():
    network = network_of([Conv2D(2, 3), Flatten(), Dense(2)], SHAPES[0])
    X = images_of(SHAPES[0], n=1)
    wanted, _ = network.forward(X)
    for other in (network.copy(), pickle.loads(pickle.dumps(network))):
        assert "program" not in vars(other)
        np.testing.assert_array_equal(other.forward(X)[0], wanted)


def test_other_sizes_than_it_was_built_for_are_the_layers_own_affair():
    network = network_of([Conv2D(2, 3), MaxPool(2)], (1, 8, 8))
    X = images_of((1, 12, 10), n=1)
    np.testing.assert_array_equal(network.forward(X)[0], by_layers(network, X))
