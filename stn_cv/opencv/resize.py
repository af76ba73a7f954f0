"""Resizing by area."""

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from .door import load_cv2

RESIZABLE = ("uint8", "uint16", "float32", "float64")


def resize_area(images: Array, shape: tuple[int, int]) -> Array:
    """Resize images, each shrunk axis antialiased by area, each enlarged one linearly.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
        uint8, uint16, float32 or float64.
    shape : tuple
        (height, width) wanted.

    Returns
    -------
    ndarray of shape (n, height, width[, c])
        New, of the images' dtype. An image that shrinks to a quarter or less is halved first
        while it can be, for speed; integers are rounded each time.
    """
    if images.dtype.name not in RESIZABLE:
        raise InvalidTypeError(f"images are {images.dtype}; wanted one of {', '.join(RESIZABLE)}.")
    if images.ndim not in (3, 4) or 0 in images.shape[1:] or min(shape) < 1:
        raise InvalidInputError(
            f"images of shape {images.shape} cannot become {shape}; wanted (n, h, w[, c]) and a "
            "shape (height, width), with at least one pixel each."
        )
    cv2 = load_cv2()
    height, width = shape
    smaller = (min(width, images.shape[2]), min(height, images.shape[1]))
    out = np.empty((len(images), height, width, *images.shape[3:]), images.dtype.newbyteorder("="))
    for image, result in zip(images, out, strict=True):
        part = _halved(np.ascontiguousarray(image, out.dtype), smaller)
        if smaller != part.shape[1::-1]:
            part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)
        if smaller != (width, height):
            part = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
        result[...] = part.reshape(result.shape)
    return out


def _halved(image: Array, size: tuple[int, int]) -> Array:
    """Halve both sides while they are even and stay at least twice those of (width, height)."""
    cv2 = load_cv2()
    height, width = image.shape[:2]
    while not (height % 2 or width % 2) and height >= 4 * size[1] and width >= 4 * size[0]:
        height, width = height // 2, width // 2
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image


def grey(image: Array) -> Array:
    """Luma (h, w) of an RGB image (h, w, 3) of uint8, uint16 or float32."""
    cv2 = load_cv2()
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY))
