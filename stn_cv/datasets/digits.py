"""Distorted digits, the same for everyone who gives the same seed."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from ..sampling import warp_affine

__all__ = ["DistortedDigits", "load_distorted_digits"]

ENLARGED, CANVAS = 16, 32  # sides in pixels of a digit, and of the canvas it lies on
LARGEST_TURN = np.pi / 3
SCALES = (0.7, 1.3)
LARGEST_SHIFT = 6.0  # pixels


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
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    _check(n_copies, random_state)
    scans, y = load_digits(return_X_y=True)
    scans = (scans / 16).astype(np.float32).reshape(-1, 8, 8)
    identity = np.broadcast_to(np.eye(2, 3), (len(scans), 2, 3))
    enlarged = warp_affine(scans, identity, (ENLARGED, ENLARGED), padding_mode="border")
    train, test = train_test_split(
        np.arange(len(y)), test_size=test_size, stratify=y, random_state=random_state
    )
    parts = []
    for digits in (train, test):
        digits = np.repeat(digits, n_copies)
        copies = np.tile(np.arange(n_copies), len(digits) // n_copies)
        theta = np.stack(
            [_distortion(random_state, *key) for key in zip(digits, copies, strict=True)]
        )
        parts.append((warp_affine(enlarged[digits], theta, (CANVAS, CANVAS)), y[digits]))
    (X_train, y_train), (X_test, y_test) = parts
    return DistortedDigits(X_train, X_test, y_train, y_test, np.repeat(train, n_copies))


def _check(n_copies: int, random_state: int) -> None:
    for name, value in (("n_copies", n_copies), ("random_state", random_state)):
        if not isinstance(value, Integral):
            raise InvalidTypeError(f"{name} is {value!r}; wanted an integer.")
    if n_copies < 1:
        raise InvalidInputError(f"n_copies is {n_copies}; wanted at least 1.")


def _distortion(seed: int, digit: int, copy: int) -> Array:
    """Theta, canvas to enlarged digit, of one copy."""
    rng = np.random.default_rng([seed, digit, copy])
    angle = rng.uniform(-LARGEST_TURN, LARGEST_TURN)
    scale = rng.uniform(*SCALES)
    shift = rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    return np.column_stack([turn * CANVAS / ENLARGED, -turn @ shift * 2 / ENLARGED])
