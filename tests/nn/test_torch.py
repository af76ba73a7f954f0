"""torch is the peer of layers, loss, solvers, and of a whole step of the tutorial's network."""

import numpy as np
import pytest

from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool,
    ReLU,
    SpatialTransform,
    Standardize,
)
from stn_cv.nn.loss import cross_entropy
from stn_cv.nn.network import Network, flat_gradient
from stn_cv.nn.objectives import Classification
from stn_cv.nn.optimizer import SOLVERS
from stn_cv.nn.samples import Samples
from stn_cv.nn.settings import Settings
from stn_cv.nn.training import Trainer

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.torch

CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def rng(seed=0):
    return np.random.default_rng(seed)


def tensor(array, grad=True):
    """Samples first, as torch has them; float64."""
    return torch.tensor(np.moveaxis(array, -1, 0).copy(), requires_grad=grad)


def back(t):
    return np.moveaxis(t.detach().numpy(), 0, -1)


def parameter(array):
    return torch.tensor(array.copy(), requires_grad=True)


def compare(layer, shape, n, peer, seed=0):
    network = Network([layer], shape, rng(), np.float64)
    network.vector[:] = rng(seed).normal(size=network.vector.size)
    X = rng(seed + 1).normal(size=(*shape, n))
    dY = rng(seed + 2).normal(size=(*network.output_shape, n))
    Y, backward = network.forward(X, True)
    dX, gradients = backward(dY)
    x, parameters = tensor(X), [parameter(p) for p in network.layers[0].parameters]
    y = peer(x, *parameters)
    y.backward(tensor(dY, False))
    np.testing.assert_allclose(Y, back(y), **CLOSE)
    np.testing.assert_allclose(dX, back(x.grad), **CLOSE)
    for given, wanted in zip(gradients, parameters, strict=True):
        np.testing.assert_allclose(given, wanted.grad.numpy(), **CLOSE)


@pytest.mark.parametrize("seed", range(60))
def test_a_convolution(seed):
    random = rng(seed)
    channels, filters, k, n = (int(v) for v in random.integers(1, 8, 4))
    padding = int(random.integers(0, k))
    shape = tuple(int(v) for v in random.integers(max(k - 2 * padding, 1), 12, 2))
    compare(
        Conv2D(filters, k, padding),
        (channels, *shape),
        n,
        lambda x, W, b: F.conv2d(x, W, b, padding=padding),
        seed,
    )


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 6, 6), (1, 7, 5), (3, 3, 8)])
def test_pools(shape, size):
    compare(MaxPool(size), shape, 3, lambda x: F.max_pool2d(x, size))
    compare(AveragePool(size), shape, 3, lambda x: F.avg_pool2d(x, size))


def test_the_others():
    compare(Dense(5), (7,), 3, F.linear)
    compare(ReLU(), (2, 3, 4), 3, F.relu)
    compare(LeakyReLU(0.2), (2, 3, 4), 3, lambda x: F.leaky_relu(x, 0.2))
    compare(Flatten(), (2, 3, 4), 3, lambda x: x.flatten(1))
    compare(Standardize([0.3], [0.7]), (1, 3, 4), 3, lambda x: (x - 0.3) / 0.7)


def test_cross_entropy():
    logits, y, weights = rng().normal(0, 3, (5, 9)), rng(1).integers(0, 5, 9), rng(2).random(9)
    losses, slopes = cross_entropy(logits, y)
    z = tensor(logits)
    wanted = (F.cross_entropy(z, torch.tensor(y), reduction="none") * torch.tensor(weights)).sum()
    wanted.backward()
    assert losses @ weights == pytest.approx(wanted.item(), rel=1e-12)
    np.testing.assert_allclose(slopes * weights, back(z.grad), **CLOSE)


def peer_solver(name, parameters, learning_rate):
    if name == "adam":
        return torch.optim.Adam(parameters, lr=learning_rate)
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, nesterov=True)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver(name):
    vector = rng().normal(size=20)
    x = parameter(vector)
    peer = peer_solver(name, [x], 0.05)
    solver = SOLVERS[name](vector, np.ones(20))
    for step in range(30):
        gradient = rng(step).normal(size=20)
        solver.step(vector, gradient.copy(), 0.05)
        x.grad = torch.tensor(gradient)
        peer.step()
    np.testing.assert_allclose(vector, x.detach().numpy(), rtol=1e-9, atol=1e-12)


