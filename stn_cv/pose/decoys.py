"""Wrong poses that a first look holds likely, for a correcting look to learn from."""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..families import FAMILIES
from ..nn.layout import activations_of
from ..nn.network import Network
from .algebra import similarity_parts
from .encodings import Encoding, Frames

__all__ = ["Decoys"]


@dataclass(frozen=True)
class Decoys:
    """Finds them by a first look that is trained.

    A correcting look that knows of far poses of any turn alone is asked later to choose between
    those that the first look takes for one another, which lie half or a quarter of a turn apart.

    Parameters
    ----------
    network : Network
        Of the first look.
    encoding : Encoding
        What its outputs mean.
    frames : Frames
        The family, and the pictures it is between.
    symmetry : int
        How many turns of a thing show the same.
    candidates : int
        How many of the poses that are held likely are looked through.
    """

    network: Network
    encoding: Encoding
    frames: Frames
    symmetry: int
    candidates: int

    def found(
        self, rng: np.random.Generator, canvases: Array, theta: Array, least: float
    ) -> tuple[Array, Array]:
        """Of each canvas (n, h, w, c) one wrong pose, (n, 2, 3) or (n, 3, 3), and if it has one.

        Wrong is a pose whose turn is off by more than `least` degrees from that of `theta`.
        """
        outputs, _ = self.network.forward(activations_of(canvases))
        family, source = FAMILIES[self.frames.family], self.frames.source
        likely = self.encoding.candidates(outputs, self.candidates)
        poses = np.stack([family.theta(parameters, source)[0] for parameters in likely])
        turns = np.stack([similarity_parts(pose, source)[1] for pose in poses])
        off = self.symmetry * (turns - similarity_parts(theta, source)[1])
        off = np.abs(np.angle(np.exp(1j * off))) / self.symmetry
        wrong = off > np.deg2rad(least)
        chosen = (rng.random(wrong.shape) * wrong).argmax(axis=0)
        return poses[chosen, np.arange(len(canvases))], wrong.any(axis=0)
