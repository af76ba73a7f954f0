"""Models with made-up weights, and what they and their exported files say of pictures."""

import numpy as np

import stn_cv
from stn_cv.nn import (
    Conv2D,
    Dense,
    Flatten,
    LeakyReLU,
    MaxPool,
    ReLU,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from stn_cv.nn.network import Network
from stn_cv.pose import PoseTransform

LOCALIZATION = [Standardize([0.5], [0.3]), Conv2D(4, 3), MaxPool(2), ReLU(), Flatten(), Dense(8)]
HEAD = [Flatten(), Dense(16), ReLU()]
SHAPE = (16, 12, 1)


def made_up(
    family="similarity",
    head=HEAD,
    shape=SHAPE,
    range="float",
    classes=("a", "b", "c"),
    localization=LOCALIZATION,
    gain=1.0,
    dtype=np.float32,
    **transform,
):
    """A model that finds another theta in each picture, of the size of `gain`."""
    layers = [SpatialTransform(localization, family, **transform)]
    if classes is not None:
        layers += [*head, Dense(len(classes), "glorot")]
    rng = np.random.default_rng(0)
    network = Network(layers, (shape[2], *shape[:2]), rng, dtype)
    last = network.layers[0].network.layers[-1].parameters[0]
    last[:] = rng.normal(0, gain / last.shape[1], last.shape)
    spec = stn_cv.ImageSpec(*shape, range)
    return stn_cv.Rectifier(network, spec, None if classes is None else np.array(classes))


def pictures(count, shape=SHAPE, range="float", seed=1):
    """Smooth pictures with noise."""
    rng = np.random.default_rng(seed)
    shares = np.repeat(np.repeat(rng.random((count, 4, 4, shape[2])), 8, axis=1), 8, axis=2)
    shares = 0.9 * shares[:, : shape[0], : shape[1]] + 0.1 * rng.random((count, *shape))
    if range == "float":
        return shares.astype(np.float32)
    return np.rint(shares * np.iinfo(range).max).astype(range)


def answers_of(rectifier, images):
    """What an exported file is to give; rectified images as they are before they are rounded."""
    theta = rectifier.theta(images)
    answers = {"theta": theta, "rectified": rectifier.rectify(np.float32(images), theta=theta)}
    if rectifier.classes is not None:
        answers["probabilities"] = rectifier.predict_proba(images)
        answers["confidence"] = answers["probabilities"].max(axis=1)
    if isinstance(rectifier.transform, PoseTransform) and rectifier.transform.confidence:
        answers["confidence"] = rectifier.find_pose(images)[1]
    return answers


def made_up_pose(
    family="similarity", shape=SHAPE, range="float", n_steps=2, gain=0.15, sure=True, **transform
):
    """A model of poses with another pose in each picture: bins that differ, looks that correct."""
    channels = shape[2]
    look = [StandardizeEach(), Conv2D(4, 3), MaxPool(2), LeakyReLU(), Flatten(), Dense(8)]
    layer = PoseTransform(
        [look] * min(n_steps, 2),
        family,
        n_steps=n_steps,
        confidence=[0.1, -1.0, 0.5, 0.7, 0.6, -0.8, 0.3, 0.4, -0.2] if sure else [],
        **transform,
    )
    rng = np.random.default_rng(0)
    network = Network([layer], (channels, *shape[:2]), rng)
    for inner, size in zip(network.layers[0].networks, (1.0, gain), strict=False):
        last = inner.layers[-1].parameters[0]
        last[:] = rng.normal(0, size / last.shape[1], last.shape)
    bins = transform.get("bins", 0)
    network.layers[0].networks[0].layers[-1].parameters[0][:bins] *= 8
    return stn_cv.Rectifier(network, stn_cv.ImageSpec(*shape, range))
