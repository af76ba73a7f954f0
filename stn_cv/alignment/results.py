"""What goes into joint alignment, and what is made of the searches' results."""

import numpy as np

from ..arrays import Array
from ..sampling import warp_affine
from .gauge import circular_mean, wrapped
from .joint import Alignment

__all__ = ["agreement", "grey", "settled"]

SHORT_SIDE = 48  # pixels: twice a template's
SAME = np.deg2rad(15)


def grey(images: Array) -> Array:
    """Small grey copies (n, h, w), float32, of images (n, h, w, c)."""
    values = images.mean(axis=3, dtype=np.float64)
    largest = np.abs(values).max(axis=(1, 2), keepdims=True, initial=1e-30)
    values = (values / largest).astype(np.float32)
    height, width = values.shape[1:]
    factor = SHORT_SIDE / min(height, width)
    if factor >= 1:
        return values
    shape = max(round(height * factor), 1), max(round(width * factor), 1)
    whole = np.broadcast_to(np.eye(2, 3), (len(values), 2, 3))
    return np.asarray(warp_affine(values, whole, shape, padding_mode="border", antialias=True))


def agreement(found: list[Alignment], images: Array, n_jobs: int | None) -> float:
    """The share of the images to which the two best give one turn, but for one of all."""
    if len(found) < 2:
        return float("nan")
    one, other = (alignment.poses(images, n_jobs)[0] for alignment in found[:2])
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
