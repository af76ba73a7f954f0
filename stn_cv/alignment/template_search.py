"""The search for templates, from several starts.

The sources are those of `congealing`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..threads import pinned_blas
from .congealing import Alignment, Search
from .gauge import mean_pose_turns, voted_turns
from .poses import Poses
from .templates import aligned_rows, best_matches, normalized, seen, summed_by

__all__ = ["Course", "align"]

LARGEST_SAMPLE = 2000  # pictures that templates are made from
SEEDING = 500  # pictures that first templates are chosen from
SMALLEST_SHARE = 1 / 6  # of an equal share of the pictures: a smaller cluster begins anew
BESIDE_AXIS = 20.0  # degrees from the principal axis
FEW_ROUNDS = 6  # in which a start shows what it is worth


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
    labels: Array,
    search: Search,
    n_templates: int,
    max_iter: int,
    n_restarts: int,
    seed: int,
    n_jobs: int | None,
    course: Course,
    listen: Callable[[int, int, float], None],
) -> None:
    """Look for templates of images from several starts; what is found goes to `course`.

    `labels` (n,) numbers the class of each; each class has so many templates at most. Of the
    starts, the one goes on that correlates best after a few rounds.
    """
    rng = np.random.default_rng(seed)
    if len(images) > LARGEST_SAMPLE:
        some = np.sort(rng.choice(len(images), LARGEST_SAMPLE, replace=False))
        images, labels = images[some], labels[some]
    trials = []
    for name, own in _starts(search):
        start = Alignment(np.empty((0, 0), np.float32), np.empty(0, int), own, name)
        rows = aligned_rows(images, start.begun(images), n_jobs)
        sample, own_rng = _Sample(images, rows, labels), np.random.default_rng([seed, 0])
        rounds = _Rounds(sample, start, n_templates, own_rng, n_jobs)
        for number in range(min(FEW_ROUNDS, max_iter)):
            listen(0, number, rounds.step())
        trials.append(rounds)
    best = max(trials, key=lambda rounds: rounds.correlation)
    for restart in range(n_restarts):
        rounds, done = best, FEW_ROUNDS
        if restart:
            own_rng, done = np.random.default_rng([seed, restart]), 0
            rounds = _Rounds(best.sample, best.alignment, n_templates, own_rng, n_jobs)
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


class _Sample(NamedTuple):
    """Images (n, h, w), what they show where a search begins, and the numbers of their classes."""

    images: Array
    rows: Array
    labels: Array


class _Rounds:
    """One search: templates that are matched and made anew, round by round."""

    def __init__(
        self,
        sample: _Sample,
        alignment: Alignment,
        n_templates: int,
        rng: np.random.Generator,
        n_jobs: int | None,
    ) -> None:
        self.sample, self.rng, self.n_jobs = sample, rng, n_jobs
        self.start, self.motions = alignment.begun(sample.images), alignment.search.motions()
        first = {
            label: self._first(sample.rows[sample.labels == label], n_templates)
            for label in np.unique(sample.labels)
        }
        templates = np.concatenate(list(first.values()))
        labels = np.repeat(list(first), [len(own) for own in first.values()])
        self.alignment = replace(alignment, templates=templates, labels=labels)
        self.correlation = 0.0

    def _first(self, rows: Array, count: int) -> Array:
        """Rows unlike one another in any pose: k-means++ (Arthur and Vassilvitskii 2007)."""
        some = rows[self.rng.choice(len(rows), min(SEEDING, len(rows)), replace=False)]
        chosen = [int(self.rng.integers(len(some)))]
        nearest = np.full(len(some), -1.0)
        while len(chosen) < min(count, len(some)):
            views = seen(some[chosen[-1:]], self.motions)
            nearest = np.maximum(nearest, best_matches(some, views, self.n_jobs)[2])
            weights = np.square(np.maximum(1 - nearest, 0)) + 1e-12
            chosen.append(int(self.rng.choice(len(some), p=weights / weights.sum())))
        return some[chosen]

    def step(self) -> float:
        """One round; the mean correlation it began with."""
        (images, rows, labels), templates = self.sample, self.alignment.templates
        views = seen(templates, self.motions)
        cluster, number, fit = self.alignment.own_matches(rows, views, labels, self.n_jobs)
        angles = np.angle(self.motions.z[number])
        if not self.alignment.search.all_round:
            angles = angles - self._mean_turn(cluster, angles, len(templates)) / 2
        z = np.abs(self.motions.z[number]) * np.exp(1j * angles)
        poses = self.start.then(Poses(z, self.motions.t[number]))
        aligned = aligned_rows(images, poses, self.n_jobs)
        sums = summed_by(cluster, aligned, len(templates))
        for few in self._too_small(cluster):
            own = np.flatnonzero(labels == self.alignment.labels[few])
            worst = own[np.argsort(fit[own], kind="stable")[: max(len(own) // 10, 1)]]
            sums[few] = aligned[self.rng.choice(worst)]
        self.alignment = replace(self.alignment, templates=normalized(sums).astype(np.float32))
        self.cluster, self.angles, self.correlation = cluster, angles, float(fit.mean())
        return self.correlation

    def _too_small(self, cluster: Array) -> Array:
        """Numbers of the templates that too few pictures of their class took."""
        owners = self.alignment.labels
        counts = np.bincount(cluster, minlength=len(owners))
        members, shared = np.bincount(self.sample.labels), np.bincount(owners)
        return np.flatnonzero(counts < SMALLEST_SHARE * (members / np.maximum(shared, 1))[owners])

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
        found = [best_matches(self.sample.rows, own[None], self.n_jobs) for own in views]
        fits = np.stack([fit for _, _, fit in found], axis=1)
        angles = np.angle(self.motions.z[np.stack([number for _, number, _ in found], axis=1)])
        with pinned_blas():
            turns = voted_turns(fits, angles, counts, search.symmetry)
        return self.alignment.turned(turns)
