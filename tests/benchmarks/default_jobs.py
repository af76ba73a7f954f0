"""A dozen small jobs on which defaults are judged: one half to choose them on, one to look at once.

Each job says what it is (family, image_shape) and nothing of how to train; `tuned` is what
somebody who knows it would say as well.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.reliefs import reliefs

from stn_cv import HOG, warp_affine
from stn_cv.datasets import DigitDistortion, load_distorted_digits, load_mnist

LINEAR = {
    "head": "linear",
    "output_shape": (16, 16),
    "learning_rate_init": 0.03,
    "alpha": 0.2,
    "batch_size": 256,
    "n_steps": 2,
    "max_iter": 28,
}
CLASSIFIER = {**LINEAR, "max_iter": 42}  # 28 with a linear head
CNN = {
    "head": "cnn",
    "output_shape": (24, 24),
    "learning_rate_init": 0.003,
    "alpha": 0.1,
    "n_steps": 2,
    "max_iter": 40,
}
HOG_SVM = make_pipeline(HOG(pixels_per_cell=(4, 4), cells_per_block=(2, 2)), LinearSVC(C=0.1))
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZabdefghmnqrt23456"


@dataclass(frozen=True)
class Job:
    """Data, what stands behind the transformer (None: its own head), and who tuned it how."""

    data: Callable[[Any, int], Any]  # (paths, seed) -> (X, y, X_test, y_test)
    behind: Any
    states: dict[str, Any]  # what the job is
    tuned: dict[str, Any]
    as_head: bool = False  # whether what stands behind is what the transformer is trained with


def digits(copies):
    def load(paths, seed):
        d = load_distorted_digits(n_copies=copies, random_state=seed)
        return d.X_train, d.y_train, d.X_test, d.y_test

    return load


def other_canvas(paths, seed):
    """Digits on 40 x 48, turned by up to 75 degrees, in 8 bits."""
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(X.reshape(-1, 8, 8), y, stratify=y, random_state=seed)
    rng = np.random.default_rng([seed, 1])
    X, X_test = (_thrown(part, rng, (40, 48), 75, (0.8, 1.4)) for part in parts[:2])
    return X, parts[2], X_test, parts[3]


def _thrown(scans, rng, shape, degrees, scales):
    """Scans (n, 8, 8) as uint8 pictures of `shape`, each at a pose of its own."""
    pictures = []
    for scan in scans:
        large = cv2.resize(scan / 16, (20, 20), interpolation=cv2.INTER_CUBIC)
        pictures.append(_placed(large, rng, shape, degrees, scales))
    return (255 * np.clip(pictures, 0, 1)).astype(np.uint8)


def _placed(thing, rng, shape, degrees, scales, border=0.0):
    """A grey thing turned, scaled and shifted on an empty canvas."""
    scale, turn = rng.uniform(*scales), rng.uniform(-degrees, degrees)
    matrix = cv2.getRotationMatrix2D((thing.shape[1] / 2, thing.shape[0] / 2), turn, scale)
    middle = np.array(shape[::-1]) / 2 - np.array(thing.shape[::-1]) / 2
    matrix[:, 2] += middle + rng.uniform(-0.15, 0.15, 2) * shape[::-1]
    return cv2.warpAffine(thing, matrix, shape[::-1], borderValue=border)


def letters(classes, n, degrees, colour):
    def draw(paths, seed):
        rng = np.random.default_rng([seed, classes, n])
        y = rng.integers(0, classes, n + 1000)
        X = np.stack([_letter(LETTERS[label], rng, degrees, colour) for label in y])
        return X[:n], y[:n], X[n:], y[n:]

    return draw


def _letter(text, rng, degrees, colour):
    """A letter in one of four fonts over texture, 40 x 40, uint8."""
    font, width = rng.choice([0, 2, 3, 4]), int(rng.integers(2, 4))
    (across, down), _ = cv2.getTextSize(text, int(font), 1.0, width)
    plain = np.zeros((32, 32), np.uint8)
    at = (16 - across // 2, 16 + down // 2)
    cv2.putText(plain, text, at, int(font), 1.0, 255, width, cv2.LINE_AA)
    ink = _placed(plain / 255, rng, (40, 40), degrees, (0.7, 1.1))[..., None]
    coarse = rng.normal(0, 1, (*rng.integers(4, 20, 2), 3 if colour else 1))
    ground = cv2.resize(coarse.astype(np.float32), (40, 40), interpolation=cv2.INTER_CUBIC)
    ground = 0.4 + 0.15 * ground.reshape(40, 40, -1)
    shade = rng.uniform(0.7, 1.0, ground.shape[2])
    picture = np.clip(ground * (1 - ink) + shade * ink + rng.normal(0, 0.03, ground.shape), 0, 1)
    return (255 * picture).astype(np.uint8)[..., slice(None) if colour else 0]


def coins(paths, seed):
    """Reliefs at any turn under light from any side, two designs a class."""
    X, design, _ = reliefs(1800, seed, n_designs=16)
    return X[:1200], design[:1200] % 8, X[1200:], design[1200:] % 8


def mnist(distortion, n):
    def load(paths, seed):
        if paths.mnist is None:
            return None
        X, X_test, y, y_test = load_mnist(paths.mnist)
        some = np.random.default_rng([seed, n]).permutation(len(X))[:n]
        X, y, X_test, y_test = X[some], y[some], X_test[:2000], y_test[:2000]
        clutter = {"clutter": X} if distortion.startswith("TC") else {}
        side = int(distortion[2:]) if distortion[2:].isdigit() else None  # "TC40": on 40 x 40
        draw = DigitDistortion("TC" if side else distortion, **clutter, side=side).draw
        return draw(X, random_state=seed), y, draw(X_test, random_state=seed + 1000), y_test

    return load


def cards(paths, seed):
    if paths.cards is None:
        return None
    crops = np.load(paths.cards)
    whole = np.broadcast_to(np.eye(2, 3), (len(crops["X"]), 2, 3))
    X = warp_affine(crops["X"], whole, (48, 48), antialias=True)
    train = crops["split"] == "train"
    return X[train], crops["y"][train], X[~train], crops["y"][~train]


TURNED = {"family": "similarity"}
DEVELOP = {
    "digits, LogReg": Job(digits(4), LogisticRegression(max_iter=300), TURNED, LINEAR),
    "digits, GaussianNB as head": Job(digits(4), GaussianNB(), TURNED, CLASSIFIER, True),
    "digits, HOG + SVM as head": Job(
        digits(2), HOG_SVM, TURNED, {**CLASSIFIER, "output_shape": (24, 24)}, True
    ),
    "MNIST R 2000, SVC": Job(mnist("R", 2000), SVC(), TURNED, LINEAR),
    "MNIST TC40 2000, own head": Job(
        mnist("TC40", 2000), None, {"family": "attention"}, {**CNN, "n_steps": 1}
    ),
    "cards, HOG + SVM": Job(cards, HOG_SVM, TURNED, {**LINEAR, "output_shape": (48, 48)}),
    "coins, HOG + SVM": Job(coins, HOG_SVM, TURNED, {**LINEAR, "output_shape": (40, 40)}),
    "10 letters on texture, SVC": Job(letters(10, 2000, 45, False), SVC(), TURNED, LINEAR),
}
HELD = {
    "digits 40 x 48, k-NN": Job(other_canvas, KNeighborsClassifier(3), TURNED, LINEAR),
    "MNIST RTS 2000, forest as head": Job(
        mnist("RTS", 2000), RandomForestClassifier(random_state=0), TURNED, CLASSIFIER, True
    ),
    "MNIST P 2000, own head": Job(mnist("P", 2000), None, {"family": "projective"}, CNN),
    "MNIST TC40 10000, own head": Job(
        mnist("TC40", 10000), None, {"family": "attention"}, {**CNN, "n_steps": 1}
    ),
    "MNIST TC 2000, HOG + SVM": Job(
        mnist("TC", 2000), HOG_SVM, {"family": "attention"}, {**CNN, "n_steps": 1}
    ),
    "40 letters in colour, LDA": Job(
        letters(40, 4000, 30, True), LinearDiscriminantAnalysis(), TURNED, LINEAR
    ),
}
