"""Masks: images whose values are labels, not shades; a palette is kept beside them."""

import io
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .codec import LARGEST_PICTURE, decode_photo, header_of
from .encoder import encode
from .png import has_palette
from .turn import upright

__all__ = ["Mask", "encode_mask", "read_mask"]


class Mask(NamedTuple):
    """Values (h, w) or (h, w, c), upright, and the colours by which a palette shows them."""

    values: Array
    palette: bytes | None = None


def read_mask(data: bytes, max_pixels: int = LARGEST_PICTURE) -> Mask:
    """The values of a mask; of a PNG with a palette its numbers, not its colours.

    Raises
    ------
    InvalidInputError
        As `decode_photo`.
    """
    if not has_palette(data):
        return Mask(decode_photo(data, max_pixels).pixels)
    decode_photo(data, max_pixels)  # which refuses what is damaged or too large
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        numbers, colours = np.asarray(image), image.getpalette("RGB")
    if numbers.ndim != 2 or colours is None:
        raise InvalidInputError("its palette cannot be read; write it anew as grey PNG.")
    return Mask(upright(numbers, header_of(data).orientation), bytes(colours))


def encode_mask(mask: Mask) -> bytes:
    """A PNG that keeps every value."""
    if mask.palette is None:
        return encode(mask.values, ".png")
    from PIL import Image

    image = Image.fromarray(mask.values)
    image.putpalette(mask.palette)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
