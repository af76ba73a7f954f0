"""Each layer: its slow twin, its gradient, any memory layout, nothing kept of a call."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from support import reference, reference_nn
from support.reference import assert_gradient

from stn_cv import InvalidInputError, InvalidTypeError
from stn_cv.families import FAMILIES
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from stn_cv.nn.loss import cross_entropy, softmax
from stn_cv.nn.network import Network, flat_gradient

MAPS = (2, 5, 6)


def rng(seed=0):
    return np.random.default_rng(seed)


def built(layers, input_shape, dtype=np.float64, seed=0):
    """A network with weights everywhere, biases and last layers too."""
    network = Network(layers if isinstance(layers, list) else [layers], input_shape, rng(), dtype)
    network.vector[:] = rng(seed).normal(0, 0.4, network.vector.size)
    return network


def data(network, n, seed=1):
    shape, dtype = network.input_shape, network.vector.dtype
    X = rng(seed).normal(size=(*shape, n)).astype(dtype)
    return X, rng(seed + 1).normal(size=(*network.output_shape, n)).astype(dtype)


def weights_of(network):
    return network.layers[0].parameters


TWICE = Dense(4)
CONVOLUTIONS = [  # input (c, h, w), n, filters, kernel_size, padding
    ((1, 5, 7), 3, 2, 3, 0),
    ((3, 6, 5), 1, 5, 3, 1),
    ((2, 4, 4), 2, 1, 1, 0),
    ((2, 5, 4), 2, 3, 5, 4),
    ((4, 3, 5), 1, 4, 2, 1),
    ((1, 2, 3), 2, 2, 4, 3),
    ((5, 1, 6), 2, 1, 3, 1),
    ((1, 7, 1), 2, 2, 3, 2),
]
LAYERS = {
    "dense": (Dense(3), (7,), 4),
    "dense of one": (Dense(1), (1,), 1),
    "relu": (ReLU(), MAPS, 3),
    "relu of features": (ReLU(), (9,), 2),
    "leaky relu": (LeakyReLU(), MAPS, 3),
    "leaky relu of features": (LeakyReLU(0.3), (9,), 2),
    "max pool": (MaxPool(2), (2, 5, 6), 3),
    "max pool of 3": (MaxPool(3), (1, 7, 3), 1),
    "max pool of 1": (MaxPool(1), (1, 2, 3), 1),
    "max pool of 17": (MaxPool(17), (1, 18, 17), 1),  # more places than a byte counts
    "average pool": (AveragePool(2), (2, 5, 6), 3),
    "average pool of 3": (AveragePool(3), (1, 7, 3), 1),
    "flatten": (Flatten(), MAPS, 2),
    "standardize": (Standardize([0.5, -1], [0.25, 3]), MAPS, 2),
    "standardize each": (StandardizeEach(0.3), MAPS, 3),
    **{
        f"conv {shape} {n} {filters} {k} {padding}": (Conv2D(filters, k, padding), shape, n)
        for shape, n, filters, k, padding in CONVOLUTIONS
    },
    **{
        f"spatial {family}": (SpatialTransform([Flatten()], family, (3, 4)), (3, 3, 4), 2)
        for family in FAMILIES
    },
    "parallel": (
        Parallel(
            [
                [Conv2D(2, 3, 1), MaxPool(2)],
                [AveragePool(2)],
                [SpatialTransform([Flatten()], "translation", (2, 3))],
            ]
        ),
        (3, 5, 6),
        3,
    ),
    "parallel and flat": (Parallel([[Flatten(), Dense(3)], [Flatten()]]), (1, 2, 3), 2),
    "parallel of one without layers": (Parallel([[], [ReLU()]]), (4,), 2),
    "one layer in two places": (Parallel([[Flatten(), TWICE, ReLU(), TWICE]]), (1, 2, 2), 3),
    **{
        f"spatial {family} in 2 steps": (
            SpatialTransform([Flatten()], family, (3, 4), n_steps=2),
            (1, 4, 5),
            2,
        )
        for family in FAMILIES
        if not family.startswith("tps")
    },
    "spatial in 3 steps": (
        SpatialTransform([Flatten()], "translation", (3, 3), "reflection", n_steps=3),
        (1, 3, 4),
        2,
    ),
    "spatial antialiased": (
        SpatialTransform([Flatten()], "translation", (2, 2), "border", antialias=True),
        (3, 4, 5),
        2,
    ),
}
named = pytest.mark.parametrize("name", LAYERS)


def make(name, dtype=np.float64):
    layer, shape, n = LAYERS[name]
    network = built(layer, shape, dtype)
    return network, *data(network, n)


def slow(layer, X):
    """The output by plain loops."""
    W = layer.parameters
    return {
        Dense: lambda: reference_nn.dense(X, *W),
        Conv2D: lambda: reference_nn.conv(X, *W, layer.padding),
        MaxPool: lambda: reference_nn.pool(X, layer.size, np.max),
        AveragePool: lambda: reference_nn.pool(X, layer.size, np.mean),
        ReLU: lambda: reference_nn.relu(X),
        LeakyReLU: lambda: reference_nn.leaky_relu(X, layer.slope),
        Flatten: lambda: np.stack([X[..., i].ravel() for i in range(X.shape[-1])], axis=-1),
        Standardize: lambda: reference_nn.standardize(X, layer.mean, layer.scale),
        StandardizeEach: lambda: reference_nn.standardize_each(X, layer.epsilon),
        SpatialTransform: lambda: slow_spatial(layer, X),
        Parallel: lambda: np.concatenate([slow_chain(n.layers, X) for n in layer.networks]),
    }[type(layer)]()


def slow_chain(layers, X):
    for layer in layers:
        X = slow(layer, X)
    return X


def slow_spatial(layer, X):
    rules = (layer.padding_mode, layer.fill_value, layer.antialias)
    seen, thetas = X, None
    for step in range(layer.n_steps):
        if step:
            seen = reference_nn.spatial(X, thetas, X.shape[1:3], *rules)
        flat = np.stack([seen[..., i].ravel() for i in range(X.shape[-1])], axis=-1)
        P = reference_nn.dense(flat, *layer.network.layers[-1].parameters).T
        own = [reference_nn.theta(layer.family, one, X.shape[1:3]) for one in P]
        pairs = zip(thetas or own, own, strict=True)
        thetas = [reference_nn.after(*pair) for pair in pairs] if step else own
    return reference_nn.spatial(X, thetas, layer.shape, *rules)


@named
def test_the_output_is_that_of_the_slow_twin(name):
    network, X, _ = make(name)
    for training in (False, True):
        Y, _ = network.forward(X, training)
        assert Y.shape == (*network.output_shape, X.shape[-1])
        np.testing.assert_allclose(Y, slow(network.layers[0], X), rtol=1e-12, atol=1e-12)


@named
def test_float32_stays_float32_and_near(name):
    network, X, dY = make(name, np.float32)
    Y, backward = network.forward(X, True)
    dX, gradients = backward(dY)
    assert {a.dtype for a in (Y, dX, *gradients)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(Y, slow(network.layers[0], X), rtol=0, atol=3e-5)
    twin, X, dY = make(name)
    twin.vector[:] = network.vector
    wanted, wanted_gradients = twin.forward(X.astype(np.float32).astype(float), True)[1](dY)
    if name.startswith("spatial"):
        return  # beyond a kink the two may differ
    for given, truth in zip((dX, *gradients), (wanted, *wanted_gradients), strict=True):
        np.testing.assert_allclose(given, truth, rtol=1e-4, atol=1e-4)


def off_kinks(network, n):
    """Data on which no sampling point is near a pixel centre, where the slope jumps."""
    for seed in range(1000):
        X, dY = data(network, n, seed)
        if all(distance > 1e-3 for distance in kink_distances(network, X)):
            return X, dY
    raise AssertionError("no data found")


def kink_distances(network, X):
    for layer in network.layers:
        if isinstance(layer, Parallel):
            for branch in layer.networks:
                yield from kink_distances(branch, X)
        if isinstance(layer, SpatialTransform):
            yield from kink_distances(layer.network, X)
            P = layer.warp_parameters(X)
            count = P.shape[1] // layer.n_steps
            for step in range(1, layer.n_steps + 1):
                shape = layer.shape if step == layer.n_steps else X.shape[1:3]
                theta, _ = layer.composed_family(step).theta(P[:, : step * count], X.shape[1:3])
                for one in theta:
                    grid = reference.grid_of(one, shape)
                    if layer.antialias:
                        _, grid = reference.samples(one, X.shape[1:3], shape)
                    yield reference.kink_distance(grid, X.shape[1:3], False).min()
        if isinstance(layer, (ReLU, LeakyReLU)):
            yield np.abs(X).min()
        X, _ = layer.forward(X)


def check_gradients(network, n):
    """By the input and by all parameters, eps 1e-6."""
    X, dY = off_kinks(network, n)
    Y, backward = network.forward(X, True, rng(5))
    dX, gradients = backward(dY)
    assert_gradient(lambda X: network.forward(X, True, rng(5))[0], X, dY, dX)
    start = network.vector.copy()
    if not start.size:
        assert not any(gradient.size for gradient in gradients)
        return

    def of_vector(vector):
        network.vector[:] = vector
        return network.forward(X, True, rng(5))[0]

    assert_gradient(of_vector, start, dY, flat_gradient(gradients, np.empty_like(network.vector)))
    network.vector[:] = start


@named
def test_gradcheck_of_each_layer(name):
    layer, shape, n = LAYERS[name]
    check_gradients(built(layer, shape), n)


END_TO_END = {
    family: [
        SpatialTransform([AveragePool(2), Flatten(), Dense(3), ReLU()], family, (4, 4)),
        Standardize([0.2], [0.5]),
        Conv2D(2, 2),
        ReLU(),
        MaxPool(2),
        Flatten(),
        Dense(2, "glorot"),
    ]
    for family in FAMILIES
} | {
    "on maps": [
        Conv2D(2, 2),
        SpatialTransform([Flatten()], "attention", (3, 3)),
        Flatten(),
        Dropout(0.3),
        Dense(2),
    ],
    "stacked": [
        SpatialTransform([Flatten()], "similarity", (4, 5), "border"),
        SpatialTransform([Conv2D(1, 2), Flatten()], "translation", padding_mode="reflection"),
        Flatten(),
        Dense(2),
    ],
    "antialiased": [
        SpatialTransform([Flatten()], "similarity", (2, 3), antialias=True),
        Flatten(),
        Dense(2),
    ],
    "side by side": [
        Parallel(
            [
                [SpatialTransform([Flatten()], "translation", (3, 3))],
                [SpatialTransform([Flatten(), Dense(3)], "attention", (3, 3), "border")],
            ]
        ),
        Conv2D(2, 2),
        Flatten(),
        Dropout(0.3),
        Dense(2),
    ],
    "side by side on maps": [
        Conv2D(2, 2),
        Parallel([[SpatialTransform([Flatten()], "translation"), Conv2D(1, 2)], [Conv2D(1, 2)]]),
        Flatten(),
        Dense(2),
    ],
    "in steps": [
        SpatialTransform([Flatten(), Dense(3), Dropout(0.2)], "affine", (3, 3), n_steps=3),
        Flatten(),
        Dense(2),
    ],
    "in steps on maps": [
        Conv2D(2, 2),
        SpatialTransform([AveragePool(2), Flatten()], "similarity", fill_value=1.0, n_steps=2),
        Flatten(),
        Dense(2),
    ],
    "within": [
        SpatialTransform([SpatialTransform([Flatten()], "translation"), Flatten()], "affine"),
        Flatten(),
        Dense(2),
    ],
}


@pytest.mark.parametrize("name", END_TO_END)
def test_gradcheck_end_to_end(name):
    network = built(END_TO_END[name], (1, 5, 6), seed=3)
    network.vector *= 0.6
    check_gradients(network, 2)


@named
def test_dX_can_be_left_out(name):
    network, X, dY = make(name)
    _, backward = network.forward(X, True)
    _, gradients = backward(dY)
    none, alone = backward(dY, want_dX=False)
    if weights_of(network) or name.startswith(("max", "average")):
        assert none is None, "dX was computed all the same"
    for one, other in zip(alone, gradients, strict=True):
        np.testing.assert_array_equal(one, other)


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "samples first": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, -1, 0)), 0, -1),
    "negative strides": lambda a: np.flip(np.flip(a).copy()),
    "with gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
}


@named
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_gives_the_same_and_is_not_written_to(name, layout):
    network, X, dY = make(name)
    Y, backward = network.forward(X, True)
    wanted = (Y, *collect(backward(dY)))
    other_X, other_dY = LAYOUTS[layout](X), LAYOUTS[layout](dY)
    np.testing.assert_array_equal(other_X, X)
    Y, backward = network.forward(other_X, True)
    given = (Y, *collect(backward(other_dY)))
    for one, other in zip(given, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(other_X, X)
    np.testing.assert_array_equal(other_dY, dY)


def collect(result):
    dX, gradients = result
    return dX, *gradients


@named
def test_a_gradient_that_is_one_number_repeated(name):
    """What the mean over a batch hands back has strides of zero."""
    network, X, dY = make(name)
    _, backward = network.forward(X, True)
    one = np.broadcast_to(dY.ravel()[:1], dY.shape)
    for given, wanted in zip(collect(backward(one)), collect(backward(one.copy())), strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-12, atol=1e-13)


@named
def test_nothing_of_a_call_is_kept(name):
    network, X, dY = make(name)
    before = [sorted(vars(layer)) for layer in network.layers]
    wanted = collect(network.forward(X, True)[1](dY))
    _, first = network.forward(X, True)
    _, second = network.forward(X + 1, True)
    second(dY)
    for given, want in zip(collect(first(dY)), wanted, strict=True):
        np.testing.assert_array_equal(given, want)
    assert [sorted(vars(layer)) for layer in network.layers] == before


@pytest.mark.compiled
def test_a_convolution_of_rows_longer_than_a_block():
    for n, width in ((70, 40), (1, 1500)):
        network = built(Conv2D(5, 3, 1), (2, 3, width), np.float64)
        X, dY = data(network, n)
        Y, backward = network.forward(X, True)
        W, b = weights_of(network)
        for i in (0, n - 1):
            want = reference_nn.conv(X[..., i : i + 1], W, b, 1)
            np.testing.assert_allclose(Y[..., i : i + 1], want, rtol=1e-12, atol=1e-12)
        dX, (dW, db) = backward(dY)
        wide = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))
        for i, j in np.ndindex(3, 3):
            tap = np.einsum("fyxn,cyxn->fc", dY, wide[:, i : i + 3, j : j + width])
            np.testing.assert_allclose(dW[:, :, i, j], tap, rtol=1e-11, atol=1e-10)
        np.testing.assert_allclose(db, dY.sum(axis=(1, 2, 3)), rtol=1e-12, atol=1e-11)
        assert np.vdot(dX, X) == pytest.approx(np.vdot(Y, dY) - db @ b, rel=1e-10)


# Pooling, dropout


def test_the_first_of_equals_wins():
    network = built(MaxPool(2), (1, 2, 2))
    _, backward = network.forward(np.ones((1, 2, 2, 1)), True)
    np.testing.assert_array_equal(backward(np.ones((1, 1, 1, 1)))[0].ravel(), [1, 0, 0, 0])


def test_the_last_place_of_a_large_square_can_win():
    X = np.zeros((1, 17, 17, 1))
    X[0, 16, 16] = 1
    _, backward = built(MaxPool(17), (1, 17, 17)).forward(X, True)
    np.testing.assert_array_equal(backward(np.ones((1, 1, 1, 1)))[0], X)


def test_at_zero_a_relu_has_no_slope():
    _, backward = ReLU().forward(np.array([[-1.0, 0.0, 2.0]]), True)
    np.testing.assert_array_equal(backward(np.ones((1, 3)))[0], [[0, 0, 1]])


def test_dropout_keeps_the_mean_and_hands_back_the_same_places():
    layer = Dropout(0.25)
    X = np.ones((200, 50))
    Y, backward = layer.forward(X, True, rng(3))
    assert set(np.unique(Y)) == {0, 1 / 0.75}
    assert abs((Y == 0).mean() - 0.25) < 0.02
    np.testing.assert_array_equal(backward(X)[0], Y)
    np.testing.assert_array_equal(layer.forward(X, True, rng(3))[0], Y)
    assert (layer.forward(X, True, rng(4))[0] != Y).any()


def test_dropout_does_nothing_but_in_training():
    X = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(Dropout(0.9).forward(X, False, rng())[0], X)
    np.testing.assert_array_equal(Dropout(0.0).forward(X, True, rng())[0], X)
    assert Dropout(0.5).forward(X, True, rng())[0].dtype == np.float32
    Network([Dropout(np.float32(0.5))], (3,), rng())


# The spatial transform as a layer


@pytest.mark.parametrize("family", FAMILIES)
def test_at_the_start_it_is_the_identity(family):
    layers = [SpatialTransform([Flatten(), Dense(5), ReLU()], family), Flatten(), Dense(3)]
    network = Network(layers, (2, 5, 7), rng(), np.float64)
    X, _ = data(network, 3)
    np.testing.assert_allclose(network.layers[0].forward(X)[0], X, rtol=0, atol=1e-15)
    head = Network(layers[1:], (2, 5, 7), rng(), np.float64)
    head.vector[:] = network.vector[-head.vector.size :]
    np.testing.assert_allclose(network.forward(X)[0], head.forward(X)[0], rtol=1e-13)


@pytest.mark.parametrize("padding_mode", reference.PADDING_MODES)
def test_it_pads_and_fills_as_told(padding_mode):
    layer = SpatialTransform([Flatten()], "affine", (6, 7), padding_mode, 2.5)
    network = built(layer, (2, 4, 5))
    X, _ = data(network, 3)
    Y, _ = network.forward(X)
    np.testing.assert_allclose(Y, slow(network.layers[0], X), rtol=1e-12, atol=1e-12)
    assert (Y == 2.5).any() == (padding_mode == "zeros")


def test_two_networks_of_one_description_have_nothing_in_common():
    transform = SpatialTransform([Flatten()], "translation")
    one, other = (Network([transform], (1, 4, 4), rng(), np.float64) for _ in range(2))
    one.vector[-2:] = 0.5
    X, _ = data(one, 2)
    assert (one.forward(X)[0] != X).any()
    np.testing.assert_allclose(other.forward(X)[0], X, rtol=0, atol=1e-15)
    assert not hasattr(transform, "network"), "the description was built in place"


# The network


def test_parameters_are_views_of_one_vector():
    network = built(END_TO_END["stacked"], (1, 5, 6))
    vectors = [p for layer in network.layers for p in layer.parameters]
    inner = [p for layer in network.layers[0].network.layers for p in layer.parameters]
    for array in (*vectors, *inner):
        assert np.shares_memory(array, network.vector)
    assert sum(p.size for p in vectors) == network.vector.size
    X, _ = data(network, 2)
    before, _ = network.forward(X)
    network.vector[:] = 0
    assert not network.forward(X)[0].any() and before.any()


@pytest.mark.parametrize(
    "way", [copy.deepcopy, Network.copy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_a_copy_is_equal_and_its_own(way):
    network = built(END_TO_END["stacked"], (1, 5, 6))
    other = way(network)
    X, _ = data(network, 2)
    wanted, _ = network.forward(X)
    np.testing.assert_array_equal(other.forward(X)[0], wanted)
    other.vector[:] = 0
    assert not other.forward(X)[0].any(), "the copy's layers do not see the copy's vector"
    np.testing.assert_array_equal(network.forward(X)[0], wanted)


def test_descriptions_are_left_as_they_were():
    layers = [Dense(4), ReLU(), Dense(2)]
    Network(layers, (3,), rng())
    assert [vars(layer) for layer in layers] == [
        {"units": 4, "initialization": "he"}, {}, {"units": 2, "initialization": "he"}
    ]  # fmt: skip


def test_side_by_side_each_transform_has_weights_of_its_own():
    looks = [[SpatialTransform([Flatten(), Dense(4), ReLU()], "translation")]] * 2
    network = Network([Parallel(looks)], (1, 4, 4), rng(), np.float64)
    X, _ = data(network, 2)
    np.testing.assert_allclose(network.forward(X)[0], np.concatenate([X, X]), atol=1e-15)
    one, other = network.layers[0].parameters
    assert np.shares_memory(one, network.vector) and (one != other).any()
    other[-2:] = 0.5
    Y, _ = network.forward(X)
    np.testing.assert_allclose(Y[:1], X, rtol=0, atol=1e-15)
    assert (Y[1:] != X).any() and not hasattr(looks[0][0], "network")
    for same in (network.copy(), pickle.loads(pickle.dumps(network))):
        np.testing.assert_array_equal(same.forward(X)[0], Y)
        same.vector[:] = 0
        np.testing.assert_array_equal(network.forward(X)[0], Y)


def test_localizations_are_known_wherever_they_stand():
    transform = SpatialTransform(
        [SpatialTransform([Flatten()], "translation"), Flatten()], "affine"
    )
    alone = Network([transform], (1, 3, 3), rng()).vector.size
    on_maps = Network([transform], (2, 3, 3), rng()).vector.size
    layers = [
        Parallel([[transform], [Conv2D(1, 1), transform]]),
        transform,
        Flatten(),
        Dense(2),
    ]
    network = Network(layers, (1, 3, 3), rng())
    parts = [alone * [True], 2 * [False], alone * [True], on_maps * [True], 38 * [False]]
    assert network.localization_mask().tolist() == sum(parts, [])
    decayed = network.decay_mask()
    assert decayed[alone : alone + 2].tolist() == [True, False]
    assert decayed[:alone].tolist() == Network([transform], (1, 3, 3), rng()).decay_mask().tolist()


def test_the_same_seed_gives_the_same_weights():
    first, second = (Network(END_TO_END["affine"], (1, 5, 6), rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.vector, second.vector)
    assert first.vector.dtype == np.float32 and first.vector.any()


def test_a_network_without_a_generator_has_no_weights_until_it_is_given_some():
    layers = [
        SpatialTransform([Flatten(), Dense(2)], "affine"),
        Parallel([[Conv2D(1, 2)], [Conv2D(2, 2)]]),
        Flatten(),
        Dense(2**40),  # which no memory holds
    ]
    network = Network(layers, (1, 3, 3))
    assert network.n_parameters == 2 * 9 + 2 + 6 * 2 + 6 + 5 + 10 + 13 * 2**40
    assert not hasattr(network, "vector") and not hasattr(copy.deepcopy(network), "vector")
    drawn, bare = (Network(END_TO_END["affine"], (1, 5, 6), *given) for given in ([rng(7)], []))
    bare.bind(drawn.vector.copy())
    X = rng().random((1, 5, 6, 3), np.float32)
    np.testing.assert_array_equal(bare.forward(X)[0], drawn.forward(X)[0])
    np.testing.assert_array_equal(bare.initial(rng(7)).astype(np.float32), drawn.vector)


def test_initial_weights_have_the_variance_they_are_named_for():
    for name, wanted in (("he", 2 / 300), ("glorot", 2 / 500), ("zeros", 0)):
        W, b = Network([Dense(200, name)], (300,), rng(), np.float64).layers[0].parameters
        assert W.var() == pytest.approx(wanted, rel=0.03) and not b.any()
    W, _ = Network([Conv2D(40, 5)], (10, 9, 9), rng(), np.float64).layers[0].parameters
    assert W.var() == pytest.approx(2 / 250, rel=0.05)


def test_weights_decay_and_biases_do_not():
    layers = [
        SpatialTransform([Flatten(), Dense(2)], "translation"),
        Conv2D(1, 2),
        Flatten(),
        Dense(2),
    ]
    network = Network(layers, (1, 3, 3), rng())
    parts = [18 * [True], 2 * [False], 4 * [True], 2 * [True]]  # the last starts at zero: all of it
    parts += [4 * [True], [False], 8 * [True], 2 * [False]]
    assert network.decay_mask().tolist() == sum(parts, [])


def test_a_vector_of_another_length_is_refused():
    network = Network([Dense(2)], (3,), rng())
    with pytest.raises(InvalidInputError, match="9 parameters came; the network has 8"):
        network.bind(np.zeros(9))
    with pytest.raises(InvalidInputError, match="7 parameters came; the network has 8"):
        network.bind(np.zeros(7))


BAD = [
    ([Dense(0)], (3,), "units=0; wanted a positive integer"),
    ([Dense(2.0)], (3,), "units=2.0"),
    ([Dense(True)], (3,), "units=True"),
    ([Dense(2, "orthogonal")], (3,), "wanted one of he, glorot, zeros"),
    ([Dense(2)], (1, 3, 3), r"put Flatten\(\) before it"),
    ([Flatten(), Conv2D(2, 2)], (1, 3, 3), r"put it before Flatten\(\)"),
    ([Conv2D(2, 0)], (1, 3, 3), "kernel_size=0"),
    ([Conv2D(2, 4)], (1, 3, 5), "leaves nothing"),
    ([Conv2D(2, 3, 3)], (1, 3, 5), "padding from 0 to"),
    ([Conv2D(2, 3, -1)], (1, 9, 9), "padding from 0 to"),
    ([Conv2D(2, 3, 0.5)], (1, 9, 9), "padding"),
    ([MaxPool(4)], (1, 3, 5), "leaves nothing"),
    ([AveragePool(0)], (1, 3, 5), "size=0"),
    ([Dropout(1.0)], (3,), "wanted 0 to below 1"),
    ([Dropout(-0.1)], (3,), "wanted 0 to below 1"),
    ([Dropout("half")], (3,), "wanted 0 to below 1"),
    ([LeakyReLU(0.0)], (3,), "slope=0.0; wanted a number between 0 and 1"),
    ([LeakyReLU(1.5)], (3,), "slope=1.5"),
    ([LeakyReLU("small")], (3,), "slope='small'"),
    ([SpatialTransform([Flatten()], fill_value="a")], (1, 3, 3), "fill_value is 'a'"),
    ([SpatialTransform([Flatten()], fill_value=None)], (1, 3, 3), "fill_value is None"),
    ([Flatten()], (3,), "Flatten"),
    ([Standardize([0.5], [1.0])], (2, 3, 3), "2 finite figures"),
    ([Standardize([0.5], [0.0])], (1, 3, 3), "scales above 0"),
    ([Standardize([np.nan], [1.0])], (1, 3, 3), "finite"),
    ([SpatialTransform([Flatten()], "warp")], (1, 3, 3), "family is 'warp'; wanted one of"),
    ([SpatialTransform([Flatten()], ["affine"])], (1, 3, 3), "family"),
    ([SpatialTransform([Flatten()], padding_mode="wrap")], (1, 3, 3), "padding_mode is 'wrap'"),
    ([SpatialTransform([Flatten()], output_shape=(0, 3))], (1, 3, 3), "output_shape"),
    ([SpatialTransform([Flatten()], output_shape=(3,))], (1, 3, 3), r"wanted \(height, width\)"),
    ([SpatialTransform([Flatten()], output_shape=3)], (1, 3, 3), r"wanted \(height, width\)"),
    ([SpatialTransform([Flatten()], output_shape=(3, 2.5))], (1, 3, 3), "output_shape"),
    ([SpatialTransform([Flatten()], fill_value=np.nan)], (1, 3, 3), "fill_value"),
    ([SpatialTransform([Flatten()], fill_value=True)], (1, 3, 3), "fill_value is True"),
    ([SpatialTransform([Flatten()], antialias="no")], (1, 3, 3), "antialias is 'no'"),
    ([Parallel([[ReLU()], [MaxPool(2)]])], (1, 4, 4), "one height and width"),
    ([Parallel([[ReLU()], [Flatten()]])], (1, 4, 4), "one height and width"),
    ([SpatialTransform([Flatten()], n_steps=0)], (1, 3, 3), "n_steps=0; wanted a positive"),
    ([SpatialTransform([Flatten()], n_steps=17)], (1, 3, 3), "n_steps is 17; wanted 16 at most"),
    ([SpatialTransform([Flatten()], n_steps=1.5)], (1, 3, 3), "n_steps=1.5; wanted a positive"),
    ([SpatialTransform([Flatten()], "tps", n_steps=2)], (1, 3, 3), "n_steps is 2.*use n_steps=1"),
    ([SpatialTransform([ReLU()])], (1, 3, 3), r"put Flatten\(\) before it"),
]


@pytest.mark.parametrize(("layers", "shape", "message"), BAD)
def test_a_layer_that_cannot_be_says_why(layers, shape, message):
    with pytest.raises(InvalidInputError, match=message):
        Network(layers, shape, rng())


def test_a_localization_that_is_no_list_is_refused():
    with pytest.raises(InvalidTypeError, match="localization is None; wanted a list"):
        Network([SpatialTransform(None)], (1, 3, 3), rng())


def test_a_layer_that_changes_the_dtype_is_named():
    @dataclass
    class Doubled(ReLU):
        def forward(self, X, training=False, rng=None):
            return X * np.float64(2), None

    network = Network([Doubled(), Conv2D(2, 2), Flatten()], (1, 3, 3), rng())
    with pytest.raises(InvalidTypeError, match="Doubled.* made float64 of float32"):
        network.forward(np.zeros((1, 3, 3, 2), np.float32))


def test_what_is_no_layer_is_refused():
    for what in (Dense, "Dense", None):
        with pytest.raises(InvalidTypeError, match="wanted layers of stn_cv.nn"):
            Network([what], (3,), rng())
        with pytest.raises(InvalidTypeError, match="wanted layers of stn_cv.nn"):
            Network([Parallel([[what]])], (3,), rng())
    for branches in ([], [ReLU()], ReLU(), 3):
        with pytest.raises(InvalidTypeError, match="wanted a list of lists of layers"):
            Network([Parallel(branches)], (3,), rng())


# The loss


def test_cross_entropy_and_its_gradient():
    logits, y, weights = rng().normal(size=(4, 5)), np.array([0, 3, 1, 1, 2]), rng(1).random(5)
    losses, slopes = cross_entropy(logits, y)
    wanted = reference_nn.cross_entropy(logits, y, weights)
    assert losses @ weights == pytest.approx(wanted, rel=1e-13)
    assert_gradient(lambda z: cross_entropy(z, y)[0] @ weights, logits, 1.0, slopes * weights)
    np.testing.assert_allclose(softmax(logits).sum(axis=0), 1, rtol=1e-15)


def test_cross_entropy_of_huge_logits_is_finite():
    logits = np.array([[1e4, -1e30], [-1e4, 1e30]], np.float32)
    losses, slopes = cross_entropy(logits, np.array([1, 1]))
    assert losses.sum() == pytest.approx(2e4) and np.isfinite(slopes).all()


def test_a_forward_without_training_has_no_backward():
    network = Network([Flatten(), Dense(3)], (1, 4, 4), np.random.default_rng(0))
    Y, backward = network.forward(np.ones((1, 4, 4, 2), np.float32))
    with pytest.raises(RuntimeError, match="without training"):
        backward(Y)
