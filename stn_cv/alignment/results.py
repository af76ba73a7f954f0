"""What is made of the results of an alignment's searches."""

import numpy as np

from ..arrays import Array
from .congealing import Alignment
from .gauge import circular_mean, wrapped

__all__ = ["agreement", "settled"]

SAME = np.deg2rad(15)


def agreement(found: list[Alignment], images: Array, labels: Array, n_jobs: int | None) -> float:
    """The share of the images to which the two best give one turn, but for one of all."""
    if len(found) < 2:
        return float("nan")
    one, other = (alignment.poses(images, n_jobs, labels)[0] for alignment in found[:2])
    symmetry = found[0].search.symmetry
    apart = np.angle(one.z / other.z)
    apart = wrapped(apart - circular_mean(apart, symmetry), symmetry)
    return float((np.abs(apart) <= SAME).mean())


def settled(alignment: Alignment, examples: Array | None, n_jobs: int | None) -> Alignment:
    """With all templates turned by one angle, so that the examples stay as they are."""
    if examples is None:
        return alignment
    poses, _, _ = alignment.poses(examples, n_jobs)
    turn = circular_mean(np.angle(poses.z), alignment.search.symmetry)
    return alignment.turned(np.full(len(alignment.templates), -turn))
