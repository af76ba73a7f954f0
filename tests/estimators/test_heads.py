"""The estimators with a scikit-learn classifier as their head."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC
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
    images_of,
    weights_in,
)

import stn_cv
from stn_cv import (
    HOG,
    CollapseWarning,
    InterruptedWarning,
    InvalidInputError,
    InvalidTypeError,
    SpatialTransformer,
    SpatialTransformerClassifier,
)
from stn_cv.joint.heads import HeadSpec, scoring_method

LOGISTIC = LogisticRegression(C=0.1, max_iter=1000)
FOREST = RandomForestClassifier(10)
SPARSE = Pipeline([("sparse", FunctionTransformer(csr_array)), ("last", LOGISTIC)])
HEADS = {
    "logistic": LOGISTIC,
    "pipeline": make_pipeline(StandardScaler(), PCA(8), LOGISTIC),
    "margins": LinearSVC(),
    "svc": SVC(),
    "forest": FOREST,
    "neighbours": KNeighborsClassifier(3),
    "sparse": SPARSE,
    "calibrated": CalibratedClassifierCV(LinearSVC(), cv=2),
}
heads = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
classes = pytest.mark.parametrize("cls", ESTIMATORS)
WORDS = np.array(["nil", "one", "deux", "drei"])[LABELS]
CHANCE = 0.25


def rows(X):
    return X.reshape(len(X), -1)


@heads
@pytest.mark.parametrize("kind", ["grey", "colour", "flat"])
def test_fit_and_predict(head, kind):
    X = images_of(kind)
    model = fast(kind=kind, head=head, max_iter=6).fit(X, WORDS)
    assert list(model.classes_) == sorted(set(WORDS))
    assert model.score(X, WORDS) > 2 * CHANCE
    rectified = rows(model.transform(X))
    np.testing.assert_array_equal(model.predict(X), model.head_.predict(rectified))
    for method in ("predict_proba", "decision_function"):
        assert hasattr(model, method) == hasattr(head, method) == hasattr(clone(model), method)
        if hasattr(head, method):
            np.testing.assert_array_equal(
                getattr(model, method)(X), getattr(model.head_, method)(rectified)
            )


@heads
def test_the_given_head_is_left_alone(head):
    before = pickle.dumps(head)
    model = fast(head=head).fit(DIGITS, LABELS)
    assert pickle.dumps(head) == before
    assert model.head is head is not model.head_
    assert type(model.head_) is type(head)


@pytest.mark.parametrize("head", [LOGISTIC, LinearSVC(), SVC(), FOREST], ids=type)
def test_two_classes(head):
    y = np.where(LABELS < 2, "low", "high")
    model = fast(head=head, max_iter=6).fit(DIGITS, y)
    assert model.score(DIGITS, y) > 0.7
    if hasattr(head, "decision_function"):
        assert model.decision_function(DIGITS).shape == (80,)


def test_the_classifier_behind_a_transformer():
    X = images_of("flat")
    stn = fast(SpatialTransformer, "flat", head=SVC(C=3.0)).fit(X, WORDS)
    pipeline = make_pipeline(FrozenEstimator(stn), FrozenEstimator(stn.head_)).fit(X, WORDS)
    whole = fast(kind="flat", head=SVC(C=3.0)).fit(X, WORDS)
    np.testing.assert_array_equal(pipeline.predict(X), whole.predict(X))
    np.testing.assert_array_equal(weights_in(stn), weights_in(whole))


def test_the_head_sees_what_transform_gives():
    model = fast(head=KNeighborsClassifier(1)).fit(U8, LABELS)
    assert model.head_._fit_X.dtype == np.uint8
    np.testing.assert_array_equal(model.head_._fit_X, rows(model.transform(U8)))


@pytest.mark.parametrize("known", [LABELS < 3, LABELS > 0])
def test_a_frozen_head_must_know_the_classes(known):
    """Its columns would be taken for those of other classes."""
    spy = Spy()
    for head in (LOGISTIC, FOREST):
        frozen = FrozenEstimator(clone(head).fit(rows(DIGITS[known]), LABELS[known]))
        for given in (frozen, make_pipeline(FunctionTransformer(), frozen)):
            with pytest.raises(InvalidInputError, match=r"knows the classes.*y holds \[0 1 2 3\]"):
                fast(head=given, augment=spy).fit(DIGITS, LABELS)
    assert not spy.seen  # before any training
    whole = FrozenEstimator(clone(LOGISTIC).fit(rows(DIGITS), LABELS))
    with pytest.raises(InvalidInputError, match=r"y holds \[1 2 3\]"):
        fast(head=whole).fit(DIGITS[LABELS > 0], LABELS[LABELS > 0])


def test_what_was_fitted_predicts_whatever_the_head_is_set_to():
    layers, sklearn_head = fast(), fast(head=SVC())
    for model, other in ((layers, SVC()), (sklearn_head, "linear")):
        wanted = model.fit(DIGITS, LABELS).predict(DIGITS)
        model.set_params(head=other)
        with pytest.raises(InvalidInputError, match="one class only"):
            model.fit(DIGITS, np.zeros(80))
        np.testing.assert_array_equal(model.predict(DIGITS), wanted)
    assert hasattr(layers, "predict_proba") and not hasattr(layers, "decision_function")
    assert hasattr(sklearn_head, "decision_function") and not hasattr(sklearn_head, "predict_proba")
    assert sklearn_head.decision_function(DIGITS).shape == (80, 4)


def test_fits_in_threads_leave_the_warnings_as_they_were():
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        fits = [threads.submit(fast(head=LOGISTIC).fit, DIGITS, LABELS) for _ in range(12)]
        for done in fits:
            done.result()
    assert warnings.filters == before


class Odd(ClassifierMixin, BaseEstimator):
    """Probabilities that are none."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


