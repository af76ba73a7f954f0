"""Whether a transformer is worth it in a Pipeline, by cross-validation."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, indexable

from ..arrays import Array
from ..errors import InvalidTypeError, PoseWarning
from .automatic import without_auto
from .pose_comparison import Compared, Fit, Predict, compared, fit_of_head, told, views_of
from .pose_report import KINDS, PoseReport, spread_of
from .training import fit_of
from .training_data import validated
from .transformer import SpatialTransformer

__all__ = ["cross_validate_pose"]


class Fold(NamedTuple):
    """Samples to fit on, and those to score."""

    X: Any
    y: Array
    groups: Array | None
    X_test: Any
    y_test: Array


def cross_validate_pose(
    estimator: Any, X: Any, y: ArrayLike, *, groups: ArrayLike | None = None, cv: Any = 5
) -> PoseReport:
    """Compare what stands behind a transformer with itself without it, by cross-validation.

    In each fold the estimator is fitted; then what stands behind its transformer is fitted
    anew behind the transformer, on the images as they come to it, behind a fixed crop (the
    mean theta) and behind image moments. All are scored on images that none was fitted on.

    Parameters
    ----------
    estimator : SpatialTransformer, SpatialTransformerClassifier or Pipeline
        With one of them as a step; it is cloned. Where nothing stands behind it, its own head
        is fitted anew.
    X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
        Images, as the estimator takes them.
    y : array_like of shape (n,)
        Labels.
    groups : array_like of shape (n,) or None, default None
        Samples of one group, such as copies of one image, stay in one fold.
    cv : int, splitter or iterable, default 5
        Folds, as in scikit-learn: stratified, by groups where there are any.

    Returns
    -------
    PoseReport
        Of all folds together; a standard error is that of a share of all images.

    Raises
    ------
    InvalidTypeError
        If the estimator has no such step.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from stn_cv import SpatialTransformer, cross_validate_pose
    >>> from stn_cv.datasets import load_distorted_digits
    >>> X, _, y, _, _ = load_distorted_digits(n_copies=1)
    >>> X = X.reshape(len(X), -1)[:200]
    >>> rectify = SpatialTransformer(image_shape=(32, 32), learning_rate_init=0.003, max_iter=4)
    >>> model = make_pipeline(rectify, LogisticRegression(max_iter=1000))
    >>> report = cross_validate_pose(model, X, y[:200], cv=2)
    >>> report.n_samples, report.unseen
    (200, True)
    """
    X, labels = indexable(X, np.asarray(y))
    numbers: Array | None = None if groups is None else np.asarray(groups)
    if numbers is not None and isinstance(cv, int):
        cv = StratifiedGroupKFold(cv)
    at = _place(estimator)
    parts, thetas = [], []
    for train, test in check_cv(cv, labels, classifier=True).split(X, labels, numbers):
        own = None if numbers is None else numbers[train]
        X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
        fold = Fold(X_train, labels[train], own, X_test, labels[test])
        found, theta = _compared(estimator, at, fold)
        parts.append(found)
        thetas.append(theta)
    found = _joined(parts)
    n = sum(len(theta) for theta in thetas)
    return told(found, np.ones(n), spread_of(np.concatenate(thetas)), unseen=True)


def _place(estimator: Any) -> int | None:
    """Which step of a Pipeline is the transformer; None where the estimator is one itself."""
    if isinstance(estimator, SpatialTransformer):
        return None
    if isinstance(estimator, Pipeline):
        for number, (_, step) in enumerate(estimator.steps):
            if isinstance(step, SpatialTransformer):
                return number
    raise InvalidTypeError(
        f"estimator is {estimator!r}; wanted a SpatialTransformer, a SpatialTransformerClassifier "
        "or a Pipeline with one of them as a step."
    )


def _compared(estimator: Any, at: int | None, fold: Fold) -> tuple[Compared, Array]:
    """What one fold found, and theta of its test images."""
    model = clone(estimator)
    name = "" if at is None else f"{model.steps[at][0]}__"
    given = {} if fold.groups is None else {f"{name}groups": fold.groups}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoseWarning)  # the report of all folds says it
        model.fit(fold.X, fold.y, **given)
    transformer = model if at is None else model[at]
    X, X_test = fold.X, fold.X_test
    if at:
        X, X_test = model[:at].transform(X), model[:at].transform(X_test)
    images, images_test = transformer._images(X), transformer._images(X_test)
    if at is None or at + 1 == len(model.steps):
        fit = _fit_own_head(transformer, X, fold)
    else:
        fit = _fit_rest(model[at + 1 :], images, fold.y)
    rectifier = transformer.rectifier_
    views = views_of(rectifier, rectifier.theta(images.values))
    found = compared(views, fit, images.values, images_test.values, fold.y_test)
    return found, rectifier.theta(images_test.values)


def _fit_rest(rest: Pipeline, images: Any, y: Array) -> Fit:
    """Of what stands behind the transformer."""

    def fit(views: Array) -> Predict:
        fitted = clone(rest).fit(images.with_axes_of_X(views), y)
        return lambda others: fitted.predict(images.with_axes_of_X(others))

    return fit


def _fit_own_head(transformer: SpatialTransformer, X: Any, fold: Fold) -> Fit:
    """Of the head that the transformer was trained with."""
    data = validated(clone(transformer), X, fold.y, None, fold.groups)
    plain, _ = without_auto(transformer, data)
    asked = fit_of(plain, data)
    fit_numbers = fit_of_head(*asked)

    def fit(views: Array) -> Predict:
        predict = fit_numbers(views)
        return lambda others: asked.data.classes[predict(others)]

    return fit


def _joined(parts: list[Compared]) -> Compared:
    """Answers of all folds, of the kinds that could be fitted in all of them."""
    not_fitted = {kind: text for part in parts for kind, text in part.not_fitted.items()}
    kinds = [kind for kind in KINDS if all(kind in part.right for part in parts)]
    right = {kind: np.concatenate([part.right[kind] for part in parts]) for kind in kinds}
    return Compared(right, not_fitted)
