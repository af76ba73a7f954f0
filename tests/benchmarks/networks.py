"""Training steps and prediction of three published networks, against PyTorch."""

import numpy as np
from harness import agree, race, report

from stn_cv.model.image_spec import ImageSpec
from stn_cv.model.rectifier import Rectifier
from stn_cv.nn import Conv2D, Dense, Flatten, MaxPool, ReLU, SpatialTransform
from stn_cv.nn.network import Network
from stn_cv.nn.objectives import Classification
from stn_cv.nn.samples import Samples
from stn_cv.nn.settings import Settings
from stn_cv.nn.training import Trainer
from stn_cv.threads import pinned_blas

# Layers as descriptions, which both libraries' networks are made from. Dropout is left out:
# its random numbers would not be the same.
NETWORKS = {
    "tutorial STN": {
        "localization": ["conv 8 7", "pool", "relu", "conv 10 5", "pool", "relu", "flat",
                         "dense 32", "relu"],
        "head": ["conv 10 5", "pool", "relu", "conv 20 5", "pool", "relu", "flat", "dense 50",
                 "relu"],
        "shape": (28, 28), "output": (28, 28), "batch": 64,
    },
    "Lasagne STN": {
        "localization": ["pool", "conv 20 5", "relu", "pool", "conv 20 5", "relu", "flat",
                         "dense 50", "relu"],
        "head": ["conv 32 3", "relu", "pool", "conv 32 3", "relu", "pool", "flat", "dense 256",
                 "relu"],
        "shape": (60, 60), "output": (20, 20), "batch": 256,
    },
    "ST-FCN": {
        "localization": ["flat", "dense 32", "relu", "dense 32", "relu"],
        "head": ["flat", "dense 256", "relu", "dense 200", "relu"],
        "shape": (28, 28), "output": (28, 28), "batch": 256,
    },
}  # fmt: skip


def ours(description):
    """The layer of stn_cv that is meant."""
    kind, *numbers = description.split()
    sizes = [int(number) for number in numbers]
    makers = {
        "conv": lambda: Conv2D(*sizes),
        "pool": lambda: MaxPool(2),
        "relu": ReLU,
        "flat": Flatten,
        "dense": lambda: Dense(*sizes),
    }
    return makers[kind]()


def theirs(description, channels, size):
    """The layer of torch, and the channels and size (or features) after it."""
    from torch import nn

    kind, *numbers = description.split()
    sizes = [int(number) for number in numbers]
    if kind == "conv":
        shrunk = size and (size[0] - sizes[1] + 1, size[1] - sizes[1] + 1)
        return nn.Conv2d(channels, *sizes), sizes[0], shrunk
    if kind == "pool":
        return nn.MaxPool2d(2), channels, (size[0] // 2, size[1] // 2)
    if kind == "flat":
        return nn.Flatten(), channels * size[0] * size[1], None
    if kind == "dense":
        return nn.Linear(channels, sizes[0]), sizes[0], None
    return nn.ReLU(), channels, size


def our_network(spec):
    """Network of stn_cv, off the identity so that no sampling point sits on a kink."""
    transform = SpatialTransform(
        [ours(d) for d in spec["localization"]], output_shape=spec["output"]
    )
    head = [*(ours(d) for d in spec["head"]), Dense(10)]
    network = Network([transform, *head], (1, *spec["shape"]), np.random.default_rng(0))
    network.layers[0].network.layers[-1].parameters[1][:] = [0.1, 0.05, 0.03, -0.04, 0.08, 0.02]
    return network


def torch_network(spec, network):
    """The same network, with the same weights, in torch."""
    import torch
    from torch import nn

    def chain(descriptions, channels, size, outputs):
        layers = []
        for description in descriptions:
            layer, channels, size = theirs(description, channels, size)
            layers.append(layer)
        return nn.Sequential(*layers, nn.Linear(channels, outputs))

    class Peer(nn.Module):
        def __init__(self):
            super().__init__()
            self.localization = chain(spec["localization"], 1, spec["shape"], 6)
            self.head = chain(spec["head"], 1, spec["output"], 10)

        def forward(self, x):
            theta = self.localization(x).view(-1, 2, 3) + torch.eye(2, 3)
            shape = [len(x), 1, *spec["output"]]
            grid = nn.functional.affine_grid(theta, shape, align_corners=False)
            return self.head(nn.functional.grid_sample(x, grid, align_corners=False))

    peer = Peer()
    transform, *head = network.layers
    given = [p for layer in [*transform.network.layers, *head] for p in layer.parameters]
    with torch.no_grad():
        for parameter, value in zip(peer.parameters(), given, strict=True):
            parameter.copy_(torch.tensor(value))
    return peer


def settings(batch, threads):
    return Settings(
        solver="adam", learning_rate_init=1e-3, learning_rate="constant",
        localization_learning_rate_ratio=1.0, batch_size=batch, max_iter=1, tol=0.0,
        n_iter_no_change=1, alpha=0.0, max_norm=1e9, seed=0, n_jobs=threads,
    )  # fmt: skip


def steps(name, threads):
    """Race one training step with Adam."""
    import torch

    spec = NETWORKS[name]
    rng = np.random.default_rng(0)
    images = rng.random((spec["batch"], *spec["shape"], 1), np.float32)
    y = rng.integers(0, 10, spec["batch"])
    network = our_network(spec)
    peer = torch_network(spec, network)
    x, labels = torch.tensor(np.moveaxis(images, -1, 1).copy()), torch.tensor(y)
    samples = Samples(images, y, np.ones(len(y), np.float32))
    trainer = Trainer(network, settings(spec["batch"], threads), Classification(samples))
    optimizer = torch.optim.Adam(peer.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(peer(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    def mine():
        with pinned_blas():  # as `train` does, which calls it
            return trainer.epoch()

    for allowed in (1e-5, 1e-2):  # before any step; after one, where Adam enlarges roundings
        agree(f"loss of {name}", mine(), step(), allowed)
    return race({"stn_cv": mine, "torch": step})


def predictions(name, threads, n):
    """Race rectifying and classifying `n` images with a Rectifier."""
    import torch

    spec = NETWORKS[name]
    images = np.random.default_rng(0).random((n, *spec["shape"]), np.float32)
    network = our_network(spec)
    peer = torch_network(spec, network).eval()
    rectifier = Rectifier(network, ImageSpec(*spec["shape"], 1, "float"), range(10), threads)

    def run():
        with torch.no_grad():
            return peer(torch.from_numpy(images)[:, None]).softmax(dim=1).numpy()

    given = images[0] if n == 1 else images

    def mine():
        return rectifier.predict_proba(given)

    agree(f"probabilities of {name}", mine(), run().reshape(np.shape(mine())), 1e-4)
    return race({"stn_cv": mine, "torch": run})


def run(threads, peers, summary):
    """All networks, at one number of threads."""
    if "torch" not in peers:
        return
    for name in NETWORKS:
        batch = NETWORKS[name]["batch"]
        works = {
            f"training step, {name}, batch {batch}": steps(name, threads),
            f"one image, {name}": predictions(name, threads, 1),
            f"256 images, {name}": predictions(name, threads, 256),
        }
        for work, timings in works.items():
            summary.add(f"{work}, {threads} thread", report(work, timings))
