"""What the tests of poses share: examples that show how they lie, and a quick transformer."""

import contextlib

import numpy as np
import pytest

from stn_cv import PoseTransformer, warp_affine

QUICK = {"n_canvases": 64, "filters": 4, "n_steps": 2, "random_state": 0}


def quick(**parameters):
    """Trained for a moment: for all that does not depend on how well."""
    return PoseTransformer(**{**QUICK, **parameters})


@contextlib.contextmanager
def few_judges():
    """A confidence from an eighth of the canvases, the most of a quick fit: it need not be good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stn_cv.pose.calibration.CALIBRATION", 256)
        yield


@contextlib.contextmanager
def few_canvases(n=512):
    """A start by alignment that learns poses from so few canvases that they need not be good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stn_cv.estimators.alignment_start.CANVASES", n)
        yield


def arrows(n, side=16, seed=0, channels=None):
    """Pictures (n, side, side[, c]) in [0, 1] of things with a head and a foot, upright."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] * (2 / (side - 1)) - 1
    images = np.empty((n, side, side))
    for image in images:
        width, head = rng.uniform(0.15, 0.3), rng.uniform(0.4, 0.65)
        shaft = (np.abs(x) < width) & (np.abs(y) < 0.75)
        triangle = (np.abs(x) < head * (y + 0.8) / 0.7) & (y > -0.8) & (y < -0.1)
        image[:] = rng.uniform(0, 0.3) + rng.uniform(0.4, 0.7) * (shaft | triangle)
    return images if channels is None else images[..., None] * np.linspace(1, 0.5, channels)


def turned(images, degrees):
    """The images, each turned counter-clockwise, continued past the border; theta as well."""
    angle = np.deg2rad(np.broadcast_to(degrees, len(images)))
    cos, sin = np.cos(angle), np.sin(angle)
    zero = np.zeros_like(cos)
    to_source = np.stack([cos, -sin, zero, sin, cos, zero], axis=1).reshape(-1, 2, 3)
    back = np.stack([cos, sin, zero, -sin, cos, zero], axis=1).reshape(-1, 2, 3)
    return warp_affine(images, to_source, images.shape[1:3], padding_mode="border"), back
