"""Templates seen in many poses, and pictures compared with all of them at once.

A picture and a template are compared within a disc, each brought to mean 0 and length 1, so
that a matrix product holds the correlations of all pictures with all templates in all poses.
"""

import numpy as np

from ..arrays import Array
from ..sampling import warp_affine
from ..threads import pinned_blas, run_slices, slices_of
from .poses import Poses

__all__ = ["SIDE", "best_matches", "aligned_rows", "disc", "normalized", "seen", "summed_by"]

SIDE = 24  # pixels of a template
SLICE = 256
SMALL = 1e-6


def disc() -> Array:
    """The pixels that are compared, (SIDE * SIDE,), float32 of 0 and 1."""
    line = (2 * np.arange(SIDE) + 1) / SIDE - 1
    return (line**2 + line[:, None] ** 2 < 1.1).ravel().astype(np.float32)


def normalized(rows: Array) -> Array:
    """Rows (..., SIDE * SIDE) with mean 0 and length 1 within the disc, 0 outside."""
    inside = disc()
    rows = (rows - (rows @ inside / inside.sum())[..., None]) * inside
    return np.asarray(rows / (np.linalg.norm(rows, axis=-1, keepdims=True) + SMALL))


def aligned_rows(images: Array, poses: Poses, n_jobs: int | None) -> Array:
    """What grey images (n, h, w) show at their poses, normalized (n, SIDE * SIDE)."""
    theta = poses.theta(images.shape[1:], square=True)

    def warped(rows: slice) -> Array:
        own = warp_affine(images[rows], theta[rows], (SIDE, SIDE), padding_mode="border")
        return normalized(own.reshape(len(own), -1))

    parts = run_slices(warped, slices_of(len(images), SLICE), n_jobs)
    return np.concatenate(parts) if parts else np.empty((0, SIDE * SIDE), np.float32)


def seen(templates: Array, motions: Poses) -> Array:
    """Templates (K, SIDE * SIDE) as a picture at each of M poses shows them, (K, M, ...)."""
    count, many = len(templates), len(motions)
    pictures = np.repeat(templates.reshape(count, SIDE, SIDE), many, axis=0)
    theta = np.tile(motions.inverse().theta((SIDE, SIDE)), (count, 1, 1))
    views = warp_affine(pictures, theta, (SIDE, SIDE), padding_mode="border")
    return normalized(views.reshape(count, many, -1))


def best_matches(rows: Array, views: Array, n_jobs: int | None) -> tuple[Array, Array, Array]:
    """Of each normalized row the best template, its pose's number, and their correlation."""
    many = views.shape[1]
    flat = np.ascontiguousarray(views.reshape(-1, views.shape[-1]).T)

    def match(part: slice) -> tuple[Array, Array]:
        correlations = rows[part] @ flat
        best = correlations.argmax(axis=1)
        return best, correlations[np.arange(len(best)), best]

    with pinned_blas():
        parts = run_slices(match, slices_of(len(rows), SLICE), n_jobs)
    best = np.concatenate([part[0] for part in parts])
    return best // many, best % many, np.concatenate([part[1] for part in parts])


def summed_by(cluster: Array, rows: Array, count: int) -> Array:
    """The sum of each cluster's rows, (count, ...), added in their order."""
    sums = np.zeros((count, rows.shape[1]))
    for number in range(count):
        sums[number] = rows[cluster == number].sum(axis=0, dtype=np.float64)
    return sums
