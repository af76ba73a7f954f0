"""How likely a pose is right: signs of the looks, calibrated on canvases of held-out examples.

Right means a corner error below 10 % of the width. The probability is that of a logistic
regression of the signs, fitted by Newton's method with the targets of Platt 1999, which keep
it finite where all poses are right.
"""

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError

__all__ = [
    "LARGEST_ERROR",
    "SIGNS",
    "calibrated",
    "check_fitted",
    "logits",
    "offset",
    "probabilities",
    "shifted",
]

SIGNS = 2

LARGEST_ERROR = 0.1  # widths: of a pose that counts as right
RIDGE = 1e-3  # of the weights
ITERATIONS = 50
LARGEST_LOGIT = 30.0
LARGEST_SIGN = 5.0  # deviations from the mean


def calibrated(signs: Array, right: Array) -> list[float]:
    """Fit a confidence.

    Parameters
    ----------
    signs : ndarray of shape (n, s)
        What the looks say of each pose.
    right : ndarray of shape (n,)
        Whether it was right.

    Returns
    -------
    list of float
        The mean of each sign, the deviation of each, and the weights, last the constant.
    """
    means, deviations = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    terms = _terms(signs, means, deviations)
    many, few = right.sum(), len(right) - right.sum()
    wanted = np.where(right, (many + 1) / (many + 2), 1 / (few + 2))
    weights = np.zeros(terms.shape[1])
    for _ in range(ITERATIONS):
        p = _logistic(terms @ weights)
        slope = terms.T @ (p - wanted) + RIDGE * weights
        curve = (terms * (p * (1 - p))[:, None]).T @ terms + RIDGE * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return [*means.tolist(), *deviations.tolist(), *weights.tolist()]


def probabilities(signs: Array, fitted: list[float]) -> Array:
    """The probability (n,) that each pose is right; NaN where nothing was fitted."""
    if not fitted:
        return np.full(len(signs), np.nan)
    return _logistic(logits(signs, fitted))


def logits(signs: Array, fitted: list[float]) -> Array:
    """What `calibrated` says of signs (n, s), as logits (n,)."""
    count = signs.shape[1]
    means, deviations, weights = np.split(np.array(fitted), [count, 2 * count])
    return np.asarray(_terms(signs, means, deviations) @ weights)


def offset(logits: Array, right: Array) -> float:
    """What to add to logits (n,), so that as many are said to be right as are.

    As if one more were right and one more wrong, so it is finite; by halving an interval.
    """
    wanted = (right.sum() + 1) / (len(right) + 2)
    low, high = -2 * LARGEST_LOGIT, 2 * LARGEST_LOGIT
    for _ in range(ITERATIONS):
        middle = (low + high) / 2
        if _logistic(logits + middle).mean() < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def shifted(fitted: list[float], by: float) -> list[float]:
    """What `calibrated` gave, with `by` added to every logit."""
    return [*fitted[:-1], fitted[-1] + by]


def check_fitted(fitted: list[float]) -> None:
    """Refuse what `calibrated` cannot have given; an empty list is none."""
    wanted = 4 * SIGNS + 1
    if not isinstance(fitted, (list, tuple)) or len(fitted) not in (0, wanted):
        raise InvalidInputError(f"confidence is {fitted!r}; wanted {wanted} numbers, or none.")
    if not np.isfinite(fitted).all() or min(fitted[SIGNS : 2 * SIGNS], default=1) <= 0:
        raise InvalidInputError(f"confidence is {fitted!r}; wanted finite numbers, deviations > 0.")


def _terms(signs: Array, means: Array, deviations: Array) -> Array:
    """Standardized signs, those below the mean once more for a bent relation, the constant."""
    z = np.clip((signs - means) / deviations, -LARGEST_SIGN, LARGEST_SIGN)
    return np.concatenate([z, np.minimum(z, 0), np.ones((len(z), 1))], axis=1)


def _logistic(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT))))
