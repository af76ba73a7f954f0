"""What a pose transformer is given, validated: examples, their poses, background pictures."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, NonFiniteError
from ..geometry import check_any_theta, corners_from_theta
from ..geometry.corners import corner_faults
from ..model.image_spec import ImageSpec
from ..nn.layout import activations_of
from ..nn.shrink import Shrink
from ..pose.algebra import identities, middles, square
from ..pose.canvases import Examples
from ..pose.encodings import TURNING
from ..pose.looks import look_shape
from ..pose.transform import BINS_A_CANDIDATE
from ..threads import slices_of
from .images import read_images

__all__ = ["PoseData", "bins_of", "candidates_of", "check_ranges", "read_pose_data"]

FEWEST = 5
WIDEST_REGRESSION = 60.0  # degrees: beyond, a look regresses no angle
BINS = 36
CANDIDATES = 6


@dataclass(frozen=True)
class PoseData:
    """Examples at the size of what looks see, with values in [0, 1].

    `span` is what those values were divided by, in the network's units.
    """

    spec: ImageSpec
    examples: Examples
    background: Array
    upright: bool
    span: float
    dtype: Any

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of what looks see."""
        height, width = self.examples.images.shape[1:3]
        return height, width


def read_pose_data(estimator: Any, X: Any, y: Any) -> PoseData:
    """Find everything that can be wrong with what fit was given, before any training."""
    images, _ = read_images(estimator, X)
    values = images.values
    if len(values) < FEWEST:
        raise InvalidInputError(
            f"{len(values)} examples came (n_samples={len(values)}); wanted at least {FEWEST}."
        )
    if (values == values[:1]).all():
        raise InvalidInputError(
            f"all {len(values)} examples are alike, pixel by pixel; wanted different pictures."
        )
    spec = ImageSpec.of(values)
    theta = _theta(estimator, y, values)
    small = _small(values, spec)
    background = _background(estimator.background, spec, small)
    low, high = (0.0, 1.0) if spec.range != "float" else (float(small.min()), float(small.max()))
    with np.errstate(over="ignore"):
        span = high - low
    if not np.isfinite(span) or span > float(np.finfo(np.float32).max) / 4:
        raise InvalidInputError(
            f"X reaches from {low:g} to {high:g}, too far to be learned from; bring it to a range "
            "such as [0, 1]."
        )
    span = span or 1.0
    scaled, behind = (((v - low) / span).astype(np.float32) for v in (small, background))
    upright = bool((theta == identities(estimator.family, 1)).all())
    dtype = np.float64 if values.dtype == np.float64 else np.float32
    return PoseData(spec, Examples(scaled, theta), behind, upright, span, dtype)


def _theta(estimator: Any, y: Any, values: Array) -> Array:
    """The true poses; identities where y holds none, but labels."""
    n, family = len(values), estimator.family
    upright = identities(family, n)
    if y is None or np.asarray(y).ndim < 3:
        return upright
    theta = check_any_theta(y)
    if theta.shape == (n, 2, 3) and upright.shape[1:] == (3, 3):
        theta = square(theta)
    if theta.shape != upright.shape:
        raise InvalidInputError(
            f"y holds theta of shape {theta.shape}; for {n} images and the family {family!r} "
            f"wanted {upright.shape}, or None for pictures that are upright."
        )
    _check_frames(theta, values.shape[1:3])
    return theta


def _check_frames(theta: Array, shape: tuple[int, ...]) -> None:
    """Refuse what no upright picture looks like; a frame may reach beyond the photo."""
    away = (np.abs(middles(theta)[:, :, 2]) > 1).any(axis=1)
    if away.any():
        raise InvalidInputError(
            f"theta of example {away.argmax()} has its middle outside of the photo; wanted theta "
            "that maps the upright picture to where it lies in the photo."
        )
    corners = corners_from_theta(theta, shape)
    corners -= corners.min(axis=(1, 2), keepdims=True)
    room = np.ceil(corners.max(axis=(1, 2)))[:, None] * [1, 1] + 1
    for row, fault in corner_faults(corners, room):
        raise InvalidInputError(f"theta of example {row}: {fault}.")


