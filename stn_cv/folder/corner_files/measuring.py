"""The sizes of photos that a file of corners speaks of, from the photos themselves."""

from dataclasses import replace

from ...errors import InvalidInputError
from ...opencv import LARGEST_PICTURE, header_of
from ..files import read_photo_file
from .row import KnownCorners, letterbox_theta

__all__ = ["measured"]

TRANSPOSED = 5  # the first EXIF orientation that swaps a photo's sides


def measured(row: KnownCorners) -> KnownCorners:
    """A row with the size of its upright photo.

    Raises
    ------
    InvalidInputError
        If the photo cannot be read, has another size than the file says, or the corners are no
        frame of it.
    """
    try:
        header = header_of(read_photo_file(row.path, LARGEST_PICTURE))
    except (InvalidInputError, OSError) as error:
        raise InvalidInputError(f"{row.place}: {row.path!r}: {error}") from error
    width, height = header.width, header.height
    if header.orientation >= TRANSPOSED:
        width, height = height, width
    if row.corners is not None:
        letterbox_theta(row, (height, width), (height, width), "projective")
    return replace(row, size=(width, height))
