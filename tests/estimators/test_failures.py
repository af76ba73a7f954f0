"""Failures and Ctrl-C in the middle of a training."""

import numpy as np
import pytest
from sklearn.svm import SVC
from support.estimator_cases import (
    COLLAPSING,
    DIGITS,
    ESTIMATORS,
    LABELS,
    ODD_ONE_OUT,
    U8,
    Listener,
    Snapshot,
    Spy,
    fast,
    weights_in,
)

from stn_cv import CollapseWarning, InterruptedWarning, TrainingDiverged

classes = pytest.mark.parametrize("cls", ESTIMATORS)
N_JOBS = pytest.mark.parametrize("n_jobs", [1, 2])


class Mine(Exception):
    pass


def refit_fails(estimator, error):
    """On other images than those it was fitted on, so that all it learned would change."""
    snapshot = Snapshot(estimator)
    before = estimator.transform(U8)
    with pytest.raises(error):
        estimator.fit(DIGITS[:, 1:, 1:], LABELS % 2)
    snapshot.check()
    np.testing.assert_array_equal(estimator.transform(U8), before)
    assert estimator.n_features_in_ == 64


@classes
@pytest.mark.parametrize("error", [Mine, SystemExit])
def test_a_callback_raises(cls, error):
    pytest.importorskip("sklearn.callback")
    listener = Listener(error("stop"), at=2)
    estimator = fast(cls).fit(U8, LABELS).set_callbacks(listener)
    refit_fails(estimator, error)
    assert listener.epochs == 2
    assert listener.events[-1] == "teardown"


@classes
@N_JOBS
def test_augment_raises(cls, n_jobs):
    spy = Spy(Mine("no"), at=5)
    estimator = fast(cls, n_jobs=n_jobs).fit(U8, LABELS).set_params(augment=spy)
    refit_fails(estimator, Mine)
    assert len(spy.seen) >= 5


@classes
@pytest.mark.parametrize("parameters", [{"learning_rate_init": 1e6}, {"warm_start": True}])
def test_a_training_that_diverges(cls, parameters):
    estimator = fast(cls).fit(U8, LABELS)
    if "warm_start" not in parameters:
        refit_fails(estimator.set_params(**parameters), TrainingDiverged)
        return
    estimator.set_params(warm_start=True, learning_rate_init=1e6)
    snapshot = Snapshot(estimator)
    with pytest.raises(TrainingDiverged, match="smaller learning_rate_init than 1e\\+06"):
        estimator.fit(U8, LABELS)
    snapshot.check()


@classes
def test_a_first_fit_that_fails_learns_nothing(cls):
    estimator = fast(cls, augment=Spy(Mine("no"), at=5))
    snapshot = Snapshot(estimator)
    with pytest.raises(Mine):
        estimator.fit(DIGITS, LABELS)
    snapshot.check()


@classes
def test_interrupted_in_a_callback(cls):
    pytest.importorskip("sklearn.callback")
    listener = Listener(KeyboardInterrupt(), at=2)
    estimator = fast(cls, max_iter=9).set_callbacks(listener)
    with pytest.warns(InterruptedWarning, match="training interrupted"):
        assert estimator.fit(DIGITS, LABELS) is estimator
    shorter = fast(cls, max_iter=2).fit(DIGITS, LABELS)
    assert estimator.n_iter_ == 2
    assert estimator.loss_curve_ == shorter.loss_curve_
    np.testing.assert_array_equal(weights_in(estimator), weights_in(shorter))
    assert listener.events[-2:] == ["fit", "teardown"]


@classes
@N_JOBS
def test_interrupted_within_an_epoch(cls, n_jobs):
    """80 images are augmented in two parts: once for comparing, then once an epoch."""
    spy = Spy(KeyboardInterrupt(), at=7)
    estimator = fast(cls, max_iter=9, augment=spy, n_jobs=n_jobs)
    with pytest.warns(InterruptedWarning, match="training interrupted"):
        estimator.fit(DIGITS, LABELS)
    shorter = fast(cls, max_iter=2, augment=Spy()).fit(DIGITS, LABELS)
    assert estimator.n_iter_ == 2
    np.testing.assert_array_equal(weights_in(estimator), weights_in(shorter))


def test_interrupted_before_the_first_epoch_ends():
    estimator = fast(augment=Spy(KeyboardInterrupt(), at=3))
    with pytest.warns(InterruptedWarning, match="training interrupted"):
        estimator.fit(DIGITS, LABELS)
    assert estimator.n_iter_ == 0
    assert estimator.loss_curve_ == []
    np.testing.assert_allclose(estimator.transform(DIGITS), DIGITS)  # the identity


@pytest.mark.parametrize("head", ["linear", SVC()], ids=type)
def test_interrupted_between_trainings(head):
    """Wherever Ctrl-C comes, what was learned is kept, and it is said once."""
    given = {"head": head, "max_iter": 3, "random_state": 0}
    spy = Spy()
    whole = fast(**given, augment=spy).fit(DIGITS, LABELS)
    for at in range(1, len(spy.seen) + 1):
        model = fast(**given, augment=Spy(KeyboardInterrupt(), at=at))
        with pytest.warns(InterruptedWarning, match="training interrupted") as caught:
            model.fit(DIGITS, LABELS)
        assert len([w for w in caught if w.category is InterruptedWarning]) == 1
        assert model.n_iter_ <= whole.n_iter_
        assert model.predict(DIGITS).shape == LABELS.shape
    assert model.n_iter_ >= whole.n_iter_ - 1


def test_interrupted_after_the_last_epoch_keeps_all_of_them(monkeypatch):
    """While it is found out whether the transformer looks away."""

    def interrupted(*given):
        raise KeyboardInterrupt

    whole = fast(max_iter=3, random_state=0).fit(DIGITS, LABELS)
    monkeypatch.setattr("stn_cv.estimators.training.collapsed", interrupted)
    model = fast(max_iter=3, random_state=0)
    with pytest.warns(InterruptedWarning, match="training interrupted") as caught:
        model.fit(DIGITS, LABELS)
    assert len(caught) == 1 and model.n_iter_ == 3
    np.testing.assert_array_equal(weights_in(model), weights_in(whole))


def test_interrupted_when_begun_anew_keeps_what_was_learned(monkeypatch):
    monkeypatch.setattr("stn_cv.estimators.training.collapsed", lambda *given: True)
    spy = Spy()
    with pytest.warns(CollapseWarning):
        fast(max_iter=2, augment=spy).fit(DIGITS, LABELS)
    calls = len(spy.seen) // 2  # of each of the two trainings
    model = fast(max_iter=2, augment=Spy(KeyboardInterrupt(), at=calls + 1))
    with pytest.warns(InterruptedWarning):
        model.fit(DIGITS, LABELS)
    assert model.n_iter_ == 2 and len(model.loss_curve_) == 2


def test_interrupted_is_not_begun_anew():
    """A transformer that collapsed is trained once more, but not after Ctrl-C."""
    with pytest.warns(CollapseWarning, match="looks away"):
        fast(**COLLAPSING, augment=(spy := Spy())).fit(DIGITS, ODD_ONE_OUT)
    assert len(spy.seen) == 2 * 2 * (1 + 6)  # two trainings, each with what compares its epochs
    spy = Spy(KeyboardInterrupt(), at=2 * (1 + 6))
    with pytest.warns(InterruptedWarning, match="training interrupted") as caught:
        fast(**COLLAPSING, augment=spy).fit(DIGITS, ODD_ONE_OUT)
    assert len(spy.seen) == 2 * (1 + 6)
    assert len(caught) == 1
