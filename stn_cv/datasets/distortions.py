"""The distortions of MNIST in Jaderberg et al. 2015: R, RTS, P, E and TC.

Random numbers are keyed by (seed, epoch, number of the digit): each digit owns a stretch of
a counter-based stream, so any subset of the digits is distorted as it would be among all.
"""

import math
from dataclasses import dataclass, field
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError, one_of
from ..sampling import grid_sample, warp_affine
from ..threads import run_slices, slices_of
from .checks import as_dtype, check_range, checked
from .deformations import DIGIT, bent, digit_pixels, stretched
from .random_draws import DRAWS, between, key_of, uniform, window

__all__ = ["DigitDistortion"]

SIDES = {"R": 28, "RTS": 42, "P": 28, "E": 28, "TC": 60}
LARGEST_TURN = {"R": math.pi / 2, "RTS": math.pi / 4}
RTS_SCALES = (0.7, 1.2)
SCALES = (0.75, 1.0)
BEND = 1.5  # deviation of the points of E, in pixels
PIECES, PIECE = 6, 6  # of clutter, and the side of one in pixels
BENDING = 1  # what the key of a second stream of random numbers is for
PART = 64  # digits distorted at once


@dataclass(frozen=True, eq=False)
class DigitDistortion:
    """Distorts 28 x 28 digits at random, once or anew in each epoch.

    Parameters
    ----------
    kind : {"R", "RTS", "P", "E", "TC"}
        "R": turned by up to 90 degrees to either side. "RTS": turned by up to 45 degrees,
        scaled by 0.7 to 1.2, anywhere at random in 42 x 42. "P": scaled by 0.75 to 1, then
        the corners moved by a normal deviation of 5 pixels. "E": scaled by 0.75 to 1, then
        bent by a thin-plate spline, 4 x 4 points of which a normal deviation of 1.5 pixels
        moves. "TC": anywhere at random in 60 x 60, with six pieces of 6 x 6 pixels of other
        digits. All but the normal ones are uniform.
    clutter : array_like of shape (m, 28, 28) or None, default None
        For "TC": the digits that pieces are cut from, such as all training digits; uint8, or
        floats in [0, 1]. They are not copied. `draw` takes digit number i for the i-th of them,
        and cuts nothing from a digit to put it on the same one, if there is another.
    side : int or None, default None
        For "RTS" and "TC": another side of the canvas, in pixels, from 28.
    bend : float, default 0.0
        Before all else, bend the digit by a spline as "E" does, by this deviation in pixels.
        Not part of the paper's distortions: as `augment`, it makes a network learn from more
        shapes than there are digits.

    Attributes
    ----------
    output_shape : tuple
        (height, width) of distorted digits.

    Raises
    ------
    InvalidInputError
        If a parameter cannot be used.
    InvalidTypeError
        If `bend` is no number.

    Notes
    -----
    Source: Jaderberg et al. 2015, section 4.1 and appendix A.4.

    As `augment` of an estimator it draws anew in each epoch; X is then what `place` gives.
    ``early_stopping`` judges by X as it is, so by digits that are not distorted.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv.datasets import DigitDistortion
    >>> digits = np.zeros((100, 28, 28), np.uint8)
    >>> cluttered = DigitDistortion("TC", clutter=digits)
    >>> X = cluttered.draw(digits, random_state=0)
    >>> X.shape
    (100, 60, 60)
    >>> same = cluttered.draw(digits[[7, 3]], random_state=0, numbers=[7, 3])
    >>> bool((same == X[[7, 3]]).all())
    True
    """

    kind: str
    clutter: ArrayLike | None = field(default=None, repr=False)
    side: int | None = None
    bend: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in SIDES:
            raise InvalidInputError(f"kind is {self.kind!r}; wanted {one_of(self.kind, SIDES)}.")
        wide = self.side is None or (isinstance(self.side, Integral) and self.side >= DIGIT)
        if not wide or (self.side is not None and self.kind not in ("RTS", "TC")):
            raise InvalidInputError(
                f"side is {self.side} for {self.kind}; only RTS and TC have a canvas, of at "
                f"least {DIGIT} pixels."
            )
        if isinstance(self.bend, bool) or not isinstance(self.bend, Real):
            raise InvalidTypeError(f"bend is {self.bend!r}; wanted a number of pixels.")
        if not 0 <= self.bend < DIGIT:
            raise InvalidInputError(f"bend is {self.bend}; wanted pixels, from 0 to below {DIGIT}.")
        if (self.clutter is None) == (self.kind == "TC"):
            raise InvalidInputError(
                f"clutter is {'missing' if self.kind == 'TC' else 'given'}; TC needs digits to "
                "cut pieces from, the others have none."
            )
        if self.clutter is not None:
            clutter = checked("clutter", self.clutter)
            if not len(clutter):
                raise InvalidInputError("clutter holds no digit; give at least one.")
            object.__setattr__(self, "clutter", clutter)

    @property
    def output_shape(self) -> tuple[int, int]:
        """(height, width) of distorted digits."""
        side = self.side or SIDES[self.kind]
        return side, side

    def place(self, digits: ArrayLike) -> Array:
        """Digits as they are, in the middle of the canvas.

        Parameters
        ----------
        digits : array_like of shape (n, 28, 28)
            uint8, or floats in [0, 1].

        Returns
        -------
        ndarray of shape (n, *output_shape)
            Of the digits' dtype; what `augment` takes.

        Raises
        ------
        InvalidInputError
            If the digits have another shape, dtype or range.
        """
        digits = checked("digits", digits)
        canvas = np.zeros((len(digits), *self.output_shape), digits.dtype)
        canvas[:, self._middle, self._middle] = digits
        return canvas

    def draw(
        self,
        digits: ArrayLike,
        *,
        random_state: int = 0,
        epoch: int = 0,
        numbers: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> Array:
        """Distort digits.

        Parameters
        ----------
        digits : array_like of shape (n, 28, 28)
            uint8, or floats in [0, 1].
        random_state, epoch : int, default 0
            Seed, and which of the drawings under that seed.
        numbers : array_like of shape (n,) or None, default None
            The number of each digit, by which its distortion is drawn; None is 0 to n - 1.
        n_jobs : int or None, default None
            Threads; None is 1, -1 all cores. The result does not depend on it.

        Returns
        -------
        ndarray of shape (n, *output_shape)
            Of the digits' dtype.

        Raises
        ------
        InvalidInputError
            If the digits, their numbers or the seed cannot be used.
        InvalidTypeError
            If the seed or the epoch is no integer.
        """
        digits = checked("digits", digits)
        numbers = np.arange(len(digits)) if numbers is None else np.asarray(numbers)
        if numbers.shape != digits.shape[:1] or numbers.dtype.kind not in "iu":
            raise InvalidInputError(
                f"numbers are {numbers.shape} of {numbers.dtype}; wanted an integer for each of "
                f"{len(digits)} digits."
            )
        if not all(isinstance(seed, Integral) for seed in (random_state, epoch)):
            raise InvalidTypeError(
                f"random_state is {random_state!r} and epoch {epoch!r}; wanted integers."
            )
        if min(random_state, epoch, numbers.min(initial=0)) < 0:
            raise InvalidInputError("random_state, epoch and numbers must not be negative.")
        key, bending = key_of(random_state, epoch), key_of(random_state, epoch, BENDING)

        def run(part: slice) -> Array:
            shapes, own = digits[part], numbers[part]
            if self.bend:
                shapes = self._bent(shapes, uniform(bending, own))
            return self._distorted(shapes, uniform(key, own), own)

        parts = run_slices(run, slices_of(len(digits), PART), n_jobs)
        return np.concatenate([self.place(digits[:0]), *parts])

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        """Distort what `place` gave, as an estimator's `augment`.

        Parameters
        ----------
        images : ndarray of shape (n, height, width, 1)
            Digits in the middle of their canvas, floats in [0, 1]. Give digits as they are:
            of R, P and E, which fill the canvas, it cannot be told that they were drawn already.
        rng : numpy.random.Generator
            Where random numbers come from.

        Returns
        -------
        ndarray of shape (n, height, width, 1)
            Distorted, of the same dtype.

        Raises
        ------
        InvalidInputError
            If the images have another shape or range, or anything outside their middle.
        """
        if images.shape[1:] != (*self.output_shape, 1):
            raise InvalidInputError(
                f"images have shape {images.shape}; wanted (n, {self.output_shape[0]}, "
                f"{self.output_shape[1]}, 1), the digits as place() gives them."
            )
        digits = images[:, self._middle, self._middle, 0]
        check_range("images", digits)
        if np.count_nonzero(digits) != np.count_nonzero(images):
            raise InvalidInputError(
                "images hold more than a digit in the middle; give what place() gives, not "
                "what was drawn already."
            )
        if self.bend:
            digits = self._bent(digits, rng.random((len(digits), DRAWS)))
        return self._distorted(digits, rng.random((len(digits), DRAWS)), None)[..., None]

    @property
    def _middle(self) -> slice:
        margin = (self.output_shape[0] - DIGIT) // 2
        return slice(margin, margin + DIGIT)

    def _bent(self, digits: Array, draws: Array) -> Array:
        """Digits of more shapes than there are."""
        coordinates = bent(digit_pixels(), self.bend, draws[:, :32])
        return _sampled(digits, coordinates, np.ones(len(digits)))

    def _distorted(self, digits: Array, draws: Array, numbers: Array | None) -> Array:
        if self.kind == "TC":
            return self._cluttered(digits, draws, numbers)
        if self.kind in LARGEST_TURN:
            return warp_affine(np.ascontiguousarray(digits), self._thetas(draws), self.output_shape)
        pixels = digit_pixels()
        corners = self.kind == "P"
        moved = stretched(pixels, draws) if corners else bent(pixels, BEND, draws[:, 1:33])
        return _sampled(digits, moved, between(SCALES, draws[:, 0]))

    def _thetas(self, draws: Array) -> Array:
        """Turn and, for RTS, scale and shift; canvas to digit."""
        largest, side = LARGEST_TURN[self.kind], self.output_shape[0]
        angle, centre = between((-largest, largest), draws[:, 0]), np.zeros((len(draws), 2))
        scale = np.ones(len(draws))
        if self.kind == "RTS":
            scale = between(RTS_SCALES, draws[:, 1])
            centre = (draws[:, 2:4] - 0.5) * (side - DIGIT)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
        shift = -turn @ centre[:, :, None] / (DIGIT / 2)
        return np.concatenate([turn * (side / DIGIT), shift], axis=2)

    def _cluttered(self, digits: Array, draws: Array, numbers: Array | None) -> Array:
        """The digit anywhere at random, and over it pieces, the larger value of the two."""
        assert isinstance(self.clutter, np.ndarray)
        side, which = self.output_shape[0], np.arange(len(digits))[:, None, None]
        canvas = np.zeros((len(digits), side, side), digits.dtype)
        rows, columns = window(draws[:, :2], side, DIGIT)
        canvas[which, rows, columns] = digits
        pieces = draws[:, 2 : 2 + 5 * PIECES].reshape(-1, PIECES, 5)
        others = (pieces[:, :, 0] * len(self.clutter)).astype(np.int64)
        if numbers is not None:  # where it is the digit itself, the next one
            others = (others + (others == numbers[:, None])) % len(self.clutter)
        for k in range(PIECES):
            cut = window(pieces[:, k, 1:3], DIGIT, PIECE)
            piece = as_dtype(self.clutter[(others[:, k, None, None], *cut)], digits.dtype)
            window_of_piece = (which, *window(pieces[:, k, 3:5], side, PIECE))
            canvas[window_of_piece] = np.maximum(canvas[window_of_piece], piece)
        return canvas


def _sampled(digits: Array, coordinates: Array, scales: Array) -> Array:
    """Digits, scaled, at coordinates (n, 784, 2) in pixels from their middle."""
    grid = coordinates / (scales[:, None, None] * (DIGIT / 2))
    return grid_sample(np.ascontiguousarray(digits), grid.reshape(-1, DIGIT, DIGIT, 2))
