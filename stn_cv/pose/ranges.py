"""How far the things in photos may be turned, scaled, moved and tilted; poses drawn from it."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..geometry import control_points, points_a_side, spline_values
from .algebra import after, inverses, isotropic_gains, middles, similarity_parts, square
from .encodings import TURNING

__all__ = ["BEYOND", "USUAL", "PoseRange", "Spans", "shared_stretch", "spans_of"]

LEAST_NEAR, LARGEST_NEAR = 5.0, 25.0  # degrees: what a correcting look learns to take away
NEAR_SCALE, NEAR_SHIFT = 4 / 3, 0.1
BEYOND = 1.4  # times the nearest turns: from there on a picture is far off
INVERSIONS = 12  # fixed-point steps by which a spline is inverted
ROOM = 1.1  # beyond what known poses take up
OUTERMOST = 0.02  # share of known poses, at each end, that may be mistaken
LEAST_PERSPECTIVE = 0.02
SHARED_STRETCH = 1.25  # of known frames beside the photos, from which on it is in the way


@dataclass(frozen=True)
class PoseRange:
    """The range of poses of one family, drawn evenly; of what it cannot do nothing is drawn.

    Parameters
    ----------
    family : str
        A key of `stn_cv.families.FAMILIES`.
    shape : tuple
        (height, width) of the pictures.
    angle : float
        Degrees either way.
    scale : tuple of float
        (smallest, largest) size, relative to an example's.
    shift : float
        Share of the picture's sides, either way.
    perspective : float
        How far each entry of an affine map's linear part and of a homography's tilt may be
        off, or each control point of a spline, in half sides.
    """

    family: str
    shape: tuple[int, int]
    angle: float
    scale: tuple[float, float]
    shift: float
    perspective: float

    @property
    def turns(self) -> bool:
        """Whether the family turns pictures."""
        return self.family in (*TURNING, "tps", "tps3", "tps6")

    def near(self, symmetry: int) -> "PoseRange":
        """What may be left for a correcting look to take away."""
        low, high = self.scale
        return replace(
            self,
            angle=min(max(self.angle, LEAST_NEAR), LARGEST_NEAR, 90 / symmetry),
            scale=(max(low, 1 / NEAR_SCALE), min(high, NEAR_SCALE)),
            shift=min(self.shift, NEAR_SHIFT),
        )

    def moves(self, rng: np.random.Generator, n: int) -> Array:
        """Matrices (n, 2, 3) or (n, 3, 3) that move a picture into a canvas."""
        even = rng.uniform(-1, 1, (n, 9))
        angle = np.deg2rad(self.angle) * even[:, 0]
        return self._matrices(angle, even[:, 1:], rng.random(n))

    def far_moves(self, rng: np.random.Generator, n: int, widest: float, symmetry: int) -> Array:
        """As `moves`, but so far that no correcting look may touch it; `widest` is in degrees."""
        even = rng.uniform(-1, 1, (n, 9))
        least = BEYOND * self.angle
        most = min(max(widest, 1.1 * least), 360 / symmetry - least)
        degrees = np.sign(even[:, 0]) * (least + (most - least) * np.abs(even[:, 0]))
        moves = self._matrices(np.deg2rad(degrees), even[:, 1:], rng.random(n))
        if not self.turns:
            moves[:, :2, 2] += np.sign(moves[:, :2, 2]) * 3 * self.shift
        return moves

    def _matrices(self, angle: Array, even: Array, share: Array) -> Array:
        """From angles and numbers spread evenly over [-1, 1], (n, 8), and [0, 1], (n,)."""
        n = len(angle)
        matrices = np.zeros((n, 3, 3))
        matrices[:, 2, 2] = 1
        linear = np.broadcast_to(np.eye(2), (n, 2, 2))
        if self.turns:
            cos, sin = np.cos(angle), np.sin(angle)
            linear = np.stack([cos, -sin, sin, cos], axis=1).reshape(n, 2, 2)
        if self.family != "translation":
            low, high = np.log(self.scale)
            linear = linear * np.exp(low + share * (high - low))[:, None, None]
        if self.family in ("affine", "projective"):
            linear = linear @ (np.eye(2) + self.perspective * even[:, :4].reshape(n, 2, 2))
        matrices[:, :2, :2] = linear * isotropic_gains(self.shape)[:, :2]
        matrices[:, :2, 2] = 2 * self.shift * even[:, 4:6]
        if self.family != "projective":
            return matrices[:, :2]
        tilt = np.tile(np.eye(3), (n, 1, 1))
        tilt[:, 2, :2] = self.perspective * even[:, 6:]
        product = matrices @ tilt
        return product / product[:, 2:, 2:]

    def draw(self, rng: np.random.Generator, theta: Array) -> tuple[Array, Array]:
        """Canvases for pictures whose poses are known.

        Parameters
        ----------
        rng : numpy.random.Generator
            What is drawn from.
        theta : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
            Upright to picture.

        Returns
        -------
        warps : ndarray
            Canvas to picture: by it a canvas is drawn.
        theta : ndarray
            Upright to canvas.
        """
        moves = self.moves(rng, len(theta))
        if theta.shape[-1] != 2:
            return after(theta, inverses(moves)), moves
        controls = control_points(points_a_side(theta))
        bends = rng.uniform(-self.perspective, self.perspective, theta.shape)
        back = inverses(moves)
        warps = _applied(back, controls + bends) - controls
        wanted = _applied(moves, controls + theta)
        return warps, _unbent(wanted, bends) - controls


class Spans(NamedTuple):
    """As in `PoseRange`: (smallest, largest) scale, shift, perspective."""

    scale: tuple[float, float]
    shift: float
    perspective: float


USUAL = Spans((0.75, 1.33), 0.1, 0.1)


def spans_of(theta: Array, shape: tuple[int, int]) -> Spans:
    """What known poses (n, 2, 3) or (n, 3, 3) take up, and a tenth more."""
    log_scale, angle, _ = similarity_parts(theta, shape)
    low, high = np.exp(np.quantile(log_scale, (OUTERMOST, 1 - OUTERMOST)))
    middle = middles(theta)
    shift = np.abs(middle[:, :, 2]).max(axis=1) / 2
    scale, cos, sin = np.exp(log_scale), np.cos(angle), np.sin(angle)
    similar = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2) * scale[:, None, None]
    linear = (middle / isotropic_gains(shape))[:, :, :2]
    bent = np.abs(np.linalg.inv(similar) @ linear - np.eye(2)).max(axis=(1, 2))
    matrices = square(theta)
    bent = np.maximum(bent, np.abs(matrices[:, 2, :2] / matrices[:, 2, 2:]).max(axis=1))
    shift, bent = (ROOM * np.quantile(each, 1 - OUTERMOST) for each in (shift, bent))
    return Spans(
        (float(low / ROOM), float(high * ROOM)), float(shift), max(float(bent), LEAST_PERSPECTIVE)
    )


def shared_stretch(theta: Array, shape: tuple[int, int]) -> float:
    """How many times as wide for their height as photos of `shape` known frames are, typically.

    1 where it is near 1: then what is left is what the poses differ by.
    """
    linear = middles(theta)[:, :, :2] / isotropic_gains(shape)[:, :2]
    width, height = np.hypot(linear[:, 0], linear[:, 1]).T
    ratio = float(np.exp(np.median(np.log(width / height))))
    return ratio if max(ratio, 1 / ratio) > SHARED_STRETCH else 1.0


def _applied(matrices: Array, points: Array) -> Array:
    """Affine matrices (n, 2, 3) on points (n, m, 2)."""
    return points @ matrices[:, :, :2].swapaxes(1, 2) + matrices[:, None, :, 2]


def _unbent(points: Array, bends: Array) -> Array:
    """The points q, (n, m, 2), with q + spline(q) = points, of splines by their bends."""
    found = points.copy()
    side = points_a_side(bends)
    for _ in range(INVERSIONS):
        for i in range(len(points)):
            found[i] = points[i] - spline_values(found[i], side) @ bends[i]
    return found
