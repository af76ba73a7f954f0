"""Linear classifiers: a decision, linear in X, and what they make of it."""

from typing import Any

from ...arrays import Array
from .scores import clipped, logistic, margins, softmaxed
from .types import Differentiated, dense


def linear(estimator: Any, X: Array, scores: Any) -> Differentiated:
    """Scores of the decision values ``X coef_.T + intercept_``."""
    W = dense(estimator.coef_).reshape(-1, X.shape[1])
    Y, backward = scores(X @ W.T + estimator.intercept_)
    return Y, lambda dY: backward(dY) @ W


def by_margins(estimator: Any, X: Array) -> Differentiated:
    """Classifiers that have no probabilities, such as `LinearSVC`."""
    return linear(estimator, X, margins)


def by_softmax(estimator: Any, X: Array) -> Differentiated:
    """`LinearDiscriminantAnalysis`."""
    return linear(estimator, X, softmaxed)


def logistic_regression(estimator: Any, X: Array) -> Differentiated:
    """`LogisticRegression`, by softmax or, in older versions, one class versus the rest."""
    old = estimator.solver == "liblinear" or getattr(estimator, "multi_class", None) == "ovr"
    return linear(estimator, X, logistic if old else softmaxed)


def sgd(estimator: Any, X: Array) -> Differentiated:
    """`SGDClassifier`, which has probabilities for two of its losses."""
    scores = {"log_loss": logistic, "modified_huber": clipped}
    return linear(estimator, X, scores.get(estimator.loss, margins))
