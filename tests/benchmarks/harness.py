"""Timing contenders side by side: interleaved rounds, medians, quartiles."""

import math
import time
from dataclasses import dataclass

import numpy as np

ROUND = 0.02  # seconds that one contender runs in one round, at least
ROUNDS = 11
PAUSE = 0.02  # seconds before a round, in which threads that wait busily for work fall asleep
SETTLE = 0.04  # seconds of a round that do not count: a core that slept is slow for so long


@dataclass
class Timing:
    """Seconds a call, one entry a round."""

    seconds: np.ndarray

    @property
    def median(self):
        return float(np.median(self.seconds))

    @property
    def spread(self):
        """Half the distance of the quartiles, relative to the median."""
        low, high = np.percentile(self.seconds, (25, 75))
        return (high - low) / 2 / self.median

    def __str__(self):
        value, unit = self.median, "s"
        for smaller in ("ms", "us"):
            if value < 1:
                value, unit = value * 1e3, smaller
        return f"{value:8.3g} {unit} ±{100 * self.spread:2.0f}%"


def race(contenders, rounds=ROUNDS):
    """Time callables by name: warmed up first, then in turns, a round each.

    Without a pause torch's threads take the cores of others: steps on two threads varied
    fourfold, torch's own as well. The first 5 ms after one take up to twice as long as calls
    40 ms later, so each contender is warm again before its clock starts.
    """
    repeats = {}
    for name, call in contenders.items():
        call()
        start = time.perf_counter()
        call()
        repeats[name] = max(math.ceil(ROUND / (time.perf_counter() - start)), 1)
    seconds = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            time.sleep(PAUSE)
            settled = time.perf_counter() + SETTLE
            while time.perf_counter() < settled:
                call()
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            seconds[name].append((time.perf_counter() - start) / repeats[name])
    return {name: Timing(np.array(times)) for name, times in seconds.items()}


def report(what, timings, ours="stn_cv"):
    """Print one race; the ratios of the peers' medians to ours, by peer."""
    mine = timings[ours]
    print(f"{what:44s} {ours} {mine}", end="")
    ratios = {}
    for name, timing in timings.items():
        if name != ours:
            ratios[name] = timing.median / mine.median
            print(f" | {name} {timing}  {ratios[name]:5.2f}x", end="")
    print(flush=True)
    return ratios


class Summary:
    """Ratios collected over the sizes of each kind of work."""

    def __init__(self):
        self.ratios = {}

    def add(self, work, ratios):
        for peer, ratio in ratios.items():
            self.ratios.setdefault((work, peer), []).append(ratio)

    def print(self):
        """Geometric mean and lowest ratio of each kind of work against each peer."""
        print(f"\n{'ratio of the peer’s time to ours':52s} {'mean':>6s} {'lowest':>7s}")
        for (work, peer), ratios in self.ratios.items():
            mean = math.exp(np.mean(np.log(ratios)))
            print(f"{work + ' / ' + peer:52s} {mean:6.2f} {min(ratios):7.2f}")


def agree(what, given, wanted, tolerance):
    """Refuse to time what does not compute the same."""
    difference = np.abs(np.asarray(given, np.float64) - np.asarray(wanted, np.float64))
    typical = float(np.mean(difference))
    if not typical <= tolerance:
        raise SystemExit(f"{what}: outputs differ by {typical:.3g} in the mean, over {tolerance}")
