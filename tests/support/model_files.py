"""Small model files, and files of any description with the hash that belongs to it."""

import hashlib
import json

import numpy as np
import pytest

import stn_cv
from stn_cv import ImageSpec, Rectifier
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    ReLU,
    SpatialTransform,
    Standardize,
)
from stn_cv.nn.network import Network

safetensors = pytest.importorskip("safetensors.numpy")
SPEC = ImageSpec(6, 8, 1, "float")
LOCALIZATION = [AveragePool(2), Flatten(), Dense(2), ReLU()]
HEAD = [Standardize([0.5], [0.25]), Conv2D(2, 2), MaxPool(2), Flatten(), Dropout(0.25)]


def rectifier(classes=("a", "bc"), family="similarity", dtype=np.float32, spec=SPEC, head=HEAD):
    """A small model whose weights are all of interest."""
    layers = [SpatialTransform(LOCALIZATION, family, (3, 4), "border", 0.5), *head]
    if classes is not None:
        layers.append(Dense(len(classes), "glorot"))
    shape = (spec.channels, spec.height, spec.width)
    network = Network(layers, shape, np.random.default_rng(0), dtype)
    network.vector[:] = np.random.default_rng(1).normal(0, 0.3, network.vector.size)
    return Rectifier(network, spec, None if classes is None else np.asarray(classes))


def images(n=5, seed=2):
    return np.random.default_rng(seed).random((n, SPEC.height, SPEC.width))


def saved(path, model=None):
    stn_cv.save(model or rectifier(), path)
    return path.read_bytes()


def description_in(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["stn_cv"])


def signed(description, vector):
    """A file of any description, with the hash that belongs to it: its own way to write one."""

    def file(description):
        text = json.dumps(description, sort_keys=True, separators=(",", ":"))
        return safetensors.save({"parameters": vector}, {"stn_cv": text})

    content = {name: value for name, value in description.items() if name != "sha256"}
    return file({**content, "sha256": hashlib.sha256(file(content)).hexdigest()})


def holders(value):
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from holders(inner)
