"""What depends on how many images come at once, or on the order of layers, and must not."""

import numpy as np
import pytest
from support import reference_nn

from stn_cv.nn import AveragePool, Conv2D, Flatten, LeakyReLU, MaxPool, ReLU
from stn_cv.nn.network import Network


def built(layers, shape, seed=0):
    network = Network(layers, shape, np.random.default_rng(seed), np.float64)
    network.vector[:] = np.random.default_rng(seed).normal(size=network.vector.size)
    return network


def together_and_apart(network, n, seed=1):
    """Outputs and input gradients of a batch, and of its images one by one."""
    X = np.random.default_rng(seed).normal(size=(*network.input_shape, n))
    Y, backward = network.forward(X, True)
    dY = np.random.default_rng(seed + 1).normal(size=Y.shape)
    apart = [network.forward(X[..., i : i + 1], True) for i in range(n)]
    one_by_one = [back(dY[..., i : i + 1]) for i, (_, back) in enumerate(apart)]
    return (
        (Y, *backward(dY)),
        (
            np.concatenate([y for y, _ in apart], axis=-1),
            np.concatenate([dX for dX, _ in one_by_one], axis=-1),
            [sum(g) for g in zip(*(gradients for _, gradients in one_by_one), strict=True)],
        ),
    )


@pytest.mark.parametrize("n", [1, 3, 40])
@pytest.mark.parametrize(
    ("filters", "k", "padding", "shape"),
    [(5, 3, 1, (3, 7, 9)), (4, 5, 0, (2, 11, 8)), (3, 4, 2, (4, 6, 5)), (6, 1, 0, (7, 3, 3))],
)
def test_a_convolution_of_few_and_of_many_images(filters, k, padding, shape, n):
    network = built([Conv2D(filters, k, padding)], shape)
    (Y, dX, gradients), apart = together_and_apart(network, n)
    np.testing.assert_allclose(Y, apart[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(dX, apart[1], rtol=1e-11, atol=1e-12)
    for together, sums in zip(gradients, apart[2], strict=True):
        np.testing.assert_allclose(together, sums, rtol=1e-10, atol=1e-11)
    X = np.random.default_rng(1).normal(size=(*shape, n))
    W, b = network.layers[0].parameters
    wanted = reference_nn.conv(X[..., :2], W, b, padding)
    np.testing.assert_allclose(Y[..., :2], wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("pool", [MaxPool(2), MaxPool(3), AveragePool(2)])
def test_pools_of_one_and_of_many_images(pool):
    (Y, dX, _), apart = together_and_apart(built([pool], (3, 7, 8)), 19)
    np.testing.assert_array_equal(Y, apart[0])
    np.testing.assert_array_equal(dX, apart[1])


@pytest.mark.parametrize("n", [1, 5000])
def test_a_relu_of_few_and_of_many_values(n):
    values = np.array([-np.inf, -1.5, -0.0, 0.0, 2.5, np.inf, np.nan])
    Y, backward = ReLU().forward(np.repeat(values[:, None], n, axis=1), True)
    wanted = np.array([0, 0, 0, 0, 2.5, np.inf, np.nan])  # NaN stays, so that it is noticed
    np.testing.assert_array_equal(Y, np.repeat(wanted[:, None], n, axis=1))
    dX, _ = backward(np.ones_like(Y))
    np.testing.assert_array_equal(dX[:-1], np.repeat(wanted[:-1, None] > 0, n, axis=1))


@pytest.mark.parametrize("n", [1, 5000])
def test_a_leaky_relu_of_few_and_of_many_values(n):
    values = np.array([-np.inf, -1.5, -0.0, 0.0, 2.5, np.inf, np.nan])
    Y, backward = LeakyReLU(0.2).forward(np.repeat(values[:, None], n, axis=1), True)
    wanted = np.array([-np.inf, -0.3, 0, 0, 2.5, np.inf, np.nan])
    np.testing.assert_allclose(Y, np.repeat(wanted[:, None], n, axis=1), rtol=1e-12)
    dX, _ = backward(np.ones_like(Y))
    slopes = np.where(wanted[:-1, None] > 0, 1, 0.2)
    np.testing.assert_array_equal(dX[:-1], np.repeat(slopes, n, axis=1))


def test_a_leaky_relu_before_a_max_pool_is_moved_behind_it_and_gives_the_same():
    network = built([Conv2D(4, 3), LeakyReLU(), MaxPool(2), Flatten()], (2, 9, 9))
    assert [type(layer) for layer in network.layers] == [Conv2D, MaxPool, LeakyReLU, Flatten]
    X = np.random.default_rng(3).normal(size=(2, 9, 9, 5))
    maps, _ = network.layers[0].forward(X)
    wanted, _ = MaxPool(2).forward(np.where(maps > 0, maps, 0.1 * maps))
    np.testing.assert_allclose(network.forward(X)[0], wanted.reshape(-1, 5), rtol=1e-12)


@pytest.mark.parametrize("relus", [1, 2])
def test_a_relu_before_a_max_pool_gives_what_one_behind_it_gives(relus):
    layers = [Conv2D(4, 3), *[ReLU()] * relus, MaxPool(2), Flatten()]
    network = built(layers, (2, 9, 9))
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [Conv2D, MaxPool, *[ReLU] * relus, Flatten]
    X = np.random.default_rng(3).normal(size=(2, 9, 9, 5))
    Y, backward = network.forward(X, True)
    dY = np.random.default_rng(4).normal(size=Y.shape)
    conv, pool = network.layers[0], MaxPool(2)
    maps, conv_backward = conv.forward(X, True)
    pooled, pool_backward = pool.forward(np.maximum(maps, 0), True)
    np.testing.assert_array_equal(Y, pooled.reshape(Y.shape))
    dmaps, _ = pool_backward(dY.reshape(pooled.shape))
    dX, gradients = conv_backward(dmaps * (maps > 0))
    given = backward(dY)
    np.testing.assert_allclose(given[0], dX, rtol=1e-12, atol=1e-13)
    for mine, wanted in zip(given[1], gradients, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-12, atol=1e-13)
