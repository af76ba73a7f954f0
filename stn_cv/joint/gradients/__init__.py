"""Input gradients of scikit-learn's estimators.

`GRADIENTS` holds for each type of estimator a function ``(estimator, X) -> (Y, backward)``
with ``backward(dY) -> dX``: forward returns its own backward. A type of your own is added
by ``GRADIENTS[MyTransformer] = my_function``; subclasses inherit an entry.

X is what the estimator takes, of float32 or float64, mostly rows (n, p). A transformer
gives as Y what its `transform` gives. A classifier gives scores (n, k), one column a class
in the order of `classes_`: `predict_proba` where it has that, else its `decision_function`,
of which a binary one, d, becomes the columns -d/2 and d/2. `SVC` always gives decision
values, for more than two classes the sum of a class's pairwise decisions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.validation import check_is_fitted

from ...arrays import Array
from ...errors import InvalidInputError, InvalidTypeError
from . import features, kernel, linear, neural
from .features import DERIVATIVES
from .types import Differentiated, Forward

__all__ = ["DERIVATIVES", "GRADIENTS", "differentiable", "forward"]


def _pipeline(estimator: Any, X: Array) -> Differentiated:
    backwards = []
    for step in _steps(estimator):
        X, backward = _run(step, X)
        backwards.append(backward)

    def all_backward(dY: Array) -> Array:
        for backward in reversed(backwards):
            dY = backward(dY)
        return dY

    return X, all_backward


def _frozen(estimator: Any, X: Array) -> Differentiated:
    return _run(estimator.estimator, X)


GRADIENTS: dict[type, Forward] = {
    StandardScaler: features.standard_scaler,
    MinMaxScaler: features.min_max_scaler,
    PCA: features.pca,
    TruncatedSVD: features.truncated_svd,
    Normalizer: features.normalizer,
    FunctionTransformer: features.function_transformer,
    Nystroem: kernel.nystroem,
    RBFSampler: kernel.rbf_sampler,
    LogisticRegression: linear.logistic_regression,
    LinearDiscriminantAnalysis: linear.by_softmax,
    LinearSVC: linear.by_margins,
    RidgeClassifier: linear.by_margins,
    SGDClassifier: linear.sgd,
    MLPClassifier: neural.mlp,
    SVC: kernel.svc,
    Pipeline: _pipeline,
    FrozenEstimator: _frozen,
}


def forward(estimator: Any, X: Array) -> Differentiated:
    """Output of a fitted estimator, and the way back from its gradient to that of the input.

    Parameters
    ----------
    estimator : estimator
        Fitted, of a type in `GRADIENTS` or derived from one, or a Pipeline of such.
    X : ndarray of shape (n, p), or what else the estimator takes
        float32 or float64.

    Returns
    -------
    Y : ndarray
        What `transform` gives; of a classifier the scores (n, k), see the module.
    backward : callable
        ``backward(dY) -> dX``, of the shape and dtype of X.

    Raises
    ------
    InvalidTypeError
        If no gradient is known, or X is not of floats.
    InvalidInputError
        If X has another number of features than fitted.
    NotFittedError
        If the estimator was not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from stn_cv.joint import forward
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> Y, backward = forward(classifier, X[:5])
    >>> bool(np.allclose(Y, classifier.predict_proba(X[:5])))
    True
    >>> backward(np.ones_like(Y)).shape
    (5, 64)
    """
    obstacle = _obstacle(estimator)
    if obstacle is not None:
        raise InvalidTypeError(f"no input gradient: {obstacle}.")
    check_is_fitted(estimator)
    if not isinstance(X, np.ndarray) or X.dtype not in (np.float32, np.float64):
        kind = X.dtype if isinstance(X, np.ndarray) else type(X).__name__
        raise InvalidTypeError(f"X is of {kind}; wanted an array of float32 or float64.")
    wanted = getattr(estimator, "n_features_in_", None)
    if wanted is not None and X[:1].size != min(len(X), 1) * wanted:
        raise InvalidInputError(
            f"X has shape {X.shape}; {type(estimator).__name__} was fitted on {wanted} features."
        )
    Y, backward = _run(estimator, X)
    if is_classifier(estimator) and (np.ndim(Y) != 2 or len(Y) != len(X) or np.shape(Y)[1] < 2):
        raise _wrong(estimator, "scores", Y, f"({len(X)}, n_classes)")

    def checked_backward(dY: Array) -> Array:
        dX = backward(dY)
        if np.shape(dX) != X.shape:
            raise _wrong(estimator, "a gradient of its input", dX, str(X.shape))
        return dX.astype(X.dtype, copy=False)

    return Y, checked_backward


def _wrong(estimator: Any, what: str, came: Any, wanted: str) -> InvalidInputError:
    """Of an entry of somebody's own."""
    return InvalidInputError(
        f"the entry of {type(estimator).__name__} in GRADIENTS gave {what} of shape "
        f"{np.shape(came)}; wanted {wanted}."
    )


def differentiable(estimator: Any) -> bool:
    """Whether `forward` can be called on an estimator, once it is fitted.

    Parameters
    ----------
    estimator : estimator
        Fitted or not.

    Returns
    -------
    bool
        True where its type and settings have an input gradient.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.svm import SVC
    >>> from stn_cv.joint import differentiable
    >>> differentiable(SVC()), differentiable(RandomForestClassifier())
    (True, False)
    """
    return _obstacle(estimator) is None


def _entry(estimator: Any) -> Forward | None:
    """The function for an estimator's type or the nearest of its bases."""
    found = (GRADIENTS[base] for base in type(estimator).__mro__ if base in GRADIENTS)
    return next(found, None)


def _run(estimator: Any, X: Array) -> Differentiated:
    entry = _entry(estimator)
    assert entry is not None  # `_obstacle` was asked before
    return entry(estimator, X)


def _steps(pipeline: Any) -> list[Any]:
    return [step for _, step in pipeline.steps if step not in (None, "passthrough")]


def _obstacle(estimator: Any) -> str | None:
    """Why an estimator has no input gradient, None if it has one."""
    entry = _entry(estimator)
    name = type(estimator).__name__
    if entry is None:
        return (
            f"{name} is no type in GRADIENTS; add a function (estimator, X) -> (Y, backward): "
            f"GRADIENTS[{name}] = function"
        )
    reason = _LIMITS[entry](estimator) if entry in _LIMITS else None
    return reason if reason is None or entry in (_pipeline, _frozen) else f"{name} {reason}"


def _pipeline_obstacle(estimator: Any) -> str | None:
    steps = _steps(estimator)
    for step in steps:
        if step is not estimator.steps[-1][1] and is_classifier(step):
            return f"{type(step).__name__} is a classifier that serves as a transformer"
    return next(filter(None, map(_obstacle, steps)), None)


# What an entry does not cover: the reason, None if it does.
_LIMITS: dict[Forward, Callable[[Any], str | None]] = {
    features.function_transformer: features.known_function,
    kernel.svc: kernel.known_kernel,
    kernel.nystroem: kernel.known_kernel,
    _pipeline: _pipeline_obstacle,
    _frozen: lambda estimator: _obstacle(estimator.estimator),
}
