"""Distorted digits, the same for everyone who gives the same seed."""

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from ..sampling import warp_affine

__all__ = [
    "DistortedDigits",
    "load_cluttered_digits",
    "load_distorted_digits",
    "load_upright_digits",
]

ENLARGED, CANVAS = 16, 32  # sides in pixels of a digit, and of the canvas it lies on
LARGEST_TURN = np.pi / 3
SCALES = (0.7, 1.3)
LARGEST_SHIFT = 6.0  # pixels
AMONG_OTHERS = 3.0  # pixels, the same of a digit among others
OTHERS = 3  # digits around each in clutter
AWAY = (15.0, 19.0)  # pixels of their middles from its own
ASIDE = 0.2  # of the angle between two of them, by which each may be off


Keys = list[tuple[int, int, int]]  # seed, number of the digit, number of the copy
Draw = Callable[[Array, Array, Keys], Array]


class DistortedDigits(NamedTuple):
    """Images (n, 32, 32) of float32 in [0, 1], labels (n,), and which digit each is a copy of."""

    X_train: Array
    X_test: Array
    y_train: Array
    y_test: Array
    groups_train: Array


def load_distorted_digits(
    *, n_copies: int = 4, test_size: float = 0.25, random_state: int = 0
) -> DistortedDigits:
    """Turn, scale and shift scikit-learn's scanned handwritten digits.

    Each 8 x 8 scan is enlarged to 16 x 16 pixels, turned by up to 60 degrees to either
    side, scaled by 0.7 to 1.3 and shifted by up to 6 pixels along x and y on a canvas of
    32 x 32, all uniformly at random. No digit is both in the training and the test part.

    Parameters
    ----------
    n_copies : int, default 4
        Distorted copies of each digit.
    test_size : float, default 0.25
        Share of the digits in the test part, of each class alike.
    random_state : int, default 0
        Seed of the split and of the distortions, which are drawn for each copy by itself.

    Returns
    -------
    DistortedDigits
        (X_train, X_test, y_train, y_test, groups_train).

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n_copies` is below 1, or it or `random_state` is not an integer.

    Notes
    -----
    Source: the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and
    Kaynak 1998), 1,797 digits, as shipped with scikit-learn.

    Examples
    --------
    >>> from stn_cv.datasets import load_distorted_digits
    >>> digits = load_distorted_digits(n_copies=1)
    >>> digits.X_train.shape, digits.X_test.shape
    ((1347, 32, 32), (450, 32, 32))
    """
    return _loaded(n_copies, test_size, random_state, _distorted)


def load_cluttered_digits(
    *, n_copies: int = 4, test_size: float = 0.25, random_state: int = 0
) -> DistortedDigits:
    """Distorted digits, each among three others of the same part: the one in the middle counts.

    As `load_distorted_digits`, but shifted by 3 pixels at most. The middles of the others, which
    are turned and scaled alike, lie 15 to 19 pixels away from its own, so parts of them are seen.
    Image moments are those of all that is in the picture.

    Parameters
    ----------
    n_copies : int, default 4
        Distorted copies of each digit.
    test_size : float, default 0.25
        Share of the digits in the test part, of each class alike.
    random_state : int, default 0
        Seed of the split and of all that is drawn.

    Returns
    -------
    DistortedDigits
        (X_train, X_test, y_train, y_test, groups_train).

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n_copies` is below 1, or it or `random_state` is not an integer.

    Examples
    --------
    >>> from stn_cv.datasets import load_cluttered_digits
    >>> load_cluttered_digits(n_copies=1).X_test.shape
    (450, 32, 32)
    """
    return _loaded(n_copies, test_size, random_state, _cluttered)