def test_scores_that_are_no_numbers_are_blamed_on_the_head():
    with pytest.raises(InvalidInputError, match="predict_proba of the head Odd.* gave NaN"):
        fast(head=Odd()).fit(DIGITS, LABELS)


def test_what_scikit_learn_has_no_tags_of_is_no_head():
    class Bare:
        _estimator_type = "classifier"

        def fit(self, X, y):
            return self

    with pytest.raises(InvalidTypeError, match="wanted a name, a list of layers, or"):
        fast(head=Bare()).fit(DIGITS, LABELS)


@dataclass
class Halved:
    def __call__(self, X):
        return X / 2


def test_a_function_that_cannot_be_a_key_has_no_derivative():
    head = make_pipeline(FunctionTransformer(Halved()), LOGISTIC)
    assert fast(head=head).fit(DIGITS, LABELS).score(DIGITS, LABELS) > CHANCE


def test_the_units_are_those_of_the_images():
    """The same penalty weighs less on the weights of bytes, by a factor of 255 squared."""
    by_bytes = fast(head=RidgeClassifier(100.0 * 255**2), max_iter=6).fit(U8, LABELS)
    by_floats = fast(head=RidgeClassifier(100.0), max_iter=6).fit(U8 / np.float32(255), LABELS)
    other = fast(head=RidgeClassifier(0.1), max_iter=6).fit(U8 / np.float32(255), LABELS)
    np.testing.assert_allclose(weights_in(by_bytes), weights_in(by_floats), atol=1e-4)
    assert np.abs(weights_in(by_floats) - weights_in(other)).max() > 1e-3


@heads
def test_random_state_reaches_the_head(head):
    a, b = (fast(head=head, random_state=3).fit(DIGITS, LABELS) for _ in range(2))
    np.testing.assert_array_equal(weights_in(a), weights_in(b))
    np.testing.assert_array_equal(a.predict(DIGITS), b.predict(DIGITS))
    seeds = [v for k, v in a.head_.get_params().items() if k.endswith("random_state")]
    assert None not in seeds
    own = fast(head=RandomForestClassifier(5, random_state=77)).fit(DIGITS, LABELS)
    assert own.head_.random_state == 77


