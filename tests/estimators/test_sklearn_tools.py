"""The estimators among scikit-learn's tools, on images and on flat rows."""

import io
import pickle

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from support.estimator_cases import ESTIMATORS, KINDS, LABELS, fast, images_of, weights_in

from stn_cv import SpatialTransformer
from stn_cv.nn import Dense, Flatten

GROUPS = np.arange(len(LABELS)) // 2
WEIGHTS = np.where(LABELS == 0, 3.0, 1.0)
CHANCE = 0.25
kinds = pytest.mark.parametrize("kind", KINDS)
classes = pytest.mark.parametrize("cls", ESTIMATORS)


def rows(X):
    return X.reshape(len(X), -1)


def behind(transformer, *, last=None):
    flatten = FunctionTransformer(rows)
    last = LogisticRegression(max_iter=500) if last is None else last
    return Pipeline([("stn", transformer), ("flatten", flatten), ("last", last)])


@kinds
@classes
def test_clone(cls, kind):
    X, estimator = images_of(kind), fast(cls, kind)
    estimator.fit(X, LABELS)
    other = clone(estimator)
    assert not hasattr(other, "rectifier_")
    assert repr(other.get_params()) == repr(estimator.get_params())
    assert other.localization[1] is not estimator.localization[1]
    np.testing.assert_array_equal(
        weights_in(other.fit(X, LABELS)), weights_in(estimator), strict=True
    )


def test_fitting_leaves_the_layers_it_was_given_alone():
    layers = fast().localization
    before = [dict(vars(layer)) for layer in layers]
    fast(localization=layers).fit(images_of("grey"), LABELS)
    assert [vars(layer) for layer in layers] == before


@kinds
@classes
@pytest.mark.parametrize("tool", ["pickle", "joblib"])
def test_pickle_and_joblib(cls, kind, tool):
    X = images_of(kind)
    estimator = fast(cls, kind).fit(X, LABELS)
    if tool == "pickle":
        other = pickle.loads(pickle.dumps(estimator))
    else:
        file = io.BytesIO()
        joblib.dump(estimator, file)
        file.seek(0)
        other = joblib.load(file)
    np.testing.assert_array_equal(other.transform(X), estimator.transform(X), strict=True)
    np.testing.assert_array_equal(other.predict_theta(X), estimator.predict_theta(X), strict=True)
    np.testing.assert_array_equal(weights_in(other.fit(X, LABELS)), weights_in(estimator))


@kinds
def test_grid_search_in_two_processes(kind):
    grid = {"localization": ["mlp", [Flatten(), Dense(3)]], "max_iter": [4, 6]}
    search = GridSearchCV(fast(kind=kind), grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(images_of(kind), LABELS)
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.best_score_ > CHANCE
    assert search.best_estimator_.n_iter_ == search.best_params_["max_iter"]


@kinds
def test_cross_val_score(kind):
    X = images_of(kind)
    assert cross_val_score(fast(kind=kind, max_iter=8), X, LABELS, cv=2).min() > CHANCE
    pipeline = behind(fast(SpatialTransformer, kind))
    assert cross_val_score(pipeline, X, LABELS, cv=2, error_score="raise").min() > 0.7


@kinds
@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(kind, voting):
    X, (a, b) = images_of(kind), (fast(kind=kind), fast(kind=kind, random_state=1))
    vote = VotingClassifier([("a", a), ("b", b)], voting=voting).fit(X, LABELS)
    assert vote.predict(X).shape == LABELS.shape
    if voting == "soft":
        mean = (a.fit(X, LABELS).predict_proba(X) + b.fit(X, LABELS).predict_proba(X)) / 2
        np.testing.assert_allclose(vote.predict_proba(X), mean, atol=1e-12)


@kinds
def test_stacking(kind):
    X = images_of(kind)
    stack = StackingClassifier([("a", fast(kind=kind, max_iter=8))], cv=2).fit(X, LABELS)
    assert stack.score(X, LABELS) > 2 * CHANCE


@kinds
def test_calibrated(kind):
    X = images_of(kind)
    model = CalibratedClassifierCV(fast(kind=kind, max_iter=8), cv=2).fit(X, LABELS)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, LABELS) > 2 * CHANCE


@kinds
def test_frozen(kind):
    X = images_of(kind)
    estimator = fast(SpatialTransformer, kind).fit(X, LABELS)
    before = weights_in(estimator).copy()
    frozen = FrozenEstimator(estimator)
    pipeline = behind(frozen).fit(X[:40], LABELS[:40])
    assert pipeline[0].estimator is estimator
    np.testing.assert_array_equal(weights_in(estimator), before)
    np.testing.assert_array_equal(frozen.transform(X), estimator.transform(X))
    calibrated = CalibratedClassifierCV(FrozenEstimator(fast(kind=kind).fit(X, LABELS)), cv=2)
    assert calibrated.fit(X, LABELS).predict(X).shape == LABELS.shape


@kinds
@classes
def test_routing_of_weights_and_groups_through_a_pipeline(cls, kind):
    X = images_of(kind)
    with sklearn.config_context(enable_metadata_routing=True):
        step = fast(cls, kind, early_stopping=True).set_fit_request(sample_weight=True, groups=True)
        last = LogisticRegression(max_iter=500).set_fit_request(sample_weight=True)
        pipeline = behind(step, last=last)
        pipeline.fit(X, LABELS, sample_weight=WEIGHTS, groups=GROUPS)
    routed = weights_in(pipeline[0])
    direct = fast(cls, kind, early_stopping=True)
    np.testing.assert_array_equal(
        routed, weights_in(direct.fit(X, LABELS, sample_weight=WEIGHTS, groups=GROUPS))
    )
    assert (routed != weights_in(direct.fit(X, LABELS, groups=GROUPS))).any()
    assert (routed != weights_in(direct.fit(X, LABELS, sample_weight=WEIGHTS))).any()


@kinds
def test_routing_of_weights_and_groups_through_cross_validation(kind):
    X, direct = images_of(kind), fast(kind=kind, early_stopping=True)
    with sklearn.config_context(enable_metadata_routing=True):
        model = clone(direct).set_fit_request(sample_weight=True, groups=True)
        results = cross_validate(
            model.set_score_request(sample_weight=True),
            X,
            LABELS,
            cv=GroupKFold(2),
            params={"sample_weight": WEIGHTS, "groups": GROUPS},
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
    for fitted, score, train, test in zip(
        results["estimator"], results["test_score"], *results["indices"].values(), strict=True
    ):
        direct.fit(X[train], LABELS[train], WEIGHTS[train], GROUPS[train])
        np.testing.assert_array_equal(weights_in(fitted), weights_in(direct))
        assert score == direct.score(X[test], LABELS[test], WEIGHTS[test])


def test_without_routing_a_pipeline_names_the_step():
    X, pipeline = images_of("flat"), make_pipeline(fast(kind="flat"))
    pipeline.fit(X, LABELS, spatialtransformerclassifier__sample_weight=WEIGHTS)
    direct = fast(kind="flat").fit(X, LABELS, WEIGHTS)
    np.testing.assert_array_equal(weights_in(pipeline[0]), weights_in(direct))