def load_upright_digits(n: int = 200, *, test_size: float = 0.25, random_state: int = 0) -> Array:
    """Digits of the training part, undistorted in the middle of their canvas.

    Parameters
    ----------
    n : int, default 200
        How many, drawn from all.
    test_size, random_state : see load_distorted_digits
        Of the split.

    Returns
    -------
    ndarray of shape (n, 32, 32), float32

    Raises
    ------
    InvalidInputError, InvalidTypeError
        If `n` is below 1 or above the number of training digits, or no integer.

    Examples
    --------
    >>> from stn_cv.datasets import load_upright_digits
    >>> load_upright_digits(5).shape
    (5, 32, 32)
    """
    _check("n", n)
    enlarged, _, train, _ = _split(test_size, random_state)
    if n > len(train):
        raise InvalidInputError(f"n is {n}; the training part has {len(train)} digits.")
    chosen = np.random.default_rng(random_state).permutation(train)[:n]
    unmoved = np.tile(np.eye(2, 3) * CANVAS / ENLARGED, (n, 1, 1))
    return np.asarray(warp_affine(enlarged[chosen], unmoved, (CANVAS, CANVAS)))


def _split(test_size: float, random_state: int) -> tuple[Array, Array, Array, Array]:
    """Enlarged scans, labels, and the numbers of those to train and to test on."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    scans, y = load_digits(return_X_y=True)
    scans = (scans / 16).astype(np.float32).reshape(-1, 8, 8)
    identity = np.broadcast_to(np.eye(2, 3), (len(scans), 2, 3))
    enlarged = warp_affine(scans, identity, (ENLARGED, ENLARGED), padding_mode="border")
    train, test = train_test_split(
        np.arange(len(y)), test_size=test_size, stratify=y, random_state=random_state
    )
    return enlarged, y, train, test


def _loaded(n_copies: int, test_size: float, random_state: int, draw: Draw) -> DistortedDigits:
    """Both parts, with copies drawn by `draw`."""
    _check("n_copies", n_copies)
    _check("random_state", random_state, least=None)
    enlarged, y, train, test = _split(test_size, random_state)
    parts = []
    for digits in (train, test):
        keys = [(random_state, digit, copy) for digit in digits for copy in range(n_copies)]
        parts.append((draw(enlarged, digits, keys), y[np.repeat(digits, n_copies)]))
    (X_train, y_train), (X_test, y_test) = parts
    return DistortedDigits(X_train, X_test, y_train, y_test, np.repeat(train, n_copies))


def _distorted(enlarged: Array, part: Array, keys: Keys) -> Array:
    """One digit on each canvas."""
    theta = np.stack([_distortion(np.random.default_rng(key)) for key in keys])
    return np.asarray(warp_affine(enlarged[[key[1] for key in keys]], theta, (CANVAS, CANVAS)))


def _cluttered(enlarged: Array, part: Array, keys: Keys) -> Array:
    """One digit in the middle of each canvas, and others of its part around it."""
    shown, theta = [], []
    for key in keys:
        rng = np.random.default_rng(key)
        middle = rng.uniform(-AMONG_OTHERS, AMONG_OTHERS, 2)
        theta.append(_distortion(rng, middle))
        shown.append(key[1])
        first = rng.uniform(0, 2 * np.pi)
        for number in range(OTHERS):
            where = first + 2 * np.pi * (number + rng.uniform(-ASIDE, ASIDE)) / OTHERS
            away = rng.uniform(*AWAY) * np.array([np.cos(where), np.sin(where)])
            theta.append(_distortion(rng, middle + away))
            shown.append(rng.choice(part))
    layers = warp_affine(enlarged[shown], np.stack(theta), (CANVAS, CANVAS))
    return np.asarray(layers.reshape(len(keys), 1 + OTHERS, CANVAS, CANVAS).max(axis=1))


def _check(name: str, value: int, least: int | None = 1) -> None:
    if not isinstance(value, Integral):
        raise InvalidTypeError(f"{name} is {value!r}; wanted an integer.")
    if least is not None and value < least:
        raise InvalidInputError(f"{name} is {value}; wanted at least {least}.")


def _distortion(rng: np.random.Generator, shift: Array | None = None) -> Array:
    """Theta, canvas to enlarged digit, of one copy; the shift is in pixels, drawn if None."""
    angle = rng.uniform(-LARGEST_TURN, LARGEST_TURN)
    scale = rng.uniform(*SCALES)
    if shift is None:
        shift = rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    return np.column_stack([turn * CANVAS / ENLARGED, -turn @ shift * 2 / ENLARGED])
