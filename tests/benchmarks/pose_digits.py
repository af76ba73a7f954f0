"""Distorted digits, a logistic regression behind each contender, as in `stn-cv demo`."""

import warnings
from typing import NamedTuple

import numpy as np
from pose_score import Clock, Reach, Table, pose_errors, square, turns_left
from sklearn.linear_model import LogisticRegression

from stn_cv import (
    JointAlignment,
    PoseTransformer,
    SpatialTransformer,
    theta_from_moments,
    warp_affine,
)
from stn_cv.datasets import load_distorted_digits
from stn_cv.datasets.digits import CANVAS, ENLARGED, _distortion

REACH = Reach(60, (0.7, 1.3), 0.19)
N_UPRIGHT = 200
CONFIDENT = 0.8  # share of the alignment's poses that a network learns from
ZOOM = np.diag([ENLARGED / CANVAS, ENLARGED / CANVAS, 1.0])  # the digit's own square
JOINT = {  # of the demo
    "family": "similarity",
    "batch_size": 256,
    "early_stopping": False,
    "output_shape": (ENLARGED, ENLARGED),
    "learning_rate_init": 0.03,
    "alpha": 0.2,
    "n_steps": 2,
    "max_iter": 16,
}


class Digits(NamedTuple):
    """Training and test pictures, labels, true poses, and upright training digits."""

    X: np.ndarray
    X_test: np.ndarray
    y: np.ndarray
    y_test: np.ndarray
    truth_test: np.ndarray
    upright: np.ndarray


def scans(seed):
    """Enlarged digits (n, 16, 16), their labels, and the numbers of those to train and test on."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32).reshape(-1, 8, 8)
    unmoved = np.tile(np.eye(2, 3), (len(X), 1, 1))
    enlarged = warp_affine(X, unmoved, (ENLARGED, ENLARGED), padding_mode="border")
    split = train_test_split(np.arange(len(y)), test_size=0.25, stratify=y, random_state=seed)
    return enlarged, y, *split


def on_canvas(enlarged, theta):
    """Digits as they look at poses `theta`, upright canvas to canvas."""
    to_digit = np.linalg.inv(square(theta) @ ZOOM)[:, :2]
    return warp_affine(enlarged, to_digit, (CANVAS, CANVAS))


def upright_digits(enlarged, train, seed):
    """200 training digits, undistorted on their canvas."""
    chosen = np.random.default_rng(seed).permutation(train)[:N_UPRIGHT]
    return on_canvas(enlarged[chosen], np.tile(np.eye(2, 3), (N_UPRIGHT, 1, 1)))


def distorted(seed):
    """The demo's digits."""
    X, X_test, y, y_test, _ = load_distorted_digits(random_state=seed)
    enlarged, _, train, test = scans(seed)
    copies = len(X_test) // len(test)
    keys = [(digit, copy) for digit in test for copy in range(copies)]
    to_digit = np.stack([_distortion(np.random.default_rng([seed, *key])) for key in keys])
    truth = (np.linalg.inv(square(to_digit)) @ np.linalg.inv(ZOOM))[:, :2]
    return Digits(X, X_test, y, y_test, truth, upright_digits(enlarged, train, seed))


class Behind:
    """Adds rows: how well a logistic regression does behind a contender, and how poses spread."""

    def __init__(self, digits, table):
        self.digits, self.table = digits, table

    def accuracy(self, rows, test_rows):
        """Per cent right."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="lbfgs failed to converge")
            model = LogisticRegression().fit(rows.reshape(len(rows), -1), self.digits.y)
        test_rows = test_rows.reshape(len(test_rows), -1)
        return {"accuracy": 100 * model.score(test_rows, self.digits.y_test)}

    def cropped(self, theta, theta_test):
        """The same on 16 x 16 pixels rectified by theta."""
        shape = ENLARGED, ENLARGED
        parts = (self.digits.X, theta), (self.digits.X_test, theta_test)
        return self.accuracy(*(warp_affine(images, poses, shape) for images, poses in parts))

    def alone(self):
        """The classifier on the pictures as they came."""
        self.table.add("LogReg alone", self.accuracy(self.digits.X, self.digits.X_test))

    def fixed(self, name, theta):
        """Behind one crop for all, the mean theta."""
        mean = theta.mean(axis=0)
        X, X_test = self.digits.X, self.digits.X_test
        one, other = (np.tile(mean, (len(part), 1, 1)) for part in (X, X_test))
        self.table.add(f"fixed crop, mean theta of {name}", self.cropped(one, other))

    def contender(self, name, fit, zoomed=False, upright=False):
        """Behind what finds poses; with errors of corners where upright digits are known."""
        digits, truth = self.digits, self.digits.truth_test
        with Clock() as fitting:
            find = fit()
        theta = find(digits.X)
        with Clock() as finding:
            theta_test = find(digits.X_test)
        errors = pose_errors(theta_test, truth) if upright else {}
        turns = np.exp(1j * np.deg2rad(turns_left(theta_test, truth, 1)))
        lengths = [np.abs(turns[digits.y_test == label].mean()) for label in range(10)]
        spread = np.rad2deg(np.sqrt(-2 * np.log(lengths))).mean()
        if zoomed:
            theta, theta_test = ((square(t) @ ZOOM)[:, :2] for t in (theta, theta_test))
        each = 1000 / len(digits.X_test)
        times = {
            "fit": fitting.wall,
            "fit_cpu": fitting.cpu,
            "image": each * finding.wall,
            "image_cpu": each * finding.cpu,
        }
        figures = {**errors, "spread": spread, **self.cropped(theta, theta_test), **times}
        self.table.add(name, figures)
        return theta


def pose_transformer(seed, options, **parameters):
    """As a user would make it for turns up to 60 degrees."""
    reach = {"angle": REACH.angle, "scale": REACH.scale, "shift": REACH.shift}
    return PoseTransformer(**{**reach, **parameters}, random_state=seed, n_jobs=options.jobs)


def run(options):
    """One table."""
    table = Table("digits of the demo, LogReg behind")
    for seed in options.seeds:
        print(f"seed {seed}")
        digits = distorted(seed)
        behind = Behind(digits, table)
        behind.alone()
        behind.contender("moments", lambda: theta_from_moments)
        joint = SpatialTransformer(head="linear", **JOINT, random_state=seed, n_jobs=options.jobs)
        name = "SpatialTransformer, labels"
        theta = behind.contender(
            name, lambda joint=joint, d=digits: joint.fit(d.X, d.y).predict_theta
        )
        behind.fixed(name, theta)
        poser, name = pose_transformer(seed, options), "PoseTransformer, 200 upright"
        theta = behind.contender(
            name, lambda p=poser, d=digits: p.fit(d.upright).predict_theta, True, True
        )
        behind.fixed(name, theta)
        nothing_known(behind, seed, options)
        options.sheet(f"digits_{seed}", digits.X_test, poser.predict_theta(digits.X_test))
    table.print()


def nothing_known(behind, seed, options):
    """Rows of the alignment, and of a network taught by it."""
    X = behind.digits.X
    reach = {"angle": REACH.angle, "scale": REACH.scale[1]}
    alignment = JointAlignment(**reach, random_state=seed, n_jobs=options.jobs)
    behind.contender("JointAlignment, nothing known", lambda: alignment.fit(X).predict_theta)
    sure = alignment.correlation_ >= np.quantile(alignment.correlation_, 1 - CONFIDENT)
    poser = pose_transformer(seed, options)
    behind.contender(
        "PoseTransformer on what it found",
        lambda: poser.fit(X[sure], alignment.theta_[sure]).predict_theta,
    )
