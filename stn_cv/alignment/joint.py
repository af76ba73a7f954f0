"""Joint alignment: templates, and the pose of each picture, found from pictures alone.

Each picture takes the template and pose it correlates with best; templates become the means
of what was so aligned; and so on. Sources: Frey and Jojic 2003, "Transformation-invariant
clustering using the EM algorithm"; Learned-Miller 2006, "Data driven image alignment through
continuous joint alignment"; the last refinement is that of Baker and Matthews 2004.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..threads import pinned_blas
from .gauge import mean_pose_turns, voted_turns
from .moments import moment_poses
from .poses import Poses
from .templates import SIDE, best_matches, canvases, normalized, seen, summed_by

__all__ = ["Alignment", "Course", "Search", "align"]

STEP = 7.5  # degrees between the turns that are tried
SCALE_STEP = 1.12
LARGEST_SAMPLE = 2000  # pictures that templates are made from
SEEDING = 500  # pictures that first templates are chosen from
SMALLEST_SHARE = 1 / 6  # of an equal share of the pictures: a smaller cluster begins anew
REFINEMENTS = 3
NUDGE = (math.radians(2), 0.03, 0.03, 0.03)  # turn, log scale, shifts: for derivatives
FARTHEST = (math.radians(STEP), 0.1, 0.1, 0.1)  # of one refinement
BESIDE_AXIS = 20.0  # degrees from the principal axis
FEW_ROUNDS = 6  # in which a start shows what it is worth


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
    """Templates (K, SIDE * SIDE) that stand in one pose, and how pictures are brought to them."""

    templates: Array
    search: Search
    start: str = "as_they_are"

    def begun(self, images: Array) -> Poses:
        """What is known of poses before looking at templates."""
        if self.start == "as_they_are":
            return Poses.identity(len(images))
        return moment_poses(images[..., None], turn=self.start == "axis")

    def poses(self, images: Array, n_jobs: int | None) -> tuple[Poses, Array, Array]:
        """Poses of grey images (n, h, w), their templates and their correlations."""
        start, motions = self.begun(images), self.search.motions()
        rows = canvases(images, start, n_jobs)
        cluster, number, correlation = best_matches(rows, seen(self.templates, motions), n_jobs)
        poses = start.then(motions[number])
        for _ in range(REFINEMENTS):
            poses, correlation = self._refined(images, poses, cluster, n_jobs)
        return poses, cluster, correlation

    def _refined(
        self, images: Array, poses: Poses, cluster: Array, n_jobs: int | None
    ) -> tuple[Poses, Array]:
        """Poses after one Gauss-Newton step, where the picture then fits better."""
        own = normalized(self.templates)[cluster]
        rows = canvases(images, poses, n_jobs)
        before = np.einsum("np,np->n", rows, own)
        steps = self._steps(rows, own * before[:, None], cluster)
        moved = poses.then(
            Poses(np.exp(steps[:, 1] + 1j * steps[:, 0]), steps[:, 2] + 1j * steps[:, 3])
        )
        after = np.einsum("np,np->n", canvases(images, moved, n_jobs), own)
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


@dataclass
class Course:
    """What the search for templates has come to: the best first, each with its correlation."""

    found: list[tuple[float, Alignment]]

    def add(self, correlation: float, alignment: Alignment) -> None:
        """Put a result in its place."""
        self.found.append((correlation, alignment))
        self.found.sort(key=lambda pair: -pair[0])


def align(
    images: Array,
    search: Search,
    n_templates: int,
    max_iter: int,
    n_restarts: int,
    seed: int,
    n_jobs: int | None,
    course: Course,
    listen: Callable[[int, int, float], None],
) -> None:
    """Look for templates of grey images from several starts; what is found goes to `course`.

    Of the starts, the one goes on that correlates best after a few rounds.
    """
    rng = np.random.default_rng(seed)
    sample = images
    if len(images) > LARGEST_SAMPLE:
        sample = images[np.sort(rng.choice(len(images), LARGEST_SAMPLE, replace=False))]
    trials = []
    for name, own in _starts(search):
        start = Alignment(np.empty((0, 0), np.float32), own, name)
        rows = canvases(sample, start.begun(sample), n_jobs)
        rounds = _Rounds(sample, rows, start, n_templates, np.random.default_rng([seed, 0]), n_jobs)
        for number in range(min(FEW_ROUNDS, max_iter)):
            listen(0, number, rounds.step())
        trials.append(rounds)
    best = max(trials, key=lambda rounds: rounds.correlation)
    for restart in range(n_restarts):
        rounds, done = best, FEW_ROUNDS
        if restart:
            own_rng, done = np.random.default_rng([seed, restart]), 0
            rounds = _Rounds(sample, best.rows, best.alignment, n_templates, own_rng, n_jobs)
        for number in range(done, max_iter):
            listen(restart, number, rounds.step())
        course.add(rounds.correlation, rounds.finished())


def _starts(search: Search) -> Iterator[tuple[str, Search]]:
    """Names of starts, and the turns that are tried from each.

    Where things are turned by less than a quarter, the principal axis tells the turn but for a
    little.
    """
    if search.angle < 90 and search.symmetry == 1:
        yield "axis", replace(search, angle=min(search.angle, BESIDE_AXIS))
    yield "moments", search
    yield "as_they_are", search


class _Rounds:
    """One search: templates that are matched and made anew, round by round."""

    def __init__(
        self,
        images: Array,
        rows: Array,
        alignment: Alignment,
        n_templates: int,
        rng: np.random.Generator,
        n_jobs: int | None,
    ) -> None:
        self.images, self.rows, self.rng, self.n_jobs = images, rows, rng, n_jobs
        self.start, self.motions = alignment.begun(images), alignment.search.motions()
        self.alignment = replace(alignment, templates=self._first(n_templates))
        self.correlation = 0.0

    def _first(self, count: int) -> Array:
        """Pictures unlike one another in any pose: k-means++ (Arthur and Vassilvitskii 2007)."""
        some = self.rows[
            self.rng.choice(len(self.rows), min(SEEDING, len(self.rows)), replace=False)
        ]
        chosen = [int(self.rng.integers(len(some)))]
        nearest = np.full(len(some), -1.0)
        while len(chosen) < count:
            views = seen(some[chosen[-1:]], self.motions)
            nearest = np.maximum(nearest, best_matches(some, views, self.n_jobs)[2])
            weights = np.square(np.maximum(1 - nearest, 0)) + 1e-12
            chosen.append(int(self.rng.choice(len(some), p=weights / weights.sum())))
        return some[chosen]

    def step(self) -> float:
        """One round; the mean correlation it began with."""
        templates = self.alignment.templates
        views = seen(templates, self.motions)
        cluster, number, fit = best_matches(self.rows, views, self.n_jobs)
        angles = np.angle(self.motions.z[number])
        if not self.alignment.search.all_round:
            angles = angles - self._mean_turn(cluster, angles, len(templates)) / 2
        z = np.abs(self.motions.z[number]) * np.exp(1j * angles)
        poses = self.start.then(Poses(z, self.motions.t[number]))
        aligned = canvases(self.images, poses, self.n_jobs)
        sums = summed_by(cluster, aligned, len(templates))
        counts = np.bincount(cluster, minlength=len(templates))
        for few in np.flatnonzero(counts < SMALLEST_SHARE * len(aligned) / len(templates)):
            worst = np.argsort(fit, kind="stable")[: max(len(fit) // 10, 1)]
            sums[few] = aligned[self.rng.choice(worst)]
        self.alignment = replace(self.alignment, templates=normalized(sums).astype(np.float32))
        self.cluster, self.angles, self.correlation = cluster, angles, float(fit.mean())
        return self.correlation

    @staticmethod
    def _mean_turn(cluster: Array, angles: Array, count: int) -> Array:
        counts = np.maximum(np.bincount(cluster, minlength=count), 1)
        return (np.bincount(cluster, angles, count) / counts)[cluster]

    def finished(self) -> Alignment:
        """With templates brought to one another, and to the mean pose where there is one."""
        search, templates = self.alignment.search, self.alignment.templates
        counts = np.bincount(self.cluster, minlength=len(templates))
        if not search.all_round:
            turns = mean_pose_turns(templates, counts, search.symmetry, search.angle)
            return self.alignment.turned(turns)
        views = seen(templates, self.motions)
        found = [best_matches(self.rows, own[None], self.n_jobs) for own in views]
        fits = np.stack([fit for _, _, fit in found], axis=1)
        angles = np.angle(self.motions.z[np.stack([number for _, number, _ in found], axis=1)])
        with pinned_blas():
            turns = voted_turns(fits, angles, counts, search.symmetry)
        return self.alignment.turned(turns)