@classes
@pytest.mark.parametrize("head", [LOGISTIC, FOREST, SVC()], ids=type)
def test_threads_change_no_bit(small_slices, cls, head):
    one, two = (
        fast(cls, head=head, batch_size=40, n_jobs=jobs).fit(DIGITS, LABELS) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(weights_in(one), weights_in(two))
    np.testing.assert_array_equal(one.transform(DIGITS), two.transform(DIGITS))


@pytest.mark.parametrize("tool", [lambda m: pickle.loads(pickle.dumps(m)), clone])
def test_pickle_and_clone(tool):
    model = fast(head=SVC()).fit(DIGITS, LABELS)
    other = tool(model)
    if tool is clone:
        assert not hasattr(other, "head_")
        other.fit(DIGITS, LABELS)
    np.testing.assert_array_equal(other.predict(DIGITS), model.predict(DIGITS))


def test_searching_the_parameters_of_the_head():
    search = GridSearchCV(
        fast(head=make_pipeline(PCA(8), SVC())), {"head__svc__C": [1e-3, 10.0]}, cv=2, n_jobs=2
    )
    search.fit(DIGITS, LABELS)
    assert search.best_params_ == {"head__svc__C": 10.0}
    assert search.best_estimator_.head_[-1].C == 10.0
    assert cross_val_score(fast(head=FOREST), DIGITS, LABELS, cv=2).min() > CHANCE


def test_save_keeps_the_transformer(tmp_path):
    model = fast(head=SVC()).fit(U8, WORDS)
    stn_cv.save(model, tmp_path / "model.stn")
    rectifier = stn_cv.load(tmp_path / "model.stn")
    np.testing.assert_array_equal(rectifier.theta(U8), model.predict_theta(U8))
    np.testing.assert_array_equal(rectifier.rectify(U8), model.transform(U8))
    with pytest.raises(InvalidInputError, match="trained with a scikit-learn classifier"):
        rectifier.predict_proba(U8)


# Weights


def test_class_weight_is_a_sample_weight():
    weights = np.where(LABELS == 1, 5.0, 1.0)
    a = fast(head=LOGISTIC, class_weight={1: 5.0}).fit(DIGITS, LABELS)
    b = fast(head=LOGISTIC).fit(DIGITS, LABELS, weights)
    np.testing.assert_array_equal(weights_in(a), weights_in(b))
    np.testing.assert_array_equal(a.head_.coef_, b.head_.coef_)
    plain = fast(head=LOGISTIC).fit(DIGITS, LABELS)
    assert (weights_in(a) != weights_in(plain)).any()
    assert np.abs(a.head_.coef_ - plain.head_.coef_).max() > 1e-3


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("head", [LOGISTIC, make_pipeline(PCA(8), LOGISTIC)], ids=type)
def test_a_weight_of_two_is_a_sample_twice(head, routing):
    weights = np.tile([2, 1, 0, 1], 20)
    parameters = {"head": head, "batch_size": 200}
    with sklearn.config_context(enable_metadata_routing=routing):
        weighted = fast(**parameters).fit(DIGITS, LABELS, weights)
    repeated = fast(**parameters).fit(DIGITS.repeat(weights, axis=0), LABELS.repeat(weights))
    if isinstance(head, Pipeline):  # its PCA takes no weights
        assert (weights_in(weighted) != weights_in(fast(**parameters).fit(DIGITS, LABELS))).any()
    else:
        np.testing.assert_allclose(
            weighted.predict_proba(DIGITS), repeated.predict_proba(DIGITS), rtol=1e-5, atol=1e-7
        )


def test_a_class_without_weight_is_not_learned():
    weights = np.where(LABELS == 2, 0.0, 1.0)
    for head in (LOGISTIC, FOREST, LinearSVC()):
        model = fast(head=head).fit(DIGITS, LABELS, weights)
        assert list(model.classes_) == [0, 1, 3] == list(model.head_.classes_)


def test_a_head_without_weights_says_so():
    weights = np.where(LABELS == 2, 2.0, 1.0)
    with pytest.warns(UserWarning, match="takes no sample_weight") as caught:
        fast(head=KNeighborsClassifier()).fit(DIGITS, LABELS, weights)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # where it was called
    fast(head=KNeighborsClassifier()).fit(DIGITS, LABELS, np.full(80, 2.0))


# The course of a training


@classes
def test_epochs_are_counted_through(cls, capsys):
    pytest.importorskip("sklearn.callback")
    listener = Listener()
    model = fast(cls, head=SVC(), max_iter=7, verbose=True).set_callbacks(listener)
    model.fit(DIGITS, LABELS)
    assert listener.epochs == model.n_iter_ == len(model.loss_curve_) == 7
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"Epoch {i}" for i in range(1, 8)]


