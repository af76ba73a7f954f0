"""Similarities as complex numbers: a place p of the upright picture is seen at z p + t.

Places are x + iy in half the shorter side of the picture, counted from its middle, so that a
turn is a turn on a picture of any aspect.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array

__all__ = ["Poses"]


@dataclass(frozen=True)
class Poses:
    """Similarities, output to source: scale and turn `z`, shift `t`, complex (n,) both."""

    z: Array
    t: Array

    @classmethod
    def identity(cls, n: int) -> "Poses":
        """Pictures as they are."""
        return cls(np.ones(n, complex), np.zeros(n, complex))

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, rows: Array | slice) -> "Poses":
        return Poses(self.z[rows], self.t[rows])

    def then(self, inner: "Poses") -> "Poses":
        """These of what `inner` shows: theta_self o theta_inner, `inner` nearest the output."""
        return Poses(self.z * inner.z, self.z * inner.t + self.t)

    def turned(self, angle: Array | float) -> "Poses":
        """The frame turned clockwise about its middle by so many radians more."""
        return Poses(self.z * np.exp(1j * np.asarray(angle)), self.t)

    def theta(self, input_shape: tuple[int, ...], square: bool = False) -> Array:
        """Normalized theta (n, 2, 3), float64.

        The output has the source's aspect, or is a square as wide as its shorter side.
        """
        height, width = input_shape[:2]
        short = min(height, width)
        across, down = (1.0, 1.0) if square else (width / short, height / short)
        theta = np.empty((len(self), 2, 3))
        theta[:, 0, 0], theta[:, 0, 1] = self.z.real * across, -self.z.imag * down
        theta[:, 1, 0], theta[:, 1, 1] = self.z.imag * across, self.z.real * down
        theta[:, 0, 2], theta[:, 1, 2] = self.t.real, self.t.imag
        theta[:, 0] *= short / width
        theta[:, 1] *= short / height
        return theta

    def inverse(self) -> "Poses":
        """Source to output."""
        return Poses(1 / self.z, -self.t / self.z)
