"""What every job of `pose.py` measures alike: errors of poses, seconds, a table of means."""

import time
from dataclasses import dataclass

import numpy as np

from stn_cv import angle_error, corner_error

WRONG_CORNERS, WRONG_TURN = 0.1, 15  # widths, degrees
HEADINGS = {
    "corner": "corner error, median %",
    "wrong": ">10 %, %",
    "angle": "angle, median °",
    "off": ">15°, %",
    "told": "right way up, %",
    "spread": "spread in a class, °",
    "accuracy": "accuracy, %",
    "fit": "fit, s",
    "fit_cpu": "fit, CPU s",
    "image": "ms an image",
    "image_cpu": "CPU ms",
}
DECIMALS = {"angle": 2, "fit": 1, "fit_cpu": 1, "image": 2, "image_cpu": 2, "spread": 1}


@dataclass(frozen=True)
class Reach:
    """How far things are turned, scaled and shifted at most, as told to every contender."""

    angle: float
    scale: tuple[float, float]
    shift: float
    symmetry: int = 1


class Clock:
    """Seconds of the wall and of all threads of this process."""

    def __enter__(self):
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.start[0]
        self.cpu = time.process_time() - self.start[1]


def similarities(degrees, sizes, shifts):
    """Theta (n, 2, 3) of things turned clockwise, `sizes` times as large, moved by `shifts`."""
    turns = np.asarray(sizes) * np.exp(1j * np.deg2rad(degrees))
    shifts = np.broadcast_to(shifts, (len(turns), 2))
    rows = [[turns.real, -turns.imag, shifts[:, 0]], [turns.imag, turns.real, shifts[:, 1]]]
    return np.array(rows).transpose(2, 0, 1)


def square(theta):
    """Theta (n, 2, 3) as (n, 3, 3)."""
    last = np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(theta), 1, 3))
    return np.concatenate([theta, last], axis=1)


def drawn(reach, rng, n):
    """Poses spread evenly over the reach."""
    low, high = np.log(reach.scale)
    sizes = np.exp(rng.uniform(low, high, n))
    shifts = rng.uniform(-2 * reach.shift, 2 * reach.shift, (n, 2))
    return similarities(rng.uniform(-reach.angle, reach.angle, n), sizes, shifts)


def turns_left(theta, truth, symmetry):
    """Signed degrees between poses; of all turns that look the same, the nearest."""
    return angle_error(theta, truth, (1, 1), symmetry=symmetry)


def pose_errors(theta, truth, symmetry=1):
    """The four columns on poses of square pictures."""
    corners = corner_error(theta, truth, (1, 1), symmetry=symmetry)
    turns = np.abs(turns_left(theta, truth, symmetry))
    return {
        "corner": 100 * np.median(corners),
        "wrong": 100 * np.mean(corners > WRONG_CORNERS),
        **turn_errors(turns),
    }


def turn_errors(turns):
    """The two columns on turns alone, of absolute degrees."""
    return {"angle": np.median(turns), "off": 100 * np.mean(turns > WRONG_TURN)}


class Table:
    """Figures of each contender, one entry a seed, printed as means."""

    def __init__(self, title):
        self.title, self.rows = title, {}

    def add(self, name, figures):
        """Figures of one seed, which are printed as they come."""
        for column, value in figures.items():
            self.rows.setdefault(name, {}).setdefault(column, []).append(float(value))
        words = [f"{column} {_rounded(column, value)}" for column, value in figures.items()]
        print(f"  {name}: {', '.join(words)}", flush=True)

    def measure(self, name, fit, images, judge, few=5):
        """Fit, find the poses of `images`, add what `judge` says of them; give what finds them."""
        with Clock() as fitting:
            find = fit()
        find(images[:few])
        with Clock() as finding:
            theta = find(images)
        each = 1000 / len(images)
        self.add(
            name,
            {
                **judge(theta),
                "fit": fitting.wall,
                "fit_cpu": fitting.cpu,
                "image": each * finding.wall,
                "image_cpu": each * finding.cpu,
            },
        )
        return find

    def print(self):
        """The table, in Markdown."""
        columns = [c for c in HEADINGS if any(c in figures for figures in self.rows.values())]
        print(f"\n{self.title}\n\n| | {' | '.join(HEADINGS[c] for c in columns)} |")
        print("|---" * (len(columns) + 1) + "|")
        for name, figures in self.rows.items():
            cells = [_rounded(c, np.mean(figures[c])) if c in figures else "" for c in columns]
            print(f"| {name} | {' | '.join(cells)} |")
        print(flush=True)


def _rounded(column, value):
    return f"{value:.{DECIMALS.get(column, 1)}f}"
