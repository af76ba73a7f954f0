"""Layers without training, of which some are done together, give what each of them gives."""

import numpy as np
import pytest

import stn_cv.nn.inference as inference
from stn_cv.nn import Conv2D, Flatten, LeakyReLU, MaxPool, ReLU
from stn_cv.nn.network import Network


def one_by_one(network, X):
    for layer in network.layers:
        X, _ = layer.forward(X)
    return X


@pytest.mark.parametrize("filters", [1, 4, 5, 7])  # done one, four and five at a time
@pytest.mark.parametrize(("kernel_size", "padding"), [(3, 0), (3, 1), (5, 4), (2, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_convolution_with_its_pool_gives_the_same_to_the_bit(
    filters, kernel_size, padding, dtype, monkeypatch
):
    layers = [Conv2D(filters, kernel_size, padding), MaxPool(), ReLU(), Flatten()]
    rng, together = np.random.default_rng(0), []
    own = inference.pooled
    monkeypatch.setattr(inference, "pooled", lambda *a: together.append(own(*a)) or together[-1])
    for shape in ((2, 9, 8), (1, 12, 13)):  # a row, a column left over by the pool
        network = Network(layers, shape, rng, dtype)
        for n in (2, 17, 40):
            X = rng.normal(size=(*shape, n)).astype(dtype)
            X[0, 4, 4, 0], X[0, 5, 5, 1] = np.nan, np.inf
            Y, _ = network.forward(X)
            assert np.array_equal(Y, one_by_one(network, X), equal_nan=True)
    assert any(Y is not None for Y in together)


class Own(Conv2D):
    """A convolution of one's own, whose `forward` must be asked."""

    def forward(self, X, training=False, rng=None):
        Y, backward = super().forward(X, training, rng)
        return Y + 1, backward


@pytest.mark.parametrize(
    "layers",
    [[Own(4, 3), MaxPool()], [Conv2D(4, 3), MaxPool(3)], [Conv2D(4, 3), LeakyReLU()]],
    ids=lambda layers: " ".join(type(layer).__name__ for layer in layers),
)
def test_what_is_not_done_together_is_done_by_each(layers):
    network = Network(layers, (1, 12, 12), np.random.default_rng(0))
    X = np.random.default_rng(1).random((1, 12, 12, 40), np.float32)
    assert np.array_equal(network.forward(X)[0], one_by_one(network, X))