@pytest.mark.parametrize("at", [2, 5])
def test_a_callback_stops(at):
    pytest.importorskip("sklearn.callback")
    model = fast(head=SVC(), max_iter=7).set_callbacks(Listener(at=at)).fit(DIGITS, LABELS)
    assert model.n_iter_ == at and model.score(DIGITS, LABELS) > CHANCE


@pytest.mark.parametrize("at", [2, 5])
def test_interrupted(at):
    pytest.importorskip("sklearn.callback")
    model = fast(head=SVC(), max_iter=7).set_callbacks(Listener(KeyboardInterrupt(), at=at))
    with pytest.warns(InterruptedWarning, match="training interrupted"):
        model.fit(DIGITS, LABELS)
    assert model.n_iter_ == at
    np.testing.assert_array_equal(
        model.predict(DIGITS), model.head_.predict(rows(model.transform(DIGITS)))
    )


def test_a_frozen_head_is_what_it_holds():
    assert scoring_method(FrozenEstimator(SVC(probability=True))) == "decision_function"
    hog = FrozenEstimator(HOG(pixels_per_cell=(2, 2), cells_per_block=(1, 1)).fit(DIGITS))
    assert not HeadSpec(make_pipeline(hog, LinearSVC()), np.arange(4), 0, inexact=(HOG,)).exact
    assert HeadSpec(make_pipeline(hog, LinearSVC()), np.arange(4), 0).exact


class Interrupted(SVC):
    """A classifier whose fits of these numbers are interrupted."""

    numbers: ClassVar[list] = []
    fits: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        self.fits.append(len(X))
        if len(self.fits) in self.numbers:
            raise KeyboardInterrupt
        return super().fit(X, y, sample_weight)


def test_interrupted_in_the_last_fit_of_the_head(monkeypatch):
    wanted = fast(head=SVC(), max_iter=2).fit(DIGITS, LABELS)
    monkeypatch.setattr(Interrupted, "fits", [])
    fast(head=Interrupted(), max_iter=2).fit(DIGITS, LABELS)
    last = len(Interrupted.fits)
    model = fast(head=Interrupted(), max_iter=2)
    monkeypatch.setattr(Interrupted, "fits", [])
    monkeypatch.setattr(Interrupted, "numbers", [last])
    with pytest.warns(InterruptedWarning, match="fitted once more"):
        model.fit(DIGITS, LABELS)
    np.testing.assert_array_equal(model.predict(DIGITS), wanted.predict(DIGITS))
    for twice in ([last, last + 1], [last - 1, last]):  # the second time it means to give up
        again = fast(head=Interrupted(), max_iter=2)
        monkeypatch.setattr(Interrupted, "fits", [])
        monkeypatch.setattr(Interrupted, "numbers", twice)
        with pytest.warns(InterruptedWarning), pytest.raises(KeyboardInterrupt):
            again.fit(DIGITS, LABELS)
        assert not hasattr(again, "rectifier_")


class Noting(LogisticRegression):
    """A classifier that notes how bright the images are that it is fitted on."""

    seen: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        self.seen.append(X.mean())
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("images", [DIGITS, U8], ids=["float", "uint8"])
def test_the_classifier_is_fitted_on_augmented_images(images):
    Noting.seen.clear()
    fast(head=Noting(), max_iter=6, augment=lambda X, rng: X / 4).fit(images, LABELS)
    assert len(Noting.seen) > 6 and max(Noting.seen) < images.mean() / 3
    assert min(Noting.seen) > images.mean() / 6


