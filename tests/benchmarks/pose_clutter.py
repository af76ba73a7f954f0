"""Digits among other digits: the one nearest the middle counts, moments see them all."""

import numpy as np
from pose_digits import (
    CANVAS,
    Behind,
    Digits,
    on_canvas,
    pose_transformer,
    scans,
    upright_digits,
)
from pose_score import Reach, Table, drawn, similarities

from stn_cv import theta_from_moments

REACH = Reach(60, (0.7, 1.3), 0.1)
COPIES, OTHERS = 4, 3  # pictures of each digit, other digits in each
DISTANCE = 15, 19  # pixels from the middle of the digit to those of others


def cluttered(seed):
    """Pictures of training and of test digits, each among others of the same part."""
    enlarged, y, train, test = scans(seed)
    (X, _), (X_test, truth) = (
        _part(enlarged, part, np.random.default_rng([seed, number]))
        for number, part in enumerate((train, test))
    )
    y_train, y_test = (np.repeat(y[part], COPIES) for part in (train, test))
    return Digits(X, X_test, y_train, y_test, truth, upright_digits(enlarged, train, seed))


def _part(enlarged, part, rng):
    """Pictures of the digits of one part, and their poses."""
    digits = np.repeat(part, COPIES)
    n = len(digits)
    theta = drawn(REACH, rng, n)
    pictures = on_canvas(enlarged[digits], theta)
    first = rng.uniform(0, 2 * np.pi, n)
    for number in range(OTHERS):
        around = first + 2 * np.pi * (number + rng.uniform(-0.2, 0.2, n)) / OTHERS
        away = rng.uniform(*DISTANCE, n) * 2 / CANVAS
        places = theta[:, :, 2] + np.stack([np.cos(around), np.sin(around)], 1) * away[:, None]
        turns, sizes = rng.uniform(-REACH.angle, REACH.angle, n), rng.uniform(*REACH.scale, n)
        others = on_canvas(enlarged[rng.choice(part, n)], similarities(turns, sizes, places))
        pictures = np.maximum(pictures, others)
    return pictures, theta


def run(options):
    """One table."""
    table = Table("several digits in the picture, LogReg behind")
    for seed in options.seeds:
        print(f"seed {seed}")
        digits = cluttered(seed)
        behind = Behind(digits, table)
        behind.alone()
        behind.contender("moments", lambda: theta_from_moments)
        poser, name = (
            pose_transformer(seed, options, shift=REACH.shift),
            "PoseTransformer, 200 upright",
        )
        theta = behind.contender(
            name, lambda p=poser, d=digits: p.fit(d.upright).predict_theta, True, True
        )
        behind.fixed(name, theta)
        options.sheet(f"clutter_{seed}", digits.X_test, poser.predict_theta(digits.X_test))
    table.print()
