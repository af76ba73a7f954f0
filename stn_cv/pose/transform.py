"""The layer that finds a pose by several looks, the first of them alone over any turn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from ..families import FAMILIES
from ..nn.dense import Dense
from ..nn.layer import Layer, Shape, check_positive, no_backward
from ..nn.layout import activations_of, images_of
from ..nn.network import Network, flat_gradient
from ..nn.shrink import Shrink
from ..nn.spatial import Transform
from ..sampling import WarpRules
from .algebra import identities
from .confidence import check_fitted, probabilities
from .corner_loss import ROUND, corner_loss
from .encodings import TURNING, AngleBins, Correction, Encoding, Frames, Regression

__all__ = ["BINS_A_CANDIDATE", "PoseTransform", "encoding_of"]

FEWEST_BINS, MOST_BINS = 8, 360
BINS_A_CANDIDATE = 5  # at least: itself and two to either side, which are no others


def encoding_of(frames: Frames, bins: int, symmetry: int) -> Encoding:
    """What a first look's outputs mean."""
    return AngleBins(frames, bins, symmetry) if bins else Regression(frames)


@dataclass
class PoseTransform(Transform):
    """Look at the input, find the pose of what it shows, and warp the input upright by it.

    The first look gives a rough pose, by bins of angles or by regression; a second network
    looks again, at the image as warped so far, and corrects what is left, as often as asked.
    Of several angles that the first look holds likely, each is corrected, and that is taken
    which the second network says is nearest.

    Parameters
    ----------
    looks : list of list of Layer
        The layers of the first look and, if `n_steps` is above 1, of the correcting one. The
        last dense layer of each is appended.
    family : str, default "similarity"
        A key of `stn_cv.families.FAMILIES`.
    output_shape : tuple or None, default None
        (height, width) of the output; None is the input's own.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside the input; a correcting look sees its border continued in any case.
    fill_value : float, default 0.0
        What stands there under "zeros".
    antialias : bool, default False
        Whether an output pixel is the mean over its area where the transform shrinks.
    n_steps : int, default 1
        Looks in all. Splines have one.
    bins : int, default 0
        Bins of angles of the first look; 0 is a regression, for turns up to about 60 degrees.
    symmetry : int, default 1
        How many turns of a thing, a whole turn among them, show the same.
    candidates : int, default 1
        How many of the bins are followed up.
    halving : bool, default False
        Whether after each correcting look the half that it is surer of goes on; else all do.
    look_shape : tuple or None, default None
        (height, width) to which the input is brought for the looks; None is the input's own.
    confidence : list of float
        What `stn_cv.pose.confidence` fitted; empty where nothing was.

    Examples
    --------
    >>> from stn_cv.nn import Dense, Flatten, ReLU
    >>> from stn_cv.pose import PoseTransform
    >>> PoseTransform([[Flatten(), Dense(32), ReLU()]], bins=36).bins
    36
    """

    looks: list[list[Layer]]
    family: str = "similarity"
    output_shape: tuple[int, int] | None = None
    padding_mode: str = "zeros"
    fill_value: float = 0.0
    antialias: bool = False
    n_steps: int = 1
    bins: int = 0
    symmetry: int = 1
    candidates: int = 1
    halving: bool = False
    look_shape: tuple[int, int] | None = None
    confidence: list[float] = field(default_factory=list)
    networks: list[Network] = field(init=False, repr=False, compare=False)

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        shape = self.check_sampling(input_shape)
        self._check_looks()
        self.frames = Frames(self.family, (input_shape[1], input_shape[2]), self.shape)
        seen = tuple(self.look_shape or input_shape[1:])
        self.shrink = Shrink(*seen)
        self.shrink.build(input_shape)
        seen_shape = (input_shape[0], *seen)
        self.networks = [
            Network([*layers, Dense(encoding.n_outputs, "zeros")], seen_shape)
            for layers, encoding in zip(self.looks, self.encodings, strict=True)
        ]
        return shape, [(network.n_parameters,) for network in self.networks]

    def _check_looks(self) -> None:
        check_positive(self, n_steps=self.n_steps, symmetry=self.symmetry)
        check_positive(self, candidates=self.candidates)
        wanted = 2 if self.n_steps > 1 else 1
        lists = isinstance(self.looks, (list, tuple))
        if not lists or not all(isinstance(layers, (list, tuple)) for layers in self.looks):
            raise InvalidTypeError(
                f"PoseTransform has looks={self.looks!r}; wanted lists of layers."
            )
        if len(self.looks) != wanted:
            raise InvalidInputError(
                f"PoseTransform has {len(self.looks)} looks; n_steps={self.n_steps} wants {wanted}."
            )
        if self.bins and self.family not in TURNING:
            raise InvalidInputError(
                f"bins is {self.bins}, but the family {self.family!r} does not turn; wanted 0, or "
                f"one of {', '.join(TURNING)}."
            )
        if self.bins and not FEWEST_BINS <= self.bins <= MOST_BINS:
            raise InvalidInputError(
                f"bins is {self.bins}; wanted 0, or {FEWEST_BINS} to {MOST_BINS}."
            )
        check_fitted(self.confidence)
        if (
            self.candidates > max(self.bins // BINS_A_CANDIDATE, 1)
            or self.candidates > 1 == self.n_steps
        ):
            raise InvalidInputError(
                f"candidates is {self.candidates}; wanted 1, or at most a fifth of {self.bins} "
                "bins and looks that correct them."
            )

    @property
    def encodings(self) -> list[Encoding]:
        """What the outputs of each network mean."""
        first = encoding_of(self.frames, self.bins, self.symmetry)
        return [first, Correction(self.frames)][: len(self.looks)]

    @property
    def localizations(self) -> list[list[Layer]]:
        return self.looks

    def initial(self, rng: np.random.Generator) -> list[Array]:
        return [network.initial(rng) for network in self.networks]

    def bind(self, parameters: Any) -> None:
        super().bind(parameters)
        for network, vector in zip(self.networks, self.parameters, strict=True):
            network.bind(vector)

    def decay_mask(self) -> list[Array]:
        return [network.decay_mask() for network in self.networks]

    def localization_mask(self) -> list[Array]:
        return [np.full(network.n_parameters, True) for network in self.networks]

    def has_convolution(self) -> bool:
        return any(network.has_convolution() for network in self.networks)

    def localize(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Callable[..., Any]]:
        X, shrink_backward = self.shrink.forward(X)
        outputs, look_backward = self.networks[0].forward(X, training, rng)
        first, decode_backward = self.encodings[0].parameters(outputs)
        if not training:
            return self._best(X, outputs)[0], no_backward
        if self.candidates > 1:
            first = self._best(X, outputs)[0][:, : self.frames.n_parameters]
        P, corrections = self._corrected(X, first, rng)

        def backward(dP: Array, want_dX: bool = True) -> Any:
            vectors = [np.zeros_like(network.vector) for network in self.networks]
            dX = np.zeros_like(X)
            for correction in reversed(corrections):
                dP, dseen, gradients = correction(dP, want_dX)
                vectors[1] += flat_gradient(gradients, np.empty_like(vectors[1]))
                dX = dX if dseen is None else dX + dseen
            dseen, gradients = look_backward(decode_backward(dP).astype(X.dtype), want_dX)
            flat_gradient(gradients, vectors[0])
            return (shrink_backward(dX + dseen)[0] if want_dX else None), vectors

        return P, backward

    def _corrected(
        self, X: Array, first: Array, rng: np.random.Generator | None
    ) -> tuple[Array, list[Callable[..., Any]]]:
        """All parameters after the correcting looks, and the backwards of these."""
        P, backwards = first.astype(X.dtype), []
        for _ in range(1, self.n_steps):
            P, _, backward = self._look_again(X, P, True, rng)
            backwards.append(backward)
        return P, backwards

    def _look_again(
        self, X: Array, P: Array, training: bool, rng: np.random.Generator | None
    ) -> tuple[Array, Array, Callable[..., Any]]:
        """Parameters with a correction more, the look's outputs, and the backward."""
        count, own_count = P.shape[1], self.frames.n_parameters
        shape = (X.shape[1], X.shape[2])
        family = self.composed_family(count // own_count)
        Z, warp_backward = family.warp(
            np.ascontiguousarray(images_of(X)), P, shape, WarpRules("border")
        )
        outputs, look_backward = self.networks[1].forward(activations_of(Z), training, rng)
        own, decode_backward = self.encodings[1].parameters(outputs)

        def backward(dP: Array, want_dX: bool) -> tuple[Array, Array | None, list[Array]]:
            dZ, gradients = look_backward(decode_backward(dP[:, count:]).astype(X.dtype), True)
            assert dZ is not None
            dimages, dbefore = warp_backward(images_of(dZ), want_dX)
            dX = None if dimages is None else activations_of(dimages)
            return dP[:, :count] + dbefore, dX, gradients

        return np.concatenate([P, own.astype(X.dtype)], axis=1), outputs, backward

    def _best(self, X: Array, outputs: Array) -> tuple[Array, Array]:
        """All parameters, and the last look's outputs, of each image's best candidate."""
        starts = self.encodings[0].candidates(outputs, self.candidates)
        poses = np.stack([start.astype(X.dtype) for start in starts])
        ends = np.zeros((len(poses), 1, X.shape[3]))
        for going_on in self.going_on():
            looked = [self._look_again(X, P, False, None)[:2] for P in poses]
            poses, ends = (np.stack(parts) for parts in zip(*looked, strict=True))
            surest = np.argsort(-ends[:, -1], axis=0, kind="stable")[:going_on, :, None]
            poses = np.take_along_axis(poses, surest, axis=0)
            ends = np.take_along_axis(ends, surest.swapaxes(1, 2), axis=0)
        return poses[0], ends[0]

    def going_on(self) -> list[int]:
        """How many candidates are left after each correcting look, of which the last takes one."""
        left = [self.candidates] * (self.n_steps - 1)
        if self.halving:
            left = [max(self.candidates // 2**look, 1) for look in range(1, self.n_steps)]
        return [*left[:-1], 1][: self.n_steps - 1]

    def poses(self, X: Array) -> tuple[Array, Array]:
        """Parameters (n, p) for activations X, and the confidence of each, (n,).

        The confidence is the probability, as calibrated, that the corner error is below 10 %;
        NaN where nothing was calibrated.
        """
        P, signs = self.signed_poses(X)
        return P, probabilities(signs, self.confidence)

    def signed_poses(self, X: Array) -> tuple[Array, Array]:
        """Parameters (n, p) for activations X, and the signs (n, 2) that tell a confidence."""
        X, _ = self.shrink.forward(X)
        outputs, _ = self.networks[0].forward(X)
        P, last = self._best(X, outputs)
        return np.ascontiguousarray(P), self._signs(outputs, last)

    def _signs(self, first: Array, last: Array) -> Array:
        """What a confidence is told by, (n, 2), from the first and the last look's outputs.

        The logit that the last look is near, and the log of how far it still moves corners;
        after a single look its sureness of the angle, if it has bins.
        """
        if self.n_steps == 1:
            sure = self.encodings[0].sureness(first)
            return np.stack([sure, np.zeros_like(sure)], axis=1)
        theta, _ = FAMILIES[self.family].theta(last[:-1].T.astype(np.float64), self.frames.source)
        moved, _ = corner_loss(theta, identities(self.family, len(theta)), self.shape)
        return np.stack([last[-1].astype(np.float64), np.log(moved + ROUND)], axis=1)
