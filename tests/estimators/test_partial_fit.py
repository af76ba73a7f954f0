"""Training in portions: partial_fit, and fit with warm_start."""

import pickle

import numpy as np
import pytest
from support.estimator_cases import (
    DIGITS,
    ESTIMATORS,
    KINDS,
    LABELS,
    U8,
    Snapshot,
    Spy,
    fast,
    images_of,
    weights_in,
)

from stn_cv import InvalidInputError, TrainingDiverged

ALL = [0, 1, 2, 3]


def noisy(images, rng):
    return images + 0.1 * rng.random(images.shape)


def portions(estimator, times, X=DIGITS):
    for _ in range(times):
        estimator.partial_fit(X, LABELS, classes=ALL)
    return estimator


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_call_is_an_epoch_of_fit(kind, solver):
    X = images_of(kind)
    whole = fast(kind=kind, solver=solver, batch_size=32, augment=noisy).fit(X, LABELS)
    assert np.argmin(whole.loss_curve_) == 2  # so that fit keeps the last epoch
    parts = fast(kind=kind, solver=solver, batch_size=32, augment=noisy)
    portions(parts, 3, X)
    np.testing.assert_array_equal(weights_in(parts), weights_in(whole))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 3
    assert parts.validation_scores_ is None
    assert parts.n_features_in_ == whole.n_features_in_
    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))


def test_pickling_in_between_changes_nothing():
    whole = portions(fast(), 3)
    parts = pickle.loads(pickle.dumps(portions(fast(), 1)))
    np.testing.assert_array_equal(weights_in(portions(parts, 2)), weights_in(whole))


def test_an_earlier_rectifier_is_not_trained_further():
    estimator = portions(fast(), 1)
    earlier = estimator.rectifier_
    before = earlier.network.vector.copy()
    portions(estimator, 1)
    np.testing.assert_array_equal(earlier.network.vector, before)
    assert (weights_in(estimator) != before).any()


def test_the_first_call_needs_classes():
    with pytest.raises(InvalidInputError, match="first call of partial_fit needs classes"):
        fast().partial_fit(DIGITS, LABELS)


def test_classes_may_come_later():
    few = LABELS < 2
    estimator = fast(learning_rate_init=0.02)
    estimator.partial_fit(DIGITS[few], LABELS[few], classes=[3, 1, 0, 2])
    assert estimator.classes_.tolist() == ALL
    assert estimator.predict_proba(DIGITS).shape == (80, 4)
    only = LABELS == 2
    estimator.partial_fit(DIGITS[only], LABELS[only])  # a portion of a single class
    for _ in range(12):
        estimator.partial_fit(DIGITS, LABELS)
    assert estimator.score(DIGITS, LABELS) > 0.8


def test_class_weights_of_portions_without_a_class():
    few, weights = LABELS < 2, {3: 5.0, 1: 2.0}
    a = fast(class_weight=weights).partial_fit(DIGITS[few], LABELS[few], ALL)
    b = fast().partial_fit(DIGITS[few], LABELS[few], ALL, np.where(LABELS[few] == 1, 2.0, 1.0))
    np.testing.assert_array_equal(weights_in(a), weights_in(b))


def test_portions_of_any_size():
    estimator = fast().partial_fit(DIGITS[:1], LABELS[:1], ALL)
    for stop in (7, 80):
        estimator.partial_fit(DIGITS[:stop], LABELS[:stop])
    assert estimator.n_iter_ == 3


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_goes_on_in_the_dtype_it_began_with(method):
    """The digits are the same numbers in both dtypes."""
    narrow, wide = (fast(warm_start=True).fit(DIGITS.astype("f4"), LABELS) for _ in range(2))
    getattr(narrow, method)(DIGITS.astype("f4"), LABELS)
    getattr(wide, method)(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(narrow), weights_in(wide), strict=True)
    assert weights_in(wide).dtype == np.float32


