"""Pictures in four inks, as printers take them, brought to RGB."""

import io
from typing import Any

import numpy as np

from ..arrays import Array
from .format import Damaged

__all__ = ["rgb_of"]


def rgb_of(image: Any, profile: bytes | None, keep_damaged: bool) -> Array:
    """A CMYK image of Pillow's as sRGB: by its profile, or where it has none as viewers do.

    Raises
    ------
    Damaged
        If its profile cannot be used, unless what is damaged is kept.
    """
    from PIL import ImageCms

    if profile is not None:
        target = ImageCms.createProfile("sRGB")
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            if not keep_damaged:
                raise Damaged(f"its colour profile cannot be used: {error}") from error
    return np.asarray(image.convert("RGB"))
