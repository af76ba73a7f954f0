"""Input gradients of scikit-learn's estimators against differences of their own outputs."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from support.reference import assert_gradient

from stn_cv import InvalidInputError, InvalidTypeError
from stn_cv.joint import DERIVATIVES, GRADIENTS, differentiable, forward

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{c.__module__}.{c.__name__}")
    for c in (ConvergenceWarning, FutureWarning)  # too few iterations; SVC(probability=True)
]
P = 6
LABELS = np.array(["cat", "ant", "dog", "bee"])


def data(n_classes, n=60):
    """Rows and string labels, of which the first class has 70 in 100."""
    weights = [0.7] + [0.3 / (n_classes - 1)] * (n_classes - 1)
    X, y = make_classification(
        n, P, n_informative=5, n_redundant=0, n_classes=n_classes, weights=weights,
        n_clusters_per_class=1, class_sep=0.7, random_state=n_classes,
    )  # fmt: skip
    return X, LABELS[:n_classes][y]


def probes(dtype=np.float64):
    """Rows that no estimator was fitted on."""
    return np.random.default_rng(7).normal(size=(5, P)).astype(dtype)


def output(estimator, X):
    """What the estimator itself gives, classes in columns."""
    last = estimator
    while isinstance(last, Pipeline):
        last = last[-1]
    if not is_classifier(estimator):
        return estimator.transform(X)
    if isinstance(last, SVC):
        return pairwise_sums(estimator, last, X)
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    D = estimator.decision_function(X)
    return D if D.ndim == 2 else np.column_stack([-D / 2, D / 2])


def pairwise_sums(estimator, svc, X):
    shape = svc.decision_function_shape
    D = estimator.decision_function(X)
    k = len(svc.classes_)
    if k > 2:
        svc.decision_function_shape = "ovo"
        D = estimator.decision_function(X)
        svc.decision_function_shape = shape
    Y, pair = np.zeros((len(X), k)), 0
    if k == 2:
        return np.column_stack([-D / 2, D / 2])
    for i in range(k):
        for j in range(i + 1, k):
            Y[:, i] += D[:, pair]
            Y[:, j] -= D[:, pair]
            pair += 1
    return Y


def check(estimator, X):
    rows = X.copy()
    Y, backward = forward(estimator, X)
    np.testing.assert_allclose(Y, output(estimator, X), rtol=1e-9, atol=1e-11)
    dY = np.random.default_rng(1).normal(size=Y.shape)
    assert_gradient(lambda X: output(estimator, X), X, dY, backward(dY))
    np.testing.assert_array_equal(X, rows)


TRANSFORMERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler(),
    MinMaxScaler(feature_range=(-2, 1), clip=True),
    PCA(3),
    PCA(3, whiten=True),
    TruncatedSVD(3),
    Normalizer("l1"),
    Normalizer("l2"),
    Normalizer("max"),
    FunctionTransformer(),
    Nystroem(n_components=20, random_state=0),
    Nystroem(kernel="rbf", gamma=0.3, n_components=20, random_state=0),
    Nystroem(kernel="linear", n_components=4, random_state=0),
    Nystroem(kernel="poly", kernel_params={"degree": 2, "gamma": 0.2}, n_components=9),
    Nystroem(kernel="polynomial", degree=2, coef0=0.5, n_components=9, random_state=0),
    Nystroem(kernel="sigmoid", gamma=0.1, n_components=9, random_state=0),
    RBFSampler(gamma=0.2, n_components=15, random_state=0),
    make_pipeline("passthrough", StandardScaler(), None, PCA(3), Normalizer()),
]
CLASSIFIERS = [
    LogisticRegression(),
    LogisticRegression(class_weight="balanced", fit_intercept=False),
    LogisticRegressionCV(cv=2),
    LinearSVC(),
    RidgeClassifier(),
    *(SGDClassifier(loss, alpha=0.1, random_state=0) for loss in
      ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron")),
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis("lsqr", shrinkage="auto"),
    LinearDiscriminantAnalysis("eigen", shrinkage=0.1),
    *(MLPClassifier((5, 4), activation, max_iter=40, random_state=0) for activation in
      ("identity", "logistic", "tanh", "relu")),
    *(SVC(kernel=kernel, decision_function_shape=shape) for shape in ("ovr", "ovo")
      for kernel in ("linear", "rbf", "poly", "sigmoid")),
    SVC(gamma="auto", class_weight="balanced", probability=True, random_state=0),
    make_pipeline(StandardScaler(), PCA(4, whiten=True), LinearSVC()),
    make_pipeline(Nystroem(n_components=20, random_state=0), LogisticRegression()),
    make_pipeline(MinMaxScaler(), make_pipeline(Normalizer(), SVC(kernel="rbf"))),
]  # fmt: skip


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_transformers(transformer):
    assert differentiable(transformer)
    check(clone(transformer).fit(data(2)[0]), probes())


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)
def test_classifiers(classifier, n_classes):
    assert differentiable(classifier)
    fitted = clone(classifier).fit(*data(n_classes))
    check(fitted, 0.3 * probes())
    Y, _ = forward(fitted, probes())
    assert Y.shape == (5, n_classes)


@pytest.mark.parametrize("parameters", [{"solver": "liblinear"}, {"multi_class": "ovr"}])
def test_logistic_regression_of_one_class_versus_the_rest(parameters):
    try:
        classifier = LogisticRegression(**parameters).fit(*data(3))
    except (TypeError, ValueError):
        pytest.skip(f"this scikit-learn has no LogisticRegression with {parameters}")
    check(classifier, probes())


@pytest.mark.parametrize("estimator", TRANSFORMERS + CLASSIFIERS, ids=str)
def test_float32_stays_near_float64(estimator):
    X, y = data(3)
    fitted = clone(estimator).fit(X.astype(np.float32), y)
    X = probes()
    Y, backward = forward(fitted, X.astype(np.float32))
    wanted, wanted_backward = forward(fitted, X)
    own = output(fitted, X.astype(np.float32))
    np.testing.assert_allclose(Y, own, rtol=1e-4, atol=2e-5)
    dY = np.random.default_rng(1).normal(size=Y.shape)
    dX = backward(dY.astype(Y.dtype))
    assert Y.dtype == own.dtype and dX.dtype == np.float32
    wanted = wanted_backward(dY)
    np.testing.assert_allclose(dX, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("n_classes", [3, 4])
def test_one_versus_rest_values_of_an_svc_come_from_the_same_sums(n_classes):
    X, y = data(n_classes)
    svc = SVC().fit(X, y)
    sums, own = forward(svc, X)[0], svc.decision_function(X)
    np.testing.assert_allclose(own - np.rint(own), sums / (3 * (np.abs(sums) + 1)), atol=1e-12)


def test_a_class_that_no_duel_can_share():
    X, y = data(3)
    sgd = SGDClassifier("modified_huber", random_state=0).fit(X, y)
    sgd.coef_, sgd.intercept_ = sgd.coef_ * 0, np.full(3, -2.0)  # no class is possible
    Y, backward = forward(sgd, X)
    np.testing.assert_array_equal(Y, sgd.predict_proba(X))
    np.testing.assert_array_equal(backward(np.eye(3)[[0] * len(X)]), 0)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_rows_of_nearly_zeros_in_a_normalizer(norm):
    X = np.array([[0.0] * P, [1e-17] * P])  # below 10 eps a row is left as it is
    Y, backward = forward(Normalizer(norm).fit(X), X)
    np.testing.assert_array_equal(Y, X)
    np.testing.assert_array_equal(backward(X + 2), X + 2)


def test_what_a_scaler_clips():
    scaler = MinMaxScaler(clip=True).fit(data(2)[0])
    X = 4 * probes()
    assert 0.2 < np.isin(scaler.transform(X), (0, 1)).mean() < 0.8
    check(scaler, X)


def test_sure_probabilities_are_finite():
    X, y = data(2)
    classifier = LogisticRegression().fit(X, y)
    for scale in (1e3, 1e6, -1e6):
        Y, backward = forward(classifier, scale * X)
        np.testing.assert_allclose(Y, classifier.predict_proba(scale * X), rtol=1e-12)
        assert np.isfinite(backward(np.ones_like(Y))).all()


@pytest.mark.parametrize("estimator", [LogisticRegression(), SGDClassifier(random_state=0)])
def test_sparse_coefficients(estimator):
    check(estimator.fit(*data(3)).sparsify(), probes())


def test_support_vectors_of_sparse_rows():
    from scipy.sparse import csr_array

    X, y = data(3)
    svc, dense = SVC().fit(csr_array(X), y), SVC().fit(X, y)
    Y, backward = forward(svc, probes())
    wanted, wanted_backward = forward(dense, probes())
    np.testing.assert_allclose(Y, wanted, rtol=1e-8)
    np.testing.assert_allclose(backward(Y), wanted_backward(Y), rtol=1e-8)


def cubes(X, weight=1.0):
    return weight * X**3


def sparse_cubes(X):
    from scipy.sparse import csr_array

    return csr_array(X**3)


@pytest.fixture
def cube_derivatives(monkeypatch):
    monkeypatch.setitem(DERIVATIVES, cubes, lambda X, dY, weight=1.0: dY * weight * 3 * X**2)
    monkeypatch.setitem(DERIVATIVES, sparse_cubes, lambda X, dY: dY * 3 * X**2)


def test_a_function_with_a_given_derivative(cube_derivatives):
    step = FunctionTransformer(cubes, kw_args={"weight": 0.5})
    check(step.fit(probes()), probes())
    check(make_pipeline(step, LogisticRegression()).fit(*data(3)), probes())


def test_a_step_with_a_sparse_output(cube_derivatives):
    step = FunctionTransformer(sparse_cubes)
    model = make_pipeline(step, StandardScaler(with_mean=False), LogisticRegression())
    check(model.fit(*data(3)), probes())


def test_a_function_without_a_derivative_says_how_to_give_it():
    step = FunctionTransformer(np.sin)
    assert not differentiable(step) and not differentiable(make_pipeline(step, SVC()))
    with pytest.raises(InvalidTypeError, match=r"sin.*DERIVATIVES\[func\] = derivative"):
        forward(make_pipeline(step, SVC()).fit(*data(2)), probes())


class Doubled(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X


class DoubledAgain(Doubled):
    pass


def test_a_type_of_ones_own(monkeypatch):
    assert not differentiable(Doubled())
    with pytest.raises(InvalidTypeError, match=r"GRADIENTS\[Doubled\] = function"):
        forward(Doubled(), probes())
    monkeypatch.setitem(GRADIENTS, Doubled, lambda _, X: (2 * X, lambda dY: 2 * dY))
    model = make_pipeline(DoubledAgain(), StandardScaler(), LogisticRegression())
    assert differentiable(model)
    check(model.fit(*data(3)), probes())


@pytest.mark.parametrize(
    ("scores", "dX", "message"),
    [
        (lambda X: X[:, 0], None, r"gave scores of shape \(6,\); wanted \(6, n_classes\)"),
        (lambda X: X[:, :1], None, r"gave scores of shape \(6, 1\)"),
        (lambda X: X[:, :2], lambda X: None, r"gave a gradient.* of shape \(\); wanted \(6, 4\)"),
        (lambda X: X[:, :2], lambda X: X[1:], r"of shape \(5, 4\); wanted \(6, 4\)"),
    ],
)
def test_what_an_entry_of_ones_own_gives_is_checked(monkeypatch, scores, dX, message):
    class Own(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.fitted_ = True
            return self

    X = np.arange(24.0).reshape(6, 4)
    monkeypatch.setitem(GRADIENTS, Own, lambda own, X: (scores(X), lambda dY: dX(X)))
    with pytest.raises(InvalidInputError, match=message):
        forward(Own().fit(X, None), X)[1](np.ones((6, 2)))


def test_an_entry_of_ones_own_has_no_limits_but_its_own(monkeypatch):
    class MySVC(SVC):
        pass

    assert not differentiable(MySVC(kernel=np.dot))
    monkeypatch.setitem(GRADIENTS, MySVC, lambda _, X: (X, lambda dY: dY))
    assert differentiable(MySVC(kernel=np.dot)) and not differentiable(SVC(kernel=np.dot))


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (RandomForestClassifier(), "RandomForestClassifier is no type in GRADIENTS"),
        (make_pipeline(OneHotEncoder(), SVC()), "OneHotEncoder is no type in GRADIENTS"),
        (SVC(kernel="precomputed"), "SVC has kernel='precomputed'; of kernels only linear, rbf"),
        (Nystroem(kernel="chi2"), "Nystroem has kernel='chi2'"),
        (FrozenEstimator(Nystroem(kernel="chi2")), "Nystroem has kernel='chi2'"),
        (make_pipeline(LinearDiscriminantAnalysis(), SVC()), "a classifier that serves as a"),
        (make_pipeline(LinearDiscriminantAnalysis(), None), "a classifier that serves as a"),
    ],
    ids=str,
)
def test_what_has_no_gradient_says_so(estimator, why):
    assert not differentiable(estimator)
    with pytest.raises(InvalidTypeError, match=why):
        forward(estimator, probes())


def test_frozen_estimators():
    X, y = data(3)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    scaler = FrozenEstimator(StandardScaler().fit(X))
    assert differentiable(make_pipeline(scaler, frozen))
    check(frozen, probes())
    check(make_pipeline(scaler, frozen).fit(X, y), probes())


def test_bad_input():
    classifier = LogisticRegression()
    with pytest.raises(NotFittedError):
        forward(classifier, probes())
    classifier.fit(*data(2))
    with pytest.raises(InvalidTypeError, match="X is of int64; wanted an array of float32"):
        forward(classifier, np.ones((2, P), int))
    with pytest.raises(InvalidTypeError, match="X is of list"):
        forward(classifier, [[1.0] * P])
    with pytest.raises(InvalidInputError, match=r"\(2, 5\); LogisticRegression was fitted on 6"):
        forward(classifier, np.ones((2, 5)))


def test_an_empty_batch():
    for estimator in (SVC(), LogisticRegression(), make_pipeline(StandardScaler(), SVC())):
        Y, backward = forward(estimator.fit(*data(3)), np.empty((0, P)))
        assert Y.shape == (0, 3) and backward(Y).shape == (0, P)