# The network of torch's tutorial on spatial transformers, without its dropout

TUTORIAL = [
    SpatialTransform(
        [Conv2D(8, 7), MaxPool(2), ReLU(), Conv2D(10, 5), MaxPool(2), ReLU(), Flatten(),
         Dense(32), ReLU()],
        "affine",
    ),
    Conv2D(10, 5), MaxPool(2), ReLU(), Conv2D(20, 5), MaxPool(2), ReLU(), Flatten(),
    Dense(50), ReLU(), Dropout(0.0), Dense(10),
]  # fmt: skip


def tutorial(x, p):
    """p: the weights and biases of the layers that have them, in their order."""
    z = F.relu(F.max_pool2d(F.conv2d(x, p[0], p[1]), 2))
    z = F.relu(F.max_pool2d(F.conv2d(z, p[2], p[3]), 2)).flatten(1)
    z = F.linear(F.relu(F.linear(z, p[4], p[5])), p[6], p[7])
    theta = z.view(-1, 2, 3) + torch.eye(2, 3, dtype=torch.float64)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False)
    x = F.relu(F.max_pool2d(F.conv2d(x, p[8], p[9]), 2))
    x = F.relu(F.max_pool2d(F.conv2d(x, p[10], p[11]), 2)).flatten(1)
    return F.linear(F.relu(F.linear(x, p[12], p[13])), p[14], p[15])


def tutorial_network():
    """Off the identity, where every sampling point would sit on a kink."""
    network = Network(TUTORIAL, (1, 28, 28), rng(), np.float64)
    last = network.layers[0].network.layers[-1]
    for p, spread in zip(last.parameters, (0.02, 0.1), strict=True):
        p[:] = rng(1).normal(0, spread, p.shape)
    inner = [p for layer in network.layers[0].network.layers for p in layer.parameters]
    outer = [p for layer in network.layers[1:] for p in layer.parameters]
    return network, inner + outer


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_step_of_the_tutorial_s_network(solver):
    """Forward, backward and the solver's steps, through the training loop."""
    network, parameters = tutorial_network()
    peers = [parameter(p) for p in parameters]
    images, y = rng(2).random((24, 28, 28, 1)), rng(3).integers(0, 10, 24)
    x = torch.tensor(images.transpose(0, 3, 1, 2))

    logits, backward = network.forward(images.transpose(3, 1, 2, 0), True)
    _, slopes = cross_entropy(logits, y)
    gradient = flat_gradient(backward(slopes / 24, False)[1], np.empty_like(network.vector))
    z = tutorial(x, peers)
    F.cross_entropy(z, torch.tensor(y)).backward()
    np.testing.assert_allclose(logits, z.detach().numpy().T, rtol=1e-10, atol=1e-11)
    wanted = np.concatenate([p.grad.numpy().ravel() for p in peers])
    assert np.abs(wanted).max() > 1e-3
    np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-11)

    settings = Settings(
        solver=solver, learning_rate_init=0.001, learning_rate="constant",
        localization_learning_rate_ratio=1.0, batch_size=24, max_iter=9, tol=0, n_iter_no_change=9,
        alpha=0.0, max_norm=1e9, seed=0, n_jobs=None,
    )  # fmt: skip
    objective = Classification(Samples(images, y, np.ones(24)))
    trainer = Trainer(network, settings, objective)
    optimizer = peer_solver(solver, peers, 0.001)
    for _ in range(2):
        loss = trainer.epoch()
        optimizer.zero_grad()
        wanted = F.cross_entropy(tutorial(x, peers), torch.tensor(y))
        wanted.backward()
        optimizer.step()
        assert loss == pytest.approx(wanted.item(), rel=1e-9)
    for given, peer in zip(parameters, peers, strict=True):
        np.testing.assert_allclose(given, peer.detach().numpy(), rtol=1e-6, atol=1e-8)