def _small(values: Array, spec: ImageSpec) -> Array:
    """Images as the looks see them, float64, in the network's units."""
    shape = look_shape((spec.height, spec.width))
    shrink = Shrink(*shape)
    shrink.build((spec.channels, spec.height, spec.width))
    parts = [
        shrink.forward(activations_of(spec.network_input(values[part], np.float64)))[0]
        for part in slices_of(len(values))
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=3).transpose(3, 1, 2, 0))


def _background(background: Any, spec: ImageSpec, small: Array) -> Array:
    """Foreign pictures: the examples themselves, and those given, of any size."""
    if background is None:
        return small
    pictures = [np.asarray(picture) for picture in background]
    if not pictures:
        raise InvalidInputError("background holds no picture; give some, or None.")
    from ..opencv import resize_area

    found = [small]
    for number, picture in enumerate(pictures):
        images = picture[None] if picture.ndim == 3 else picture[None, ..., None]
        if images.ndim != 4 or 0 in images.shape:
            raise InvalidInputError(
                f"background[{number}] has shape {picture.shape}; wanted (h, w) or (h, w, c)."
            )
        came = ImageSpec.of(images)
        if (came.channels, came.range) != (spec.channels, spec.range):
            raise InvalidInputError(f"background[{number}] is {came}; the examples are {spec}.")
        if came.range == "float" and not np.isfinite(images).all():
            raise NonFiniteError(f"background[{number}] holds NaN or infinity.")
        images = resize_area(images, small.shape[1:3])
        found.append(came.network_input(images, np.float64))
    return np.concatenate(found)


def bins_of(estimator: Any) -> int:
    """Bins of angles of the first look, as asked for or as the range wants."""
    if estimator.bins != "auto":
        return int(estimator.bins)
    wide = estimator.angle > min(WIDEST_REGRESSION, 180 / estimator.symmetry)
    return BINS if wide and estimator.family in TURNING else 0


def candidates_of(estimator: Any) -> int:
    """Bins that are followed up, as asked for or as many as there are bins for."""
    bins = bins_of(estimator)
    if not bins or estimator.n_steps == 1 or estimator.family.startswith("tps"):
        return 1
    if estimator.candidates != "auto":
        return int(estimator.candidates)
    return max(min(CANDIDATES, bins // BINS_A_CANDIDATE), 1)


def check_ranges(estimator: Any) -> None:
    """Refuse ranges of poses that contradict one another, or the family."""
    angle, symmetry, family = estimator.angle, estimator.symmetry, estimator.family
    _check_scale(estimator.scale)
    turns = family in TURNING
    if symmetry > 1 and (not turns or angle == 0):
        why = f"the family {family!r} holds no turn" if not turns else "angle is 0"
        raise InvalidInputError(f"symmetry is {symmetry}, but {why}; give symmetry=1.")
    if symmetry > 1 and angle < 180 / symmetry:
        raise InvalidInputError(
            f"symmetry is {symmetry}, which speaks of turns by {360 / symmetry:g} degrees, but "
            f"within angle={angle:g} either way there are none; give symmetry=1, or an angle of "
            f"at least {180 / symmetry:g}."
        )
    bins = bins_of(estimator)
    if bins and (angle == 0 or not turns):
        why = "angle is 0" if turns else f"the family {family!r} holds no turn found by bins"
        raise InvalidInputError(f"bins is {bins}, but {why}; give bins=0 or 'auto'.")
    if turns and not bins and angle > WIDEST_REGRESSION:
        raise InvalidInputError(
            f"bins is 0 and angle {angle:g}: beyond {WIDEST_REGRESSION:g} degrees no angle is "
            "learned without bins; give bins='auto', or a smaller angle."
        )
    if family.startswith("tps") and angle > WIDEST_REGRESSION:
        raise InvalidInputError(
            f"angle is {angle:g}; the family {family!r} learns turns up to "
            f"{WIDEST_REGRESSION:g} degrees. Give a smaller angle, or another family."
        )


def _check_scale(scale: Any) -> None:
    if isinstance(scale, str):
        return
    try:
        low, high = (float(value) for value in scale)
    except (TypeError, ValueError):
        raise InvalidInputError(f"scale is {scale!r}; wanted (smallest, largest).") from None
    if not 0 < low <= high < np.inf:
        raise InvalidInputError(
            f"scale is {scale!r}; wanted (smallest, largest), above 0 and in this order."
        )