def test_batches_do_not_keep_the_size_of_the_first_portion():
    large, small = (
        fast(batch_size=size).partial_fit(DIGITS[:5], LABELS[:5], ALL).partial_fit(DIGITS, LABELS)
        for size in (80, 5)
    )
    assert (weights_in(large) != weights_in(small)).any()


def test_sample_weight_of_zero_is_a_sample_left_out():
    a = fast().partial_fit(DIGITS, LABELS, ALL, (LABELS < 3).astype(float))
    b = fast().partial_fit(DIGITS[LABELS < 3], LABELS[LABELS < 3], ALL)
    # The first layer standardizes by weighted sums, which rounding tells apart.
    np.testing.assert_allclose(weights_in(a), weights_in(b), rtol=1e-9, atol=1e-12)


def test_after_fit_it_goes_on_from_there():
    estimator = fast(max_iter=6).fit(DIGITS, LABELS)
    loss = min(estimator.loss_curve_)
    estimator.partial_fit(DIGITS, LABELS)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 7
    assert estimator.loss_curve_[-1] <= loss
    again = fast(max_iter=6).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(
        weights_in(estimator.fit(DIGITS, LABELS)), weights_in(again)
    )  # and fit starts anew


def test_what_augmented_a_portion_is_not_kept(capsys):
    estimator = fast(augment=lambda images, rng: images, verbose=True)
    estimator.partial_fit(DIGITS, LABELS, classes=range(4)).set_params(augment=None)
    assert capsys.readouterr().out == f"Epoch 1, loss = {estimator.loss_curve_[0]:.6f}\n"
    copied = pickle.loads(pickle.dumps(estimator))  # a lambda could not be
    for one in (estimator, copied):
        one.partial_fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(estimator), weights_in(copied))


def test_how_to_train_may_change_between_calls():
    estimator = portions(fast(), 2)
    before = weights_in(estimator).copy()
    portions(estimator.set_params(learning_rate_init=1e-12), 1)
    np.testing.assert_allclose(weights_in(estimator), before, atol=1e-9)
    portions(estimator.set_params(learning_rate_init=0.01, solver="sgd", alpha=0.5), 1)
    assert np.abs(weights_in(estimator) - before).max() > 1e-3


@pytest.mark.parametrize(
    "change", [{"family": "translation"}, {"output_shape": (5, 5)}, {"n_steps": 2}, {"n_jobs": 0}]
)
@pytest.mark.parametrize("start", ["partial_fit", "fit"])
def test_what_is_trained_may_not_change(change, start):
    estimator = portions(fast(), 1) if start == "partial_fit" else fast().fit(DIGITS, LABELS)
    before = weights_in(estimator).copy()
    says = "n_jobs is 0" if "n_jobs" in change else "changed.*Call fit to start anew"
    with pytest.raises(InvalidInputError, match=says):
        estimator.set_params(**change).partial_fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(estimator), before)


