"""Whether a transformer is worth it: figures, spread, warnings, and cross-validation."""

import math
import re
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from support.estimator_cases import DIGITS, LABELS, Listener, fast

from stn_cv import (
    InterruptedWarning,
    InvalidTypeError,
    PoseReport,
    PoseWarning,
    SpatialTransformer,
    cross_validate_pose,
)
from stn_cv.estimators.pose_report import Figure, Spread, figure_of, spread_of
from stn_cv.nn import Flatten

rng = np.random.default_rng(0)
UPRIGHT, LABELS_UPRIGHT = load_digits(n_class=4, return_X_y=True)
UPRIGHT = UPRIGHT[:400].reshape(-1, 8, 8).astype(np.float32) / 16
# Bars that lie or stand, at random places: a linear head needs them in one place.
PLACES = rng.integers(0, 8, (400, 2))
KINDS = np.arange(400) % 2
BARS = np.zeros((400, 14, 14), np.float32)
for bar, (x, y), kind in zip(BARS, PLACES, KINDS, strict=True):
    bar[y + 3 * kind : y + 3 * kind + 1 + 6 * (1 - kind), x : x + 1 + 6 * kind] = 1
STAYS = {"localization_learning_rate_ratio": 0.0, "localization": [Flatten()]}


def quietly(fit, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoseWarning)
        return fit(*arguments, **named)


def report(**figures):
    """A report of accuracies in percent; gains with a standard error of a point."""
    accuracy = {kind: Figure(value / 100, 0.02) for kind, value in figures.items()}
    gain = {
        kind: Figure(accuracy["transformer"].value - figure.value, 0.01)
        for kind, figure in accuracy.items()
        if kind != "transformer"
    }
    return PoseReport(accuracy, gain, Spread(0.0, 0.0, 0.0, 0.2, 0.83), 500, True)


def test_the_spread_of_known_thetas():
    identity = np.eye(2, 3)
    away = identity + [[0, 0, 5], [0, 0, 0]]
    theta = np.stack([identity] * 6 + [away] * 2 + [identity + [[0, 0, 0.4], [0, 0, 0]]] * 2)
    theta[7, 0, 2] += 1e-9
    found = spread_of(theta)
    assert found.identical == 0.6 and found.at_identity == 0.6 and found.outside == 0.2
    mean_shift = (5 + 5 + 0.4 + 0.4) / 10
    assert found.movement == pytest.approx(mean_shift / 2, rel=1e-6)  # the median is an identity
    assert found.scale == pytest.approx(1)
    halved = spread_of(np.stack([identity * 0.5] * 3 + [identity * 0.5 + 1e-12]))
    assert halved.scale == pytest.approx(0.5) and halved.at_identity == 0


def test_all_different_thetas_are_not_identical():
    assert spread_of(np.eye(3) + rng.normal(0, 0.1, (7, 3, 3))).identical == 0


def test_figures_are_weighted_means_with_their_standard_errors():
    values, weights = rng.random(50), rng.random(50)
    mean, error = figure_of(values)
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / math.sqrt(50))
    assert figure_of(values, weights).value == pytest.approx(np.average(values, weights=weights))
    assert figure_of(values, 3 * weights) == pytest.approx(figure_of(values, weights))
    assert str(Figure(0.845, 0.0123)) == "84.5% ± 1.2%"


def test_a_transformer_that_pays_says_so_and_warns_of_nothing():
    assert report(transformer=90, alone=80, fixed_crop=81, moments=70).warnings == []
    assert report(transformer=90, alone=80).pays is True
    assert report(transformer=81, alone=80).pays is None  # within two standard errors
    assert report(transformer=90, fixed_crop=80).pays is None


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"transformer": 80, "alone": 80}, "does not pay.*80.0%.*80.0%.*500 images"),
        ({"transformer": 90, "alone": 80, "fixed_crop": 90}, "fixed crop of scale 0.83 does as"),
        ({"transformer": 90, "alone": 80, "fixed_crop": 85, "moments": 95}, "moments.*95.0%"),
    ],
)
def test_what_speaks_against_it_is_told_once(figures, words):
    found = report(**figures)
    (only,) = found.warnings
    assert only in str(found) and re.search(words, only)


def test_where_it_pays_the_figures_say_so():
    model = SpatialTransformer("translation", head="linear", learning_rate_init=0.03)
    model.set_params(max_iter=40, output_shape=(10, 10), random_state=0, n_steps=2)
    model.set_params(alpha=1e-4, batch_size=128, early_stopping=False)
    found = quietly(model.fit, BARS, KINDS).pose_report_
    assert list(found.accuracy) == ["transformer", "alone", "fixed_crop", "moments"]
    assert found.pays and found.moves and found.n_samples == 80 and not found.unseen
    assert found.gain["alone"].value > 2 * found.gain["alone"].error
    text = str(found)
    assert "on 80 images, which the transformer was trained on" in text
    assert str(found.accuracy["moments"]) in text and "from the mean frame" in text


