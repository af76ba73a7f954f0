"""A photo and a model: the small copy it is found on, and the warp of the photo itself."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, white_of
from ..errors import InvalidInputError, InvalidTypeError, one_of
from ..families import FAMILIES, Family
from ..geometry import check_shape
from ..geometry.letterbox import (
    Shape,
    letterbox_sides,
    letterbox_theta_from_corners,
    native_shape,
    shrinkage,
    theta_of_photo,
)
from ..nn.network import Network
from ..nn.spatial import Transform
from ..opencv import LARGEST_PICTURE, grey, resize_area
from ..pose.transform import PoseTransform
from ..sampling import MODES, WarpRules, warp_affine
from .image_spec import ImageSpec
from .transparent import shrunk_transparent, warp_transparent

__all__ = ["Found", "find", "rectified", "rules_of", "small_copy", "warped", "warped_mask"]

KINDS = ("uint8", "uint16", "float32")
LARGEST_FLOAT = 2.0  # beyond it 1 cannot have been meant as white
COARSE = 1.5  # source pixels a side under an output pixel, from which they are averaged first


class PhotoRectifier(Protocol):
    """What a `Rectifier` is asked for a photo; it stands above this file, which it uses."""

    network: Network
    image_spec: ImageSpec
    classes: Array | None
    n_jobs: int | None

    @property
    def transform(self) -> Transform: ...
    @property
    def family(self) -> Family: ...
    @property
    def output_shape(self) -> Shape: ...
    def theta(self, images: Array) -> Array: ...
    def find(self, images: Array) -> tuple[Array, Array]: ...
    def find_pose(self, images: Array) -> tuple[Array, Any]: ...
    def predict_proba(self, images: Array) -> Array: ...
    def rectify(
        self, images: Array, output_shape: Shape | None = None, theta: Array | None = None
    ) -> Array: ...


@dataclass(frozen=True)
class Found:
    """What a model says of a photo: theta on the letterbox, label and confidence.

    The confidence is the label's, or of a model that learned poses the pose's.
    """

    theta: Array
    label: Any = None
    confidence: float | None = None


def find(rectifier: PhotoRectifier, pixels: Array, classify: bool = True) -> Found:
    """Look at a photo's small copy; the head is asked only where it has one and is wanted to."""
    small = small_copy(pixels, rectifier.image_spec, rectifier.transform.fill_value)
    classes = rectifier.classes if classify else None
    if isinstance(rectifier.transform, PoseTransform):
        theta, confidence = rectifier.find_pose(small)
        label = None
        if classes is not None:
            label = classes.tolist()[int(np.argmax(rectifier.predict_proba(small)))]
        return Found(theta, label, None if np.isnan(confidence) else confidence)
    if classes is None:
        return Found(rectifier.theta(small))
    theta, probabilities = rectifier.find(small)
    best = int(np.argmax(probabilities))
    return Found(theta, classes.tolist()[best], float(probabilities[best]))


def rules_of(rectifier: PhotoRectifier, white: float, interpolation: str) -> WarpRules:
    """What a model's warps are told, of images of which so much is white.

    Raises
    ------
    InvalidInputError
        If there is no such interpolation.
    """
    if interpolation not in MODES:
        raise InvalidInputError(
            f"interpolation is {interpolation!r}; wanted {one_of(interpolation, MODES)}."
        )
    rules = rectifier.transform.rules
    means = rules.antialias and interpolation != "nearest"
    return WarpRules(rules.padding_mode, rules.fill_value * white, means, interpolation)


def rectified(
    rectifier: PhotoRectifier,
    photo: Array,
    size: str | Shape,
    corners: ArrayLike | None,
    interpolation: str,
) -> Array:
    """What `Rectifier.rectify_photo` gives."""
    kinds = ", ".join(KINDS)
    if not isinstance(photo, np.ndarray) or photo.dtype.name not in KINDS:
        came = photo.dtype if isinstance(photo, np.ndarray) else type(photo).__name__
        raise InvalidTypeError(f"the photo is {came}; wanted an array of {kinds}.")
    if photo.ndim not in (2, 3) or photo.shape[2:] not in ((), (3,), (4,)) or 0 in photo.shape:
        raise InvalidInputError(
            f"the photo has shape {photo.shape}; wanted (h, w), (h, w, 3) or (h, w, 4)."
        )
    if size not in ("native", "input"):
        if isinstance(size, str):
            raise InvalidInputError(
                f"size is {size!r}; wanted 'native', 'input' or (height, width)."
            )
        size = check_shape("size", size)
    if corners is None:
        theta = find(rectifier, photo, classify=False).theta
    else:
        spec = rectifier.image_spec
        theta = letterbox_theta_from_corners(corners, photo.shape, (spec.height, spec.width))
    return warped(rectifier, photo, theta, size, LARGEST_PICTURE, interpolation)[0]


