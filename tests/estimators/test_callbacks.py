"""scikit-learn's callbacks: told of each epoch, able to stop, closed whatever happens."""

import threading

import numpy as np
import pytest
from support.estimator_cases import (
    COLLAPSING,
    DIGITS,
    ESTIMATORS,
    LABELS,
    ODD_ONE_OUT,
    Listener,
    fast,
    weights_in,
)

from stn_cv import SpatialTransformer

callback = pytest.importorskip("sklearn.callback")
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402

classes = pytest.mark.parametrize("cls", ESTIMATORS)
ROWS = DIGITS.reshape(80, 64)


def pipeline_of(transformer, last=None):
    return Pipeline([("stn", transformer), ("last", last or fast(kind="flat"))])


@classes
def test_told_of_each_epoch_with_a_usable_estimator(cls):
    listener = Listener()
    estimator = fast(cls).set_callbacks(listener).fit(DIGITS, LABELS)
    assert listener.events == ["setup", "epoch", "epoch", "epoch", "fit", "teardown"]
    last = listener.fitted[-1]
    np.testing.assert_array_equal(last.transform(DIGITS), estimator.transform(DIGITS))
    first, second = (weights_in(fitted) for fitted in listener.fitted[:2])
    assert (first != second).any()  # each holds the weights of its own epoch
    alone = fast(cls, max_iter=1).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(first, weights_in(alone))


@pytest.mark.parametrize("validated", [False, True])
def test_an_epochs_estimator_knows_the_course_so_far(validated):
    listener = Listener()
    options = {"early_stopping": validated, "validation_fraction": 0.2}
    estimator = fast(**options).set_callbacks(listener).fit(DIGITS, LABELS)
    for number, fitted in enumerate(listener.fitted[:3], 1):
        assert fitted.n_iter_ == number
        assert fitted.loss_curve_ == estimator.loss_curve_[:number]
        scores = estimator.validation_scores_
        assert fitted.validation_scores_ == (scores[:number] if validated else None)


@classes
def test_callbacks_change_nothing(cls):
    plain = fast(cls).fit(DIGITS, LABELS)
    watched = fast(cls).set_callbacks(Listener()).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(plain), weights_in(watched))
    assert set(vars(watched)) == set(vars(plain)) | {"_skl_callbacks"}


@classes
def test_a_callback_stops_the_training(cls):
    estimator = fast(cls, max_iter=9).set_callbacks(Listener(at=2)).fit(DIGITS, LABELS)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 2
    shorter = fast(cls, max_iter=2).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(estimator), weights_in(shorter))


@pytest.mark.parametrize("last", [None, LogisticRegression(max_iter=500)])
def test_in_a_pipeline_a_callback_stops_its_step_alone(last):
    listener = Listener(at=2)
    step = fast(SpatialTransformer, "flat", max_iter=9).set_callbacks(listener)
    pipeline = pipeline_of(step, last).fit(ROWS, LABELS)
    fitted = pipeline["stn"]
    assert fitted.n_iter_ == 2
    assert listener.events[0] == "setup"
    assert listener.events[-1] == "teardown"
    assert last is not None or pipeline["last"].n_iter_ == 3
    assert pipeline.predict(ROWS).shape == LABELS.shape


@classes
def test_progress_bar(cls, capsys):
    fast(cls).set_callbacks(callback.ProgressBar()).fit(DIGITS, LABELS)
    assert f"{cls.__name__} - fit" in capsys.readouterr().out


def test_progress_bar_of_a_whole_pipeline(capsys):
    pipeline = pipeline_of(fast(SpatialTransformer, "flat"))
    pipeline.set_callbacks(callback.ProgressBar()).fit(ROWS, LABELS)
    out = capsys.readouterr().out
    for name in ("Pipeline", "SpatialTransformer", "SpatialTransformerClassifier"):
        assert f"{name} - fit" in out
    assert not hasattr(pipeline["stn"], "_parent_callback_ctx")


def test_scoring_monitor():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    estimator = fast().set_callbacks(monitor).fit(DIGITS, LABELS)
    rows = monitor.get_logs().data
    assert [row["task_name"] for row in rows] == ["fit", "epoch", "epoch", "epoch"]
    assert rows[0]["accuracy"] == estimator.score(DIGITS, LABELS)
    assert rows[1]["accuracy"] == fast(max_iter=1).fit(DIGITS, LABELS).score(DIGITS, LABELS)


def test_scoring_monitor_in_a_pipeline():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    pipeline = pipeline_of(fast(SpatialTransformer, "flat"))
    pipeline["last"].set_callbacks(monitor)
    pipeline.fit(ROWS, LABELS)
    rows = monitor.get_logs().data
    assert [row["task_name"] for row in rows].count("epoch") == 3
    whole = [row for row in rows if row["task_name"] != "epoch"]
    assert whole[-1]["accuracy"] == pipeline.score(ROWS, LABELS)


@classes
@pytest.mark.parametrize("raises", [None, RuntimeError("mine")])
def test_callbacks_are_closed_whatever_happens(cls, raises):
    """A progress bar runs a thread of its own, which must end."""
    before = set(threading.enumerate())
    listener = Listener(raises, at=1)
    estimator = fast(cls).set_callbacks(callback.ProgressBar(), listener)
    if raises is None:
        estimator.fit(DIGITS, LABELS)
    else:
        with pytest.raises(RuntimeError, match="mine"):
            estimator.fit(DIGITS, LABELS)
        assert not hasattr(estimator, "rectifier_")
    assert listener.events[-1] == "teardown"
    assert not [t for t in set(threading.enumerate()) - before if "onitor" in repr(type(t))]
    assert not {"_callback_fit_ctx", "_skl_callbacks_to_teardown"} & set(vars(estimator))


def test_a_restart_after_a_collapse_may_exceed_the_epochs_foretold():
    """scikit-learn wants the number of epochs beforehand; a second training runs on unwatched."""
    listener = Listener()
    estimator = fast(**COLLAPSING).set_callbacks(listener)
    with pytest.warns(UserWarning, match="looks away"):
        estimator.fit(DIGITS, ODD_ONE_OUT)
    assert listener.epochs == 6
    assert estimator.n_iter_ == 6


def test_a_collapsed_training_that_was_stopped_is_not_begun_anew():
    listener = Listener(at=3)
    estimator = fast(**COLLAPSING).set_callbacks(listener)
    with pytest.warns(UserWarning, match="looks away"):
        estimator.fit(DIGITS, ODD_ONE_OUT)
    assert listener.epochs == estimator.n_iter_ == 3


def test_a_poses_confidence_is_known_when_the_fit_is_over():
    from support.pose_cases import arrows, quick

    listener, X = Listener(), arrows(12)
    poser = quick().set_callbacks(listener).fit(X)
    told = [fitted.predict_confidence(X) for fitted in listener.fitted]
    assert np.isnan(told[0]).all()  # it is calibrated at the end
    np.testing.assert_array_equal(told[-1], poser.predict_confidence(X))
