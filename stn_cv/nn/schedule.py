"""Learning rates over the course of a training."""

import math
from collections.abc import Callable


def constant(progress: float) -> float:
    """1 throughout."""
    return 1.0


def one_cycle(progress: float) -> float:
    """Up from 1/25 in the first 30 %, then down to nearly 0, by cosines (Smith 2018)."""
    rise = 0.3
    if progress < rise:
        return _cosine(1 / 25, 1.0, progress / rise)
    return _cosine(1.0, 1e-4, (progress - rise) / (1 - rise))


def step(progress: float) -> float:
    """A tenth of it after each third, as Jaderberg et al. 2015."""
    return 0.1 ** min(int(progress * 3), 2)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "one_cycle": one_cycle,
    "step": step,
}