def test_early_stopping():
    model = fast(head=SVC(), early_stopping=True, max_iter=9, validation_fraction=0.25)
    model.fit(DIGITS, LABELS, groups=np.arange(80) // 2)
    assert len(model.validation_scores_) == model.n_iter_ == 9
    assert model.head_.shape_fit_[0] == 80  # the last head is of all samples
    stopped = fast(head=SVC(), early_stopping=True, max_iter=60, n_iter_no_change=2, tol=2.0)
    assert stopped.fit(DIGITS, LABELS).n_iter_ == 6  # three epochs of each part


def test_training_goes_on_for_a_classifier():
    model = fast(head="cnn", warm_start=True).fit(DIGITS, LABELS)
    begun = weights_in(model).copy()
    model.set_params(head=SVC(), max_iter=2).fit(DIGITS, LABELS)
    assert model.n_iter_ == 2 and type(model.head_) is SVC
    again = model.fit(DIGITS, LABELS)
    assert again.n_iter_ == 2 and len(weights_in(model)) < len(begun)
    with pytest.raises(InvalidInputError, match="head, .* changed"):
        model.set_params(head="linear").fit(DIGITS, LABELS)
    model.set_params(warm_start=False).fit(DIGITS, LABELS)
    assert not hasattr(model, "head_")


def test_no_partial_fit():
    assert not hasattr(SpatialTransformerClassifier(head=SVC()), "partial_fit")
    model = fast(head=SVC()).fit(DIGITS, LABELS).set_params(head="linear")
    with pytest.raises(InvalidInputError, match="call fit"):
        model.partial_fit(DIGITS, LABELS)


# Heads that cannot be used


class Broken(ClassifierMixin, BaseEstimator):
    """Its nth fit fails."""

    fits = 0

    def __init__(self, at=1):
        self.at = at

    def fit(self, X, y):
        type(self).fits += 1
        if type(self).fits == self.at:
            raise RuntimeError("out of order")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), int)]

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@classes
@pytest.mark.parametrize("at", [1, 5, 10])
def test_a_head_that_fails_changes_nothing(cls, at):
    """Three folds at the start and after each of two epochs, then the last fit."""
    Broken.fits = 0
    model = fast(cls, head=SVC(), max_iter=6).fit(U8, LABELS).set_params(head=Broken(at))
    snapshot = Snapshot(model)
    with pytest.raises(RuntimeError, match="out of order"):
        model.fit(DIGITS[:, 1:, 1:], LABELS % 2)
    snapshot.check()


HARD = VotingClassifier([("a", LOGISTIC), ("b", RidgeClassifier())], voting="hard")


@classes
@pytest.mark.parametrize(
    "head, error, message",
    [
        (LinearRegression(), InvalidTypeError, "head is LinearRegression"),
        (LogisticRegression, InvalidTypeError, "an instance"),
        (make_pipeline(PCA(), LinearRegression()), InvalidTypeError, "wanted"),
        (HARD, InvalidInputError, "neither predict_proba nor decision_function"),
        (StackingClassifier([("a", LOGISTIC)]), InvalidInputError, "a final_estimator of its own"),
        (3, ValueError, "'head' parameter"),
        (NuSVC(decision_function_shape="ovo"), InvalidInputError, "pairs of the 4 classes"),
        (
            make_pipeline(HOG(pixels_per_cell=(4, 4)), SVC(decision_function_shape="ovo")),
            InvalidInputError,
            "decision_function_shape='ovr'",
        ),
        (
            GridSearchCV(NuSVC(decision_function_shape="ovo"), {"nu": [0.3]}),
            InvalidInputError,
            "pairs of the 4 classes",
        ),
    ],
)
def test_what_is_no_head(cls, head, error, message):
    with pytest.raises(error, match=message):
        fast(cls, head=head).fit(DIGITS, LABELS)


def test_a_class_of_one_image_is_learned_but_not_judged():
    few = np.r_[np.flatnonzero(LABELS != 2), np.flatnonzero(LABELS == 2)[:1]]
    model = fast(head=KNeighborsClassifier(1), max_iter=6).fit(DIGITS[few], LABELS[few])
    assert model.predict(DIGITS[few][-1:]) == 2
    assert model.score(DIGITS[few], LABELS[few]) > 2 * CHANCE


@pytest.mark.parametrize("head", [LOGISTIC, FOREST], ids=type)
def test_too_few_groups(head):
    with pytest.raises(InvalidInputError, match="no class has groups in two folds.* n_folds=1"):
        fast(head=head).fit(DIGITS, LABELS, groups=LABELS)
    with pytest.raises(InvalidInputError, match="no class has groups in two folds.* n_folds=1"):
        fast(head=head).fit(DIGITS[[0, 1, 2]], LABELS[[0, 1, 2]])
    fast(head=head, n_folds=1).fit(DIGITS, LABELS, groups=LABELS)


def test_a_transformer_that_looks_away_is_told_of():
    with pytest.warns(CollapseWarning, match="looks away"):
        fast(**COLLAPSING, head=LOGISTIC).fit(DIGITS, ODD_ONE_OUT)