BAD = {
    "other classes": ({"classes": [0, 1]}, InvalidInputError, "training goes on with"),
    "one class": ({"classes": [0]}, InvalidInputError, "at least 2 labels"),
    "new label": ({"y": LABELS + 1}, InvalidInputError, "not among the classes"),
    "dtype": ({"X": U8}, InvalidInputError, "1 channel, uint8"),
    "shape": ({"X": DIGITS[:, 1:]}, InvalidInputError, "fitted on"),
    "NaN": ({"X": DIGITS * np.nan}, ValueError, "NaN"),
    "weights": ({"sample_weight": np.zeros(80)}, ValueError, "non-zero"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("start", ["partial_fit", "fit"])
def test_a_failure_leaves_everything_as_it_was(case, start):
    given, error, says = BAD[case]
    spy = Spy()
    estimator = fast(augment=spy)
    if start == "fit":
        estimator.fit(DIGITS, LABELS)
    else:
        portions(estimator, 2)
    spy.seen.clear()
    snapshot = Snapshot(estimator)
    with pytest.raises(error, match=says):
        estimator.partial_fit(**{"X": DIGITS, "y": LABELS, **given})
    assert not spy.seen
    snapshot.check()


@pytest.mark.parametrize("raises", [RuntimeError("mine"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_of_a_call(raises):
    spy = Spy(raises, at=4)
    estimator = portions(fast(augment=spy), 1)
    snapshot = Snapshot(estimator)
    with pytest.raises(type(raises)):
        estimator.partial_fit(DIGITS, LABELS)
    snapshot.check()
    spy.at = None
    np.testing.assert_array_equal(
        weights_in(portions(estimator, 1)), weights_in(portions(fast(), 2))
    )


def test_fit_forgets_the_portions_before():
    mixed, plain = portions(fast(), 2).fit(DIGITS, LABELS), fast().fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(portions(mixed, 1)), weights_in(portions(plain, 1)))


def test_a_first_call_that_fails_learns_nothing():
    estimator = fast(augment=Spy(RuntimeError("mine"), at=1))
    snapshot = Snapshot(estimator)
    with pytest.raises(RuntimeError, match="mine"):
        portions(estimator, 1)
    snapshot.check()


@pytest.mark.parametrize("n_jobs", [0, 2])
def test_threads(small_slices, n_jobs):
    estimator = fast(n_jobs=n_jobs, batch_size=80)
    if n_jobs == 0:
        with pytest.raises(InvalidInputError, match="n_jobs is 0"):
            portions(estimator, 1)
        assert not hasattr(estimator, "rectifier_")
    else:
        one = portions(fast(batch_size=80), 2)
        np.testing.assert_array_equal(weights_in(portions(estimator, 2)), weights_in(one))


@pytest.mark.filterwarnings("ignore:(overflow|invalid value):RuntimeWarning")
def test_weights_that_are_not_finite_are_refused():
    estimator = fast(learning_rate_init=1e300)
    with pytest.raises(TrainingDiverged, match="smaller learning_rate_init"):
        portions(estimator, 1, DIGITS.astype(np.float32))
    assert not hasattr(estimator, "rectifier_")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_warm_start_continues(cls):
    estimator = fast(cls, warm_start=True).fit(DIGITS, LABELS)
    first, loss = estimator.rectifier_, min(estimator.loss_curve_)
    before = first.network.vector.copy()
    estimator.fit(DIGITS, LABELS)
    assert max(estimator.loss_curve_) <= loss
    assert estimator.n_iter_ == 3
    np.testing.assert_array_equal(first.network.vector, before)
    cold = fast(cls).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(cold), before)
    np.testing.assert_array_equal(weights_in(cold.fit(DIGITS, LABELS)), before)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"head": "mlp"},
        {"localization": "mlp"},
        {"family": "similarity"},
        {"output_shape": (4, 4)},
        {"padding_mode": "border"},
        {"fill_value": 1.0},
        {"antialias": True},
        {"n_steps": 2},
    ],
)
def test_warm_start_refuses_another_network(cls, parameters):
    estimator = fast(cls, warm_start=True).fit(DIGITS, LABELS).set_params(**parameters)
    snapshot = Snapshot(estimator)
    with pytest.raises(InvalidInputError, match="warm_start=False"):
        estimator.fit(DIGITS, LABELS)
    snapshot.check()
    estimator.set_params(warm_start=False).fit(DIGITS, LABELS)


@pytest.mark.parametrize("X, y", [(DIGITS[:, 1:], LABELS), (U8, LABELS), (DIGITS, LABELS % 3)])
def test_warm_start_refuses_other_data(X, y):
    estimator = fast(warm_start=True).fit(DIGITS, LABELS)
    snapshot = Snapshot(estimator)
    with pytest.raises(InvalidInputError, match="warm_start=False"):
        estimator.fit(X, y)
    snapshot.check()


def test_balanced_weights_need_all_samples_at_once():
    with pytest.raises(InvalidInputError, match="give a dict"):
        fast(class_weight="balanced").partial_fit(DIGITS, LABELS, ALL)