def small_copy(pixels: Array, spec: ImageSpec, fill: float = 0.0) -> Array:
    """A photo in the middle of a letterbox of a model's proportions, size, channels and range.

    Parameters
    ----------
    pixels : ndarray of shape (h, w) or (h, w, 3) or (h, w, 4)
        uint8, uint16 or float32 with 1 as white; transparency shows `fill`.
    spec : ImageSpec
        What the model was fitted on.
    fill : float, default 0.0
        Shade around the photo, from 0 to 1.

    Returns
    -------
    ndarray of shape (height, width, channels)
        As `spec` says; averaged by area, never squashed.
    """
    _check_values(pixels)
    inside = min(spec.height / pixels.shape[0], spec.width / pixels.shape[1])
    shape = tuple(max(round(side * inside), 1) for side in pixels.shape[:2])
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        small = shrunk_transparent(pixels, (shape[0], shape[1]))
        small = small[..., :3] + fill * (1 - small[..., 3:])
    else:
        small = resize_area(pixels[None], shape)[0]
    maximum = white_of(small.dtype)
    small = _with_channels(small, spec.channels)
    x, y = letterbox_sides(pixels.shape, (spec.height, spec.width))
    small = warp_affine(
        small, [[x, 0, 0], [0, y, 0]], (spec.height, spec.width), fill_value=fill * maximum
    )
    return _in_range(small, maximum, spec)


def _check_values(pixels: Array) -> None:
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (-LARGEST_FLOAT <= low and high <= LARGEST_FLOAT):
            raise InvalidInputError(
                f"its floats run from {low:g} to {high:g}; wanted finite numbers with black at 0 "
                "and white at 1."
            )


def _with_channels(pixels: Array, channels: int) -> Array:
    """Grey or colour, as a model wants it."""
    if channels == 1:
        return (pixels if pixels.ndim == 2 else grey(pixels))[..., None]
    return np.repeat(pixels[..., None], channels, axis=2) if pixels.ndim == 2 else pixels


def _in_range(pixels: Array, maximum: float, spec: ImageSpec) -> Array:
    if pixels.dtype.name == spec.range:
        return pixels
    shares = np.clip(pixels / np.float32(maximum), 0, 1)
    if spec.range == "float":
        return shares
    return np.rint(shares * np.float32(spec.maximum)).astype(spec.range)


def warped(
    rectifier: PhotoRectifier,
    pixels: Array,
    theta: Array,
    size: str | Shape,
    max_pixels: int,
    interpolation: str = "bilinear",
) -> tuple[Array, Array]:
    """A photo warped at its own resolution, and the theta of the photo it was warped by.

    Parameters
    ----------
    rectifier : Rectifier
        Whose rule for what lies outside is used; a transparent photo is transparent there.
    pixels : ndarray of shape (h, w), (h, w, 3) or (h, w, 4)
        The photo.
    theta : ndarray
        As `Rectifier.theta` gave it, or (3, 3) of a known frame: output to source, normalized on
        the photo's letterbox.
    size : {"native", "input"} or tuple
        See `stn_cv.rectify_folder`.
    max_pixels : int
        Bound of a native size.
    interpolation : {"bilinear", "nearest", "bicubic"}, default "bilinear"
        As the `mode` of `warp_affine`.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.
    """
    spec = rectifier.image_spec
    proportions = (spec.height, spec.width)
    if size == "native":
        theta = theta_of_photo(theta, pixels.shape, proportions)
        output = native_shape(theta, pixels.shape, rectifier.output_shape, max_pixels)
    else:
        output = (pixels.shape[0], pixels.shape[1]) if isinstance(size, str) else size
        theta = theta_of_photo(theta, pixels.shape, proportions, output)
    rules = rules_of(rectifier, white_of(pixels.dtype), interpolation)
    coarse = shrinkage(theta, pixels.shape, output)
    is_coarse = coarse >= COARSE and interpolation != "nearest"
    transparent = pixels.ndim == 3 and pixels.shape[2] == 4
    if is_coarse:  # theta is normalized, so it fits the smaller photo as well
        height, width = (max(round(side / coarse), 1) for side in pixels.shape[:2])
        if transparent:
            pixels = shrunk_transparent(pixels, (height, width), pixels.dtype)
        else:
            pixels = resize_area(pixels[None], (height, width))[0]
    if transparent:
        return warp_transparent(family_of(rectifier, theta), pixels, theta, output, rules), theta
    return family_of(rectifier, theta).apply(pixels, theta, output, rules), theta


def warped_mask(rectifier: PhotoRectifier, mask: Array, theta: Array, output: Shape) -> Array:
    """The mask of a photo, warped by the photo's theta: no label is blended with another.

    The mask, (h, w) or (h, w, c), is as large as the photo; 0 stands outside, or what the model's
    `padding_mode` makes of those at the edge.
    """
    rules = rules_of(rectifier, 0.0, "nearest")
    return family_of(rectifier, theta).apply(mask, theta, output, rules)


def family_of(rectifier: PhotoRectifier, theta: Array) -> Family:
    """What warps by a theta: of corners, for instance, it is a homography, whatever the model's."""
    return FAMILIES["projective"] if theta.shape == (3, 3) else rectifier.family
