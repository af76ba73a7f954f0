"""DOTA: a text file for each photo, of its name, with a line x1 y1 ... x4 y4 class difficult.

Xia et al. 2018, "DOTA: A Large-scale Dataset for Object Detection in Aerial Images": the first
point is the thing's own top left, the others follow clockwise.
"""

import os
from collections.abc import Iterator

from ...errors import InvalidInputError
from ...opencv import SUFFIXES
from .row import KnownCorners, row_of

__all__ = ["read", "to_bytes"]

HEADERS = ("imagesource:", "gsd:")


def read(path: str) -> Iterator[KnownCorners]:
    """What the file of one photo says."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.split() for line in file if not line.lower().startswith(HEADERS)]
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path!r} is no text file of DOTA: {error}.") from error
    lines = [line for line in lines if line]
    if len(lines) != 1:
        raise InvalidInputError(f"{path!r} holds {len(lines)} things; wanted one a photo.")
    yield row_of(_photo_of(path), lines[0][:8], {}, ("width", "height"), f"{path!r}")


def _photo_of(path: str) -> str:
    """The one photo of a text file's name: beside it, or in a folder images beside its own."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    folders = [folder, os.path.join(folder, os.pardir, "images")]
    places = [os.path.join(place, stem + suffix) for place in folders for suffix in SUFFIXES]
    found = [place for place in places if os.path.isfile(place)]
    if len(found) != 1:
        raise InvalidInputError(
            f"{path!r} belongs to {len(found)} photos named {stem!r} beside it or in "
            f"{folders[1]!r}; wanted one."
        )
    return found[0]


def to_bytes(row: KnownCorners) -> bytes:
    """The file of one photo."""
    assert row.corners is not None
    return (" ".join(map(repr, row.corners.ravel().tolist())) + " frame 0\n").encode("ascii")
