"""Scalers, projections, and functions."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ...arrays import Array
from .types import Differentiated, dense

# By the function of a `FunctionTransformer`: derivative(X, dY, **kw_args) -> dX.
DERIVATIVES: dict[Any, Callable[..., Array]] = {None: lambda X, dY: dY}


def standard_scaler(estimator: Any, X: Array) -> Differentiated:
    """Zero mean and unit variance."""
    mean = estimator.mean_.astype(X.dtype) if estimator.with_mean else 0
    scale = estimator.scale_.astype(X.dtype) if estimator.with_std else 1
    return (X - mean) / scale, lambda dY: dY / scale


def min_max_scaler(estimator: Any, X: Array) -> Differentiated:
    """A range; what is clipped has no gradient."""
    scale = estimator.scale_.astype(X.dtype)
    Y = X * scale + estimator.min_.astype(X.dtype)
    if not estimator.clip:
        return Y, lambda dY: dY * scale
    low, high = estimator.feature_range
    inside = (low <= Y) & (Y <= high)
    return np.clip(Y, low, high), lambda dY: dY * scale * inside


def pca(estimator: Any, X: Array) -> Differentiated:
    """Principal components."""
    W = estimator.components_
    Y = X @ W.T - estimator.mean_ @ W.T
    if not estimator.whiten:
        return Y, lambda dY: dY @ W
    deviation = np.sqrt(estimator.explained_variance_)
    deviation = np.maximum(deviation, np.finfo(deviation.dtype).eps)
    return Y / deviation, lambda dY: (dY / deviation) @ W


def truncated_svd(estimator: Any, X: Array) -> Differentiated:
    """Singular components."""
    W = estimator.components_
    return X @ W.T, lambda dY: dY @ W


# Each norm, and its derivative by the row.
NORMS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "l1": (lambda X: np.abs(X).sum(axis=1), lambda X, norm: np.sign(X)),
    "l2": (lambda X: np.sqrt((X * X).sum(axis=1)), lambda X, norm: X / norm),
    "max": (
        lambda X: np.abs(X).max(axis=1),
        lambda X, norm: np.sign(X) * (np.arange(X.shape[1]) == _largest(X)),
    ),
}


def _largest(X: Array) -> Array:
    return np.abs(X).argmax(axis=1)[:, None]


def normalizer(estimator: Any, X: Array) -> Differentiated:
    """Rows of unit norm; rows of (nearly) zeros stay as they are, as does their gradient."""
    length, derivative = NORMS[estimator.norm]
    norm = length(X)[:, None]
    scaled = norm >= 10 * np.finfo(X.dtype).eps
    norm = np.where(scaled, norm, 1).astype(X.dtype)
    Y = X / norm

    def backward(dY: Array) -> Array:
        along = (dY * Y).sum(axis=1, keepdims=True) * scaled
        return (dY - along * derivative(X, norm)) / norm

    return Y, backward


def known_function(estimator: Any) -> str | None:
    """Why a function cannot be differentiated, None if it can."""
    if isinstance(estimator.func, Hashable) and estimator.func in DERIVATIVES:
        return None
    return (
        f"has func={estimator.func!r}, of which no derivative is known; add it: "
        "DERIVATIVES[func] = derivative, with derivative(X, dY, **kw_args) -> dX"
    )


def function_transformer(estimator: Any, X: Array) -> Differentiated:
    """A function whose derivative is in `DERIVATIVES`; a sparse result is made dense."""
    arguments = estimator.kw_args or {}
    Y = X if estimator.func is None else dense(estimator.func(X, **arguments))
    derivative = DERIVATIVES[estimator.func]
    return Y, lambda dY: derivative(X, dY, **arguments)
