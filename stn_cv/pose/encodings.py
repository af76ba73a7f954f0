"""What a look's outputs (p, n) mean: parameters of a family, and a loss against true poses.

A direct regression of an angle stays at chance beyond about 60 degrees, since near half a turn
two targets far apart belong to alike pictures. So a first look gives the angle as that of a
vector, or, for wider ranges, as one of many bins; later looks correct what is left.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..arrays import Array
from ..families import FAMILIES
from ..nn.loss import softmax
from .algebra import middles, similarity_parts
from .corner_loss import corner_loss

__all__ = ["AngleBins", "Correction", "Encoding", "Frames", "Regression", "TURNING"]

Backward = Callable[[Array], Array]
TURNING = ("similarity", "affine", "projective")  # families that hold turns by any angle
ROUNDNESS = 0.02  # weight by which a vector that tells an angle is kept at length 1
LARGEST_LOG_SCALE = 2.0  # that a first look may say of families without a bound of their own
WIDTH_OF_TARGET = 0.7  # bins: deviation of the von Mises targets
WEIGHT_OF_CORNERS = 2.0  # of scale and shift, beside the cross-entropy of the angle
WEIGHT_OF_NEARNESS = 0.2  # of the logit that tells near from far, beside the corner loss


@dataclass(frozen=True)
class Frames:
    """A family between pictures: (height, width) of what a look sees, and of the output."""

    family: str
    source: tuple[int, int]
    output: tuple[int, int]

    @property
    def n_parameters(self) -> int:
        """How many numbers the family has."""
        return FAMILIES[self.family].n_parameters

    def loss(self, parameters: Array, target: Array) -> tuple[Array, Array]:
        """The corner loss of parameters (n, p), and its gradient by them."""
        theta, backward = FAMILIES[self.family].theta(parameters, self.source)
        losses, dtheta = corner_loss(theta, target, self.output)
        return losses, backward(dtheta)


class Encoding(Protocol):
    """A look's outputs: how many, what parameters they say, and what they cost."""

    @property
    def n_outputs(self) -> int:
        """Numbers that the look's network gives for an image."""

    def parameters(self, Y: Array) -> tuple[Array, Backward]:
        """The family's parameters (n, p), float64, and the backward to Y."""

    def candidates(self, Y: Array, count: int) -> list[Array]:
        """Parameters (n, p) that are likely, best first; one of a regression."""

    def loss(self, Y: Array, target: Array) -> tuple[Array, Array]:
        """Loss of each image (n,) against the true theta, and its gradient by Y."""

    def sureness(self, Y: Array) -> Array:
        """A number for each image (n,) that is higher where the parameters are more certain."""


@dataclass(frozen=True)
class Regression:
    """The family's own parameters; a similarity's angle as that of the vector (1 + u, v)."""

    frames: Frames

    @property
    def n_outputs(self) -> int:
        """One more than parameters where an angle is a vector."""
        return self.frames.n_parameters + (self.frames.family == "similarity")

    def parameters(self, Y: Array) -> tuple[Array, Backward]:
        """As `Encoding.parameters`."""
        Y = Y.astype(np.float64)
        if self.frames.family != "similarity":
            return Y.T, lambda dP: dP.T
        u, v = 1 + Y[0], Y[1]
        square = u * u + v * v + 1e-6

        def backward(dP: Array) -> Array:
            dangle = dP[:, 1] / square
            return np.stack([-dangle * v, dangle * u, dP[:, 0], dP[:, 2], dP[:, 3]])

        return np.stack([Y[2], np.arctan2(v, u), Y[3], Y[4]], axis=1), backward

    def candidates(self, Y: Array, count: int) -> list[Array]:
        """As `Encoding.candidates`."""
        return [self.parameters(Y)[0]]

    def sureness(self, Y: Array) -> Array:
        """As `Encoding.sureness`: a similarity's vector is longer; of others nothing is known."""
        if self.frames.family != "similarity":
            return np.zeros(Y.shape[1])
        return np.hypot(1 + Y[0].astype(np.float64), Y[1].astype(np.float64))

    def loss(self, Y: Array, target: Array) -> tuple[Array, Array]:
        """As `Encoding.loss`: the corner loss."""
        P, backward = self.parameters(Y)
        losses, dP = self.frames.loss(P, target)
        dY = backward(dP)
        if self.frames.family == "similarity":
            u, v = 1 + Y[0].astype(np.float64), Y[1].astype(np.float64)
            length = np.sqrt(u * u + v * v + 1e-6)
            losses = losses + ROUNDNESS / 2 * (length - 1) ** 2
            dY[:2] += ROUNDNESS * (length - 1) / length * np.stack([u, v])
        return losses, dY


