"""A budget of time, by a clock of our own: how many epochs, and where the learning rate ends."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.estimator_cases import DIGITS, LABELS, fast, weights_in

from stn_cv.nn import training


class Clock:
    """A second passes whenever somebody looks."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    return clock


def rates_of(monkeypatch):
    """Learning rates of all steps, as they are taken."""
    rates, step = [], training.Trainer._step
    monkeypatch.setattr(
        training.Trainer, "_step", lambda self, g, rate: rates.append(rate) or step(self, g, rate)
    )
    return rates


@pytest.mark.parametrize("seconds", [30, 60, 120])
def test_epochs_fit_in_and_the_learning_rate_comes_to_its_end(clock, monkeypatch, seconds):
    rates = rates_of(monkeypatch)
    given = {"max_iter": 1000, "learning_rate": "one_cycle", "batch_size": 20}
    model = fast(**given, max_seconds=seconds).fit(DIGITS, LABELS)
    looks_an_epoch = 4 + 1  # a look a step, and one whether to go on
    assert abs(model.n_iter_ - seconds / looks_an_epoch) <= 1
    assert max(rates) > 0.9 * 0.01 and rates[-1] < 0.1 * 0.01


def test_enough_time_changes_nothing():
    plain = fast(max_iter=3).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(
        weights_in(fast(max_iter=3, max_seconds=1e9).fit(DIGITS, LABELS)), weights_in(plain)
    )


def test_one_epoch_is_run_at_least(clock):
    assert fast(max_seconds=1e-9).fit(DIGITS, LABELS).n_iter_ == 1


def test_both_parts_with_a_classifier_share_it(clock):
    head = LogisticRegression(max_iter=300)
    given = {"max_iter": 300, "batch_size": 20, "head": head}
    model = fast(**given, max_seconds=90).fit(DIGITS, LABELS)
    assert 12 <= model.n_iter_ <= 20  # 90 seconds of 5 looks an epoch


@pytest.mark.parametrize("seconds", [0, -1.0, "soon"])
def test_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="max_seconds"):
        fast(max_seconds=seconds).fit(DIGITS, LABELS)
