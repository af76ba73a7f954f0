"""Kernel machines: `SVC`, `Nystroem`, and `RBFSampler`.

K (n, m) are the kernel's values between the rows of X (n, p) and those of S (m, p).
"""

from typing import Any

import numpy as np

from ...arrays import Array
from .scores import margins
from .types import Differentiated, dense


def linear(X: Array, S: Array, gamma: float, coef0: float, degree: float) -> Differentiated:
    """``x.s``."""
    return X @ S.T, lambda dK: dK @ S


def rbf(X: Array, S: Array, gamma: float, coef0: float, degree: float) -> Differentiated:
    """``exp(-gamma |x - s|^2)``."""
    K = X @ S.T
    K *= 2 * gamma
    K -= gamma * np.einsum("ij,ij->i", X, X)[:, None]
    K -= gamma * np.einsum("ij,ij->i", S, S)
    np.exp(np.minimum(K, 0, out=K), out=K)

    def backward(dK: Array) -> Array:
        G = (2 * gamma) * (dK * K)
        return G @ S - G.sum(axis=1, keepdims=True) * X

    return K, backward


def poly(X: Array, S: Array, gamma: float, coef0: float, degree: float) -> Differentiated:
    """``(gamma x.s + coef0)^degree``."""
    Z = gamma * (X @ S.T) + coef0
    slope = gamma * degree
    return Z**degree, lambda dK: (dK * slope * Z ** max(degree - 1, 0)) @ S


def sigmoid(X: Array, S: Array, gamma: float, coef0: float, degree: float) -> Differentiated:
    """``tanh(gamma x.s + coef0)``."""
    K = np.tanh(gamma * (X @ S.T) + coef0)
    return K, lambda dK: (dK * (1 - K * K) * gamma) @ S


KERNELS = {"linear": linear, "rbf": rbf, "poly": poly, "polynomial": poly, "sigmoid": sigmoid}


def known_kernel(estimator: Any) -> str | None:
    """Why a kernel cannot be differentiated, None if it can."""
    if isinstance(estimator.kernel, str) and estimator.kernel in KERNELS:
        return None
    return f"has kernel={estimator.kernel!r}; of kernels only {', '.join(KERNELS)} have one"


def svc(estimator: Any, X: Array) -> Differentiated:
    """Decision values of `SVC`, for more than two classes the sum of each class's duels.

    scikit-learn's "ovr" values add the votes, which jump, to a function of that sum.
    """
    S = dense(estimator.support_vectors_)
    A, b = class_sums(dense(estimator.dual_coef_), estimator.n_support_, estimator.intercept_)
    x = X.astype(np.float64, copy=False)
    if estimator.kernel == "linear":  # the sums of the support vectors are few
        W = A.T @ S
        Y, backward = margins(x @ W.T + b)
        return Y, lambda dY: backward(dY) @ W
    settings = (estimator._gamma, estimator.coef0, estimator.degree)
    K, kernel_backward = KERNELS[estimator.kernel](x, S, *settings)
    Y, backward = margins(K @ A + b)
    return Y, lambda dY: kernel_backward(backward(dY) @ A.T)


def class_sums(dual: Array, n_support: Array, intercept: Array) -> tuple[Array, Array]:
    """Weights (m, 1 or k) of the kernel values and offsets, which give the decision values.

    A support vector of class c holds in `dual` (k - 1, m) its weights in the duels with the
    other classes, in their order; the duel of i < j counts for i and against j.
    """
    k = len(n_support)
    if k == 2:
        return dual.T, intercept
    others = np.arange(k)
    own = np.repeat(others, n_support)[:, None]
    rows = np.minimum(others - (others > own), k - 2)
    duels = dual[rows, np.arange(len(own))[:, None]] * np.sign(others - own)
    A = -duels
    np.put_along_axis(A, own, duels.sum(axis=1, keepdims=True), axis=1)
    table = np.zeros((k, k))
    table[np.triu_indices(k, 1)] = intercept
    return A, table.sum(axis=1) - table.sum(axis=0)


def nystroem(estimator: Any, X: Array) -> Differentiated:
    """The kernel's values at the basis, made orthonormal."""
    given = {name: getattr(estimator, name) for name in ("gamma", "coef0", "degree")}
    settings = {"gamma": 1 / X.shape[1], "coef0": 1, "degree": 3}
    settings |= estimator.kernel_params or {}
    settings |= {name: value for name, value in given.items() if value is not None}
    W = estimator.normalization_
    x, s = (values.astype(np.float64, copy=False) for values in (X, estimator.components_))
    K, backward = KERNELS[estimator.kernel](x, s, **settings)
    return (K @ W.T).astype(X.dtype, copy=False), lambda dY: backward(dY @ W)


def rbf_sampler(estimator: Any, X: Array) -> Differentiated:
    """Cosines of random projections."""
    W = estimator.random_weights_
    Z = X @ W + estimator.random_offset_
    size = (2 / estimator.n_components) ** 0.5
    return size * np.cos(Z), lambda dY: (dY * (-size * np.sin(Z))) @ W.T
