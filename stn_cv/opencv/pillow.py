"""Pillow, for what OpenCV does not read, and for damage that OpenCV passes over."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .format import Damaged

__all__ = ["UnknownToPillow", "pillow_image"]


class UnknownToPillow(Damaged):
    """It is stored in a way that Pillow does not know."""


@contextmanager
def pillow_image(data: bytes, library: str) -> Iterator[Any]:
    """The picture that Pillow decodes by a library.

    Raises
    ------
    Damaged
        If it refuses the file, with the library's name and its reason; `UnknownToPillow` if it
        does not know it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            yield image
    except UnidentifiedImageError as error:
        raise UnknownToPillow(f"{library}: it is stored in a rare way") from error
    except (OSError, ValueError, SyntaxError, Warning) as error:  # warnings may be errors
        raise Damaged(f"{library}: {error}") from error