def test_a_transformer_that_stays_is_warned_of():
    with pytest.warns(PoseWarning) as caught:
        model = fast(**STAYS, early_stopping=True, validation_fraction=0.25).fit(
            UPRIGHT, LABELS_UPRIGHT[:400]
        )
    found = model.pose_report_
    assert caught[0].filename == __file__ and "hardly moves" in str(caught[0].message)
    assert not found.moves and found.spread.identical == found.spread.at_identity == 1
    assert found.unseen and found.n_samples == 100
    assert found.gain["fixed_crop"].value == 0  # both are the images as they came
    assert "which the transformer was trained on" not in str(found)


def test_few_samples_are_not_compared():
    found = fast().fit(DIGITS, LABELS).pose_report_
    assert found.accuracy == {} and found.pays is None and "too few" in str(found)
    assert 0 < found.spread.movement < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_classifier_as_the_head_is_the_one_that_is_compared(dtype):
    X = (UPRIGHT * (255 if dtype == np.uint8 else 1)).astype(dtype)
    head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    model = quietly(fast(head=head, **STAYS).fit, X, LABELS_UPRIGHT[:400])
    found = model.pose_report_
    assert found.accuracy["transformer"] == found.accuracy["alone"]
    assert found.accuracy["alone"].value > 0.9 and found.pays is False


def test_a_head_that_cannot_take_the_images_is_named():
    class Picky(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            if X.shape[1] == 64:
                raise ValueError("no more than 36 values")
            return super().fit(X, y, sample_weight)

    model = fast(head=Picky(), output_shape=(6, 6), max_iter=1)
    found = quietly(model.fit, UPRIGHT, LABELS_UPRIGHT[:400]).pose_report_
    assert found.not_fitted == {"alone": "no more than 36 values"} and "alone" not in found.gain
    assert "not fitted: no more than 36 values" in str(found) and found.pays is None


def test_ctrl_c_costs_the_report_alone(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("stn_cv.estimators.pose_comparison.compared", interrupted)
    with pytest.warns(InterruptedWarning, match="no pose_report_"):
        model = fast().fit(UPRIGHT, LABELS_UPRIGHT[:400])
    assert model.pose_report_ is None and model.n_iter_ == 3


def test_an_interrupted_fit_has_no_report():
    model = fast()
    if not hasattr(model, "set_callbacks"):
        pytest.skip("scikit-learn has no callbacks")
    model.set_callbacks(Listener(raises=KeyboardInterrupt(), at=2))
    with pytest.warns(InterruptedWarning):
        model.fit(UPRIGHT, LABELS_UPRIGHT[:400])
    assert model.pose_report_ is None


def test_cross_validation_gives_the_scores_of_scikit_learn():
    X, y = UPRIGHT[:200].reshape(200, 64), LABELS_UPRIGHT[:200]
    rectify = fast(SpatialTransformer, "flat")
    rest = LogisticRegression(max_iter=500)
    model, cv = make_pipeline(MinMaxScaler(), rectify, rest), KFold(3)
    found = cross_validate_pose(model, X, y, cv=cv)
    wanted = quietly(cross_val_score, clone(model), X, y, cv=cv)
    sizes = [len(test) for _, test in cv.split(X)]
    assert found.accuracy["transformer"].value == pytest.approx(np.average(wanted, weights=sizes))
    alone = cross_val_score(make_pipeline(MinMaxScaler(), rest), X, y, cv=cv)
    assert found.accuracy["alone"].value == pytest.approx(np.average(alone, weights=sizes))
    assert found.n_samples == 200 and found.unseen


@pytest.mark.parametrize("head", ["linear", LogisticRegression(max_iter=300)])
def test_cross_validation_of_a_transformer_alone_takes_its_head_and_keeps_groups(head):
    X = np.repeat(UPRIGHT[:60], 4, axis=0)
    y = np.array(["a", "b"])[np.repeat(LABELS_UPRIGHT[:60] % 2, 4)]
    secrets = rng.permutation(240)  # what only copies of a sample could tell
    found = quietly(
        cross_validate_pose, fast(head=head), X[secrets], y[secrets], groups=secrets // 4, cv=2
    )
    assert set(found.accuracy) == {"transformer", "alone", "fixed_crop", "moments"}
    assert found.n_samples == 240


def test_groups_stay_on_one_side_in_cross_validation():
    labels = rng.integers(0, 2, 60)  # noise, but the same for all copies
    X, y = np.repeat(rng.random((60, 6, 6)), 4, axis=0), np.repeat(labels, 4)
    model = make_pipeline(fast(SpatialTransformer, **STAYS), Nearest())
    apart = cross_validate_pose(model, X, y, groups=np.arange(240) // 4, cv=3)
    mixed = cross_validate_pose(model, X[::-1], y[::-1], cv=KFold(3, shuffle=True, random_state=0))
    assert not apart.not_fitted
    assert apart.accuracy["alone"].value < 0.75 < 0.9 < mixed.accuracy["alone"].value


class Nearest(LogisticRegression):
    """Knows what it has seen."""

    def fit(self, X, y):
        self.seen_, self.labels_ = X.reshape(len(X), -1), y
        return self

    def predict(self, X):
        X = X.reshape(len(X), 1, -1)
        return self.labels_[((X - self.seen_) ** 2).sum(axis=2).argmin(axis=1)]


def test_what_has_no_transformer_is_refused():
    with pytest.raises(InvalidTypeError, match="wanted a SpatialTransformer"):
        cross_validate_pose(make_pipeline(LogisticRegression()), DIGITS, LABELS)
