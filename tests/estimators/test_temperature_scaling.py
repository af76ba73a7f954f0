"""Temperature: what was scaled is found again, and a fitted head means what it says."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.estimator_cases import fast

from stn_cv import PoseWarning
from stn_cv.estimators.temperature_scaling import temperature_of

rng = np.random.default_rng(0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_found(temperature):
    logits = rng.normal(0, 2, (4, 20000))
    chances = np.exp(logits) / np.exp(logits).sum(axis=0)
    y = (chances.cumsum(axis=0) < rng.random(20000)).sum(axis=0)
    found = temperature_of(logits * temperature, y, np.ones(20000))
    assert found == pytest.approx(temperature, rel=0.05)


def test_weights_count_as_copies():
    logits, y = rng.normal(0, 2, (3, 50)), rng.integers(0, 3, 50)
    weights = rng.integers(1, 4, 50)
    once = temperature_of(logits, y, weights)
    repeated = temperature_of(logits.repeat(weights, 1), y.repeat(weights), np.ones(weights.sum()))
    assert once == pytest.approx(repeated, rel=0.05)


def test_all_right_does_not_become_certain():
    y = rng.integers(0, 3, 60)
    logits = 2.0 * np.eye(3)[:, y]
    assert 0.1 < temperature_of(logits, y, np.ones(60)) < 1


def test_a_head_that_is_too_sure_is_calibrated_on_what_was_kept_back():
    X, y = load_digits(n_class=6, return_X_y=True)
    X = (X[:800].reshape(-1, 8, 8) / 16).astype(np.float32)
    y = np.where(rng.random(800) < 0.3, rng.integers(0, 6, 800), y[:800])  # cannot all be learned
    given = {"head": "mlp", "max_iter": 40, "early_stopping": True, "validation_fraction": 0.25}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoseWarning)
        model = fast(**given, n_iter_no_change=40).fit(X[:500], y[:500])
        plain = fast(max_iter=2).fit(X[:100], y[:100])
    probabilities, rows = model.predict_proba(X[500:]), np.arange(300)
    before = probabilities**model.temperature_  # as the head had them
    before /= before.sum(axis=1, keepdims=True)
    places = np.searchsorted(model.classes_, y[500:])
    surprise, surprise_before = (-np.log(p[rows, places]).mean() for p in (probabilities, before))
    assert model.temperature_ > 1.1 and surprise < surprise_before - 0.01
    assert plain.temperature_ is None
