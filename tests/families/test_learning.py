"""Homographies and splines are learned from class labels alone."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from stn_cv import SpatialTransformer
from stn_cv.families import FAMILIES
from stn_cv.geometry import control_points


def seen_from_aside(n, random):
    parameters = np.zeros((n, 8))
    parameters[:, [0, 4]] = 0.3
    parameters[:, [2, 5]] = random.uniform(-0.3, 0.3, (n, 2))
    parameters[:, 6:] = random.uniform(-0.7, 0.7, (n, 2))
    return parameters


def bowed(n, random):
    """Lines become parabolas, and lean."""
    x, y = control_points(4).T
    lean, bow_x, bow_y = random.uniform(-0.6, 0.6, (3, n, 1))
    along_x = 0.2 * x + lean * y + bow_x * (y**2 - 0.4)
    along_y = 0.2 * y + bow_y * (x**2 - 0.4)
    return np.stack([along_x, along_y], axis=2).reshape(n, 32)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "name, distortion, gain", [("projective", seen_from_aside, 0.1), ("tps", bowed, 0.04)]
)
def test_it_learns(name, distortion, gain):
    """Real digits, distorted; a logistic regression alone and behind the transformer."""
    X, y = load_digits(n_class=6, return_X_y=True)
    X, family = X.reshape(-1, 8, 8).astype(np.float32) / 16, FAMILIES[name]
    theta, _ = family.theta(distortion(len(X), np.random.default_rng(0)), (16, 16))
    X = family.apply(X, theta, (16, 16)).reshape(len(X), -1)
    regression = LogisticRegression(C=0.1, tol=0.01)
    alone = regression.fit(X[:800], y[:800]).score(X[800:], y[800:])
    transformer = SpatialTransformer(
        name, localization="mlp", head="linear", image_shape=(16, 16), max_iter=20,
        learning_rate_init=0.01, batch_size=50, random_state=0,
    )  # fmt: skip
    behind = make_pipeline(transformer, regression).fit(X[:800], y[:800])
    assert behind.score(X[800:], y[800:]) > alone + gain
