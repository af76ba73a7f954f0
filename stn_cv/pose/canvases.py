"""Training pictures drawn from examples: each at a random pose, on something foreign.

An example that is merely turned gives its pose away by its black corners, and a network learns
those. So most canvases show a feathered disc of the example over a foreign picture, and the
others are continued past their border in one of two ways.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..geometry import source_points
from .algebra import after, inverses, square, warped
from .decoys import Decoys
from .ranges import BEYOND, PoseRange

__all__ = ["Canvases", "Examples"]

KINDS, SHARES = ("disc", "border", "reflection"), (0.6, 0.2, 0.2)
DISC, FEATHER = (0.85, 1.3), (0.05, 0.3)  # radius and soft edge, in half sides
ZOOM = (0.12, 0.4)  # what part of a foreign picture lies behind
FLAT = 0.3  # share of foreign pictures that are one colour
BLENDED, WEAKEST = 0.5, 0.2  # share of canvases that show two examples at once; the weaker's part
TONE, GAIN, NOISE = 0.6, 0.06, 0.2  # of values in [0, 1]; NOISE in the canvas' own deviations
LEAST_DEVIATION = 0.1
SHARED_NOISE = 8  # canvases' worth, from which all of a part take theirs
FAR = 0.3  # share of pictures for a correcting look that are too far off
TEMPTING = 0.7  # of them, as far as there are any: at poses that the first look holds likely
MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Examples:
    """Pictures whose poses are known.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c), float32
        Of values in [0, 1].
    theta : ndarray of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2)
        Upright to picture; the identity of a picture that is upright itself.
    """

    images: Array
    theta: Array

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: Array) -> "Examples":
        """Those at `index`."""
        return Examples(self.images[index], self.theta[index])

    def with_mirrored(self) -> "Examples":
        """These and what they would be in a mirror, whose upright picture is mirrored as well."""
        images = np.concatenate([self.images, self.images[:, :, ::-1]])
        theta = self.theta
        if theta.shape[-1] == 2:
            side = round(theta.shape[1] ** 0.5)
            lattice = theta.reshape(-1, side, side, 2)[:, :, ::-1]
            mirrored = lattice.reshape(theta.shape) * [-1, 1]
        else:
            mirrored = (MIRROR @ square(theta) @ MIRROR)[:, : theta.shape[1]]
        return Examples(images, np.concatenate([theta, mirrored]))


@dataclass(frozen=True)
class Canvases:
    """Draws canvases of a range of poses.

    Parameters
    ----------
    examples : Examples
        What is shown.
    background : ndarray of shape (m, h, w, c), float32
        Foreign pictures, of values in [0, 1].
    poses : PoseRange
        How it is shown.
    symmetry : int
        How many turns of an example, a whole turn among them, show the same.
    upright : bool
        Whether the examples' theta are identities: only then can two be blended.
    """

    examples: Examples
    background: Array
    poses: PoseRange
    symmetry: int
    upright: bool

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Canvases (n, h, w, c), float32, and theta, upright to canvas."""
        index = rng.integers(len(self.examples), size=n)
        warps, theta = self.poses.draw(rng, self.examples.theta[index])
        images = self._blended(rng, index)
        kinds = rng.choice(len(KINDS), n, p=SHARES)
        canvases = np.empty_like(images)
        for number, kind in enumerate(KINDS):
            some = np.flatnonzero(kinds == number)
            if len(some) and kind == "disc":
                canvases[some] = self._on_foreign(rng, images[some], warps[some], theta[some])
            elif len(some):
                canvases[some] = warped(images[some], warps[some], self.poses.shape, kind)
        return _as_photographed(rng, canvases), theta

    def draw_near(
        self, rng: np.random.Generator, n: int, near: PoseRange, decoys: Decoys | None = None
    ) -> tuple[Array, Array]:
        """Canvases as warped by poses nearly right, and theta of what is left; NaN if far off."""
        canvases, theta = self.draw(rng, n)
        far = rng.random(n) < FAR
        off = near.moves(rng, n)
        off[far] = near.far_moves(rng, n, self.poses.angle, self.symmetry)[far]
        tried = after(theta, off)
        some = np.flatnonzero(far & (rng.random(n) < TEMPTING))
        if decoys is not None and len(some):
            poses, wrong = decoys.found(rng, canvases[some], theta[some], BEYOND * near.angle)
            tried[some[wrong]] = poses[wrong]
        seen = warped(canvases, tried, self.poses.shape, "border")
        left = inverses(off)
        left[far] = np.nan
        return seen, left

    def _blended(self, rng: np.random.Generator, index: Array) -> Array:
        """The examples at `index`, some with another one shining through.

        So the network cannot learn by heart how askew each example lies.
        """
        images, n = self.examples.images[index], len(index)
        others = self.examples.images[rng.integers(len(self.examples), size=n)]
        share = np.where(rng.random(n) < BLENDED, rng.uniform(WEAKEST, 1 - WEAKEST, n), 1)
        if not self.upright:
            return images
        share = share.astype(np.float32)[:, None, None, None]
        return share * images + (1 - share) * others

    def _on_foreign(
        self, rng: np.random.Generator, images: Array, warps: Array, theta: Array
    ) -> Array:
        """A soft disc of each image on a part of a foreign picture."""
        n, shape = len(images), self.poses.shape
        canvases = warped(images, warps, shape, "border")
        zoom = replace(self.poses, family="similarity", angle=180.0, scale=ZOOM, shift=0.4)
        chosen = self.background[rng.integers(len(self.background), size=n)]
        behind = warped(chosen, zoom.moves(rng, n), shape, "reflection")
        flat = rng.random(n) < FLAT
        behind[flat] = _mean_colours(behind[flat])
        radius, feather = (
            rng.uniform(*span, (n, 1)).astype(np.float32) for span in (DISC, FEATHER)
        )
        places = np.abs(source_points(warps, _centres(shape))).astype(np.float32)
        thing = places  # where a canvas' pixels are in the picture, and in the upright one
        if not self.upright and theta.shape[-1] != 2:
            thing = source_points(inverses(theta), _centres(shape)).astype(np.float32)
        mask = np.clip((radius - np.hypot(thing[:, :, 0], thing[:, :, 1])) / feather + 0.5, 0, 1)
        outermost = np.maximum(places[:, :, 0], places[:, :, 1])
        mask *= np.clip((1.02 - outermost) / 0.04, 0, 1)
        mask = mask.reshape(n, *shape, 1)
        canvases -= behind
        canvases *= mask
        canvases += behind
        return canvases


