"""Joint alignment: templates, and the pose of each picture, found from pictures alone.

Each picture takes the template, of its own class where classes are known, and the pose it
correlates with best; templates become the means of what was so aligned; and so on
(`template_search`). Sources: Frey and Jojic 2003, "Transformation-invariant clustering using the
EM algorithm"; Learned-Miller 2006, "Data driven image alignment through continuous joint
alignment"; the last refinement is that of Baker and Matthews 2004.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from .moments import moment_poses
from .poses import Poses
from .templates import SIDE, aligned_rows, best_matches, normalized, seen

__all__ = ["Alignment", "Search"]

STEP = 7.5  # degrees between the turns that are tried
SCALE_STEP = 1.12
REFINEMENTS = 3
NUDGE = (math.radians(2), 0.03, 0.03, 0.03)  # turn, log scale, shifts: for derivatives
FARTHEST = (math.radians(STEP), 0.1, 0.1, 0.1)  # of one refinement


@dataclass(frozen=True)
class Search:
    """The poses that are tried: turns in degrees to either side, and scales up to a factor."""

    angle: float
    scale: float
    symmetry: int

    @property
    def all_round(self) -> bool:
        """Whether every turn is tried, so that there is no mean pose."""
        return self.angle >= 180 / self.symmetry

    def motions(self) -> Poses:
        """Each turn at each scale."""
        period = 360 / self.symmetry
        if self.all_round:
            degrees = np.arange(round(period / STEP)) * STEP - period / 2
        else:
            count = max(math.ceil(self.angle / STEP), 1) if self.angle else 0
            degrees = np.linspace(-self.angle, self.angle, 2 * count + 1)
        steps = math.ceil(math.log(self.scale) / math.log(SCALE_STEP)) if self.scale > 1 else 0
        scales = np.geomspace(1 / self.scale, self.scale, 2 * steps + 1)
        z = (scales[:, None] * np.exp(1j * np.deg2rad(degrees))).ravel()
        return Poses(z, np.zeros_like(z))


@dataclass(frozen=True)
class Alignment:
    """Templates (K, SIDE * SIDE) in one pose, whose they are, and how pictures come to them.

    `labels` (K,) holds the number of each template's class; all are 0 where none are known.
    """

    templates: Array
    labels: Array
    search: Search
    start: str = "as_they_are"

    def begun(self, images: Array) -> Poses:
        """What is known of poses before looking at templates."""
        if self.start == "as_they_are":
            return Poses.identity(len(images))
        return moment_poses(images[..., None], turn=self.start == "axis")

    def poses(
        self, images: Array, n_jobs: int | None, labels: Array | None = None
    ) -> tuple[Poses, Array, Array]:
        """Poses of images (n, h, w), their templates and their correlations.

        Templates are those of an image's own class where `labels` (n,) says it, else all.
        """
        start, motions = self.begun(images), self.search.motions()
        rows, views = aligned_rows(images, start, n_jobs), seen(self.templates, motions)
        if labels is None:
            cluster, number, correlation = best_matches(rows, views, n_jobs)
        else:
            cluster, number, correlation = self.own_matches(rows, views, labels, n_jobs)
        poses = start.then(motions[number])
        for _ in range(REFINEMENTS):
            poses, correlation = self._refined(images, poses, cluster, n_jobs)
        return poses, cluster, correlation

    def own_matches(
        self, rows: Array, views: Array, labels: Array, n_jobs: int | None
    ) -> tuple[Array, Array, Array]:
        """`best_matches` of rows of some classes among the templates of the same class."""
        cluster, number = np.zeros((2, len(rows)), np.intp)
        correlation = np.zeros(len(rows), np.float32)
        for label in np.unique(labels):
            own, members = np.flatnonzero(self.labels == label), labels == label
            best, number[members], correlation[members] = best_matches(
                rows[members], views[own], n_jobs
            )
            cluster[members] = own[best]
        return cluster, number, correlation

    def _refined(
        self, images: Array, poses: Poses, cluster: Array, n_jobs: int | None
    ) -> tuple[Poses, Array]:
        """Poses after one Gauss-Newton step, where the picture then fits better."""
        own = normalized(self.templates)[cluster]
        rows = aligned_rows(images, poses, n_jobs)
        before = np.einsum("np,np->n", rows, own)
        steps = self._steps(rows, own * before[:, None], cluster)
        moved = poses.then(
            Poses(np.exp(steps[:, 1] + 1j * steps[:, 0]), steps[:, 2] + 1j * steps[:, 3])
        )
        after = np.einsum("np,np->n", aligned_rows(images, moved, n_jobs), own)
        better = after > before
        best = Poses(np.where(better, moved.z, poses.z), np.where(better, moved.t, poses.t))
        return best, np.where(better, after, before)

    def _steps(self, rows: Array, fitted: Array, cluster: Array) -> Array:
        """Turn, log scale and shifts (n, 4) by which each row differs from its template."""
        turn, log_scale, x, y = np.diag(NUDGE)
        nudges = Poses(np.exp(log_scale + 1j * turn), x + 1j * y)
        views = [seen(self.templates, way) for way in (nudges, nudges.inverse())]
        slopes = (views[0] - views[1]) / (2 * np.array(NUDGE)[:, None])
        steps = np.zeros((len(rows), 4))
        for number, slope in enumerate(slopes):
            members = cluster == number
            steps[members] = (rows - fitted)[members] @ np.linalg.pinv(slope, rcond=1e-3)
        return np.clip(steps, -np.array(FARTHEST), FARTHEST)

    def pictures(self) -> Array:
        """The templates, (K, SIDE, SIDE)."""
        return self.templates.reshape(-1, SIDE, SIDE)

    def turned(self, angles: Array) -> "Alignment":
        """The same with each template's frame turned clockwise by its angle, in radians."""
        ones = np.exp(-1j * angles)
        views = [
            seen(template[None], Poses(z[None], np.zeros(1, complex)))[0, 0]
            for template, z in zip(self.templates, ones, strict=True)
        ]
        return replace(self, templates=np.stack(views))