@dataclass(frozen=True)
class AngleBins:
    """A probability for each of `bins` angles, then log scale and shift (x, y).

    The angles share out a whole turn, or one `symmetry`-th of it where a thing turned by
    that looks the same.
    """

    frames: Frames
    bins: int
    symmetry: int

    @property
    def n_outputs(self) -> int:
        """A logit a bin, and three numbers."""
        return self.bins + 3

    @property
    def centres(self) -> Array:
        """Angles of the bins, radians, times `symmetry`."""
        return (np.arange(self.bins) - self.bins // 2) * (2 * math.pi / self.bins)

    def parameters(self, Y: Array) -> tuple[Array, Backward]:
        """As `Encoding.parameters`, of the best bin; the angle has no gradient."""
        P = self.candidates(Y, 1)[0]

        def backward(dP: Array) -> Array:
            dY = np.zeros(Y.shape)
            if self.frames.family == "similarity":
                dY[self.bins :] = dP[:, [0, 2, 3]].T
                return dY
            linear = P[:, [0, 1, 3, 4]] + [1, 0, 0, 1]  # its own derivative by the log scale
            dY[self.bins] = (dP[:, [0, 1, 3, 4]] * linear).sum(axis=1)
            dY[self.bins + 1 :] = dP[:, [2, 5]].T
            return dY

        return P, backward

    def candidates(self, Y: Array, count: int) -> list[Array]:
        """Parameters (n, p) by the `count` best angles that are no neighbours, best first."""
        Y = Y.astype(np.float64)
        probability = softmax(Y[: self.bins])
        around = np.roll(probability, 1, axis=0) + np.roll(probability, -1, axis=0)
        left, columns, found = probability + around / 2, np.arange(Y.shape[1]), []
        for _ in range(count):
            best = left.argmax(axis=0)
            three = [(best + step) % self.bins for step in (-1, 0, 1)]
            vector = sum(probability[i, columns] * np.exp(1j * self.centres[i]) for i in three)
            found.append(self._embedded(np.angle(vector) / self.symmetry, Y[self.bins :]))
            for step in (-2, -1, 0, 1, 2):
                left[(best + step) % self.bins, columns] = -1
        return found

    def sureness(self, Y: Array) -> Array:
        """As `Encoding.sureness`: the log of the best bin's probability."""
        return np.log(softmax(Y[: self.bins].astype(np.float64)).max(axis=0))

    def _embedded(self, angle: Array, rest: Array) -> Array:
        """A similarity's (log scale, angle, shift) as the family's parameters."""
        if self.frames.family == "similarity":
            return np.stack([rest[0], angle, rest[1], rest[2]], axis=1)
        scale = np.exp(np.clip(rest[0], -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE))
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        P = np.zeros((len(angle), self.frames.n_parameters))
        P[:, :6] = np.stack([cos - 1, -sin, rest[1], sin, cos - 1, rest[2]], axis=1)
        return P

    def loss(self, Y: Array, target: Array) -> tuple[Array, Array]:
        """As `Encoding.loss`: cross-entropy, and the corner loss of the rest at the true angle."""
        Y = Y.astype(np.float64)
        logits, rest = Y[: self.bins], Y[self.bins :]
        _, angle, _ = similarity_parts(target, self.frames.source)
        wanted = self._targets(angle)
        probability = softmax(logits)
        losses = -(wanted * np.log(probability + 1e-12)).sum(axis=0)
        similar = Frames("similarity", self.frames.source, self.frames.output)
        P = np.stack([rest[0], angle, rest[1], rest[2]], axis=1)
        corners, dP = similar.loss(P, middles(target))
        dY = np.concatenate([probability - wanted, WEIGHT_OF_CORNERS * dP[:, [0, 2, 3]].T])
        return losses + WEIGHT_OF_CORNERS * corners, dY

    def _targets(self, angle: Array) -> Array:
        """Probabilities wanted of the bins, (bins, n): von Mises around the true angle."""
        sharpness = (self.bins / (2 * math.pi) / WIDTH_OF_TARGET) ** 2
        off = self.symmetry * angle - self.centres[:, None]
        wanted = np.exp(sharpness * (np.cos(off) - 1))
        return np.asarray(wanted / wanted.sum(axis=0))


@dataclass(frozen=True)
class Correction:
    """What is left, by the family's own parameters, and a logit of whether it is near.

    A target of NaN is a picture too far off to be corrected.
    """

    frames: Frames

    @property
    def n_outputs(self) -> int:
        """The family's parameters and the logit."""
        return self.frames.n_parameters + 1

    def parameters(self, Y: Array) -> tuple[Array, Backward]:
        """As `Encoding.parameters`."""

        def backward(dP: Array) -> Array:
            return np.concatenate([dP.T, np.zeros((1, Y.shape[1]))])

        return Y[:-1].T.astype(np.float64), backward

    def candidates(self, Y: Array, count: int) -> list[Array]:
        """As `Encoding.candidates`."""
        return [self.parameters(Y)[0]]

    def sureness(self, Y: Array) -> Array:
        """As `Encoding.sureness`: the logit."""
        return Y[-1].astype(np.float64)

    def loss(self, Y: Array, target: Array) -> tuple[Array, Array]:
        """As `Encoding.loss`: the corner loss of what is near, and of all the logit's."""
        near = np.isfinite(target).all(axis=(1, 2))
        Y = Y.astype(np.float64)
        dY, losses = np.zeros(Y.shape), np.zeros(Y.shape[1])
        losses[near], dP = self.frames.loss(Y[:-1, near].T, target[near])
        dY[:-1, near] = dP.T
        logit = Y[-1]
        losses += WEIGHT_OF_NEARNESS * np.logaddexp(0, np.where(near, -logit, logit))
        dY[-1] = WEIGHT_OF_NEARNESS * (1 / (1 + np.exp(-logit)) - near)
        return losses, dY
