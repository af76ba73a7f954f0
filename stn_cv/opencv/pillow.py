"""Pillow, for what OpenCV does not read, and for damage that OpenCV passes over."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .format import Damaged

__all__ = ["pillow_image"]


@contextmanager
def pillow_image(data: bytes, library: str) -> Iterator[Any]:
    """The picture that Pillow decodes by a library.

    Raises
    ------
    Damaged
        If it refuses the file, with the library's name and its reason.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            yield image
    except (OSError, ValueError, SyntaxError, Warning) as error:  # warnings may be errors
        raise Damaged(f"{library}: {error}") from error