def _centres(shape: tuple[int, int]) -> Array:
    """Pixel centres of a picture, row by row, (h * w, 2), normalized."""
    height, width = shape
    y, x = (2 * np.arange(height) + 1) / height - 1, (2 * np.arange(width) + 1) / width - 1
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _mean_colours(images: Array) -> Array:
    """The mean of each image and channel, (n, 1, 1, c)."""
    n, height, width, channels = images.shape
    pixels = images.reshape(n, height * width, channels)
    even = np.full(pixels.shape[1], 1 / pixels.shape[1], np.float32)
    return (even @ pixels)[:, None, None]


def _as_photographed(rng: np.random.Generator, images: Array) -> Array:
    """With a bent tone curve, colours and noise of their own; in place."""
    n, channels = len(images), images.shape[3]
    bent = rng.uniform(-TONE, TONE, n).astype(np.float32)
    gains = np.exp(rng.normal(0, GAIN, (n, channels)) * (channels > 1)).astype(np.float32)
    strengths = rng.uniform(0, NOISE, n)
    size = images[0].size
    noise = rng.standard_normal(SHARED_NOISE * size, np.float32)
    starts = rng.integers(len(noise) - size, size=n)
    for i, image in enumerate(images):
        image *= 1 + bent[i] - bent[i] * image
        image *= gains[i]
        flat = image.reshape(-1)
        deviation = np.sqrt(max(flat @ flat / size - (flat.sum() / size) ** 2, 0))
        strength = np.float32(strengths[i] * max(deviation, LEAST_DEVIATION))
        flat += strength * noise[starts[i] : starts[i] + size]
    return images
