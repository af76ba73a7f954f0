"""A fitted rectifier as a prompt and a notebook show it."""

import base64
import math
from html import escape
from typing import Any, Protocol

import numpy as np

from ..arrays import Array
from ..nn.spatial import Transform
from ..opencv import encode
from ..pictures import contact_sheet
from ..sampling import warp_affine
from .image_spec import ImageSpec

__all__ = ["html_of", "line_of"]

TURNS = (0, 20, -20, 45, -45)  # degrees
LETTER = ((0.2, 0.8, 0.3, 0.42), (0.2, 0.32, 0.3, 0.7), (0.45, 0.56, 0.3, 0.6))  # an F: t, b, l, r


class Shown(Protocol):
    """What a `Rectifier` is asked for; it stands above this file, which it uses."""

    image_spec: ImageSpec
    classes: Array | None

    @property
    def transform(self) -> Transform: ...
    @property
    def output_shape(self) -> tuple[int, int]: ...
    def theta(self, images: Array) -> Any: ...
    def rectify(self, images: Array, *, theta: Any) -> Array: ...


def line_of(rectifier: Shown) -> str:
    """What it is, in a line."""
    transform, (height, width) = rectifier.transform, rectifier.output_shape
    looks = f", {transform.n_steps} looks" if transform.n_steps > 1 else ""
    head = "no head" if rectifier.classes is None else f"{len(rectifier.classes)} classes"
    return (
        f"<Rectifier: {transform.family}{looks}; fitted on {rectifier.image_spec}; gives "
        f"{height}x{width} pixels; {head}>"
    )


def html_of(rectifier: Shown) -> str:
    """What it is, and what it does to a drawn letter in some poses."""
    images = _letters(rectifier.image_spec)
    theta = rectifier.theta(images)
    sheet = contact_sheet(images, theta, rectifier.rectify(images, theta=theta))
    data = base64.b64encode(encode(sheet, ".png")).decode()
    words = "A drawn F in five poses with the frame found in it, and what comes out"
    return (
        f"<div><code>{escape(line_of(rectifier))}</code><br>"
        f'<img alt="{words}" src="data:image/png;base64,{data}" style="max-width: 100%">'
        f"<br><small>{words}. No picture that it was fitted on is kept with it.</small></div>"
    )


def _letters(spec: ImageSpec) -> Array:
    """The letter, turned, as images (n, h, w, c) that fulfil a spec."""
    side = 4 * max(spec.height, spec.width)
    letter = np.zeros((side, side, 1), np.float32)
    for top, bottom, left, right in LETTER:
        rows, columns = (
            slice(round(a * side), round(b * side)) for a, b in ((top, bottom), (left, right))
        )
        letter[rows, columns] = 1
    theta = []
    for turn in TURNS:
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        aspect = np.array([spec.width, spec.height]) / min(spec.width, spec.height)
        theta.append(np.array([[cos, sin, 0], [-sin, cos, 0]]) * [*aspect, 1])
    many = np.repeat(letter[None], len(TURNS), axis=0)
    small = warp_affine(many, np.array(theta), (spec.height, spec.width), antialias=True)
    images = np.repeat(small, spec.channels, axis=3)
    if spec.range == "float":
        return images
    return np.rint(images * spec.maximum).astype(spec.range)
