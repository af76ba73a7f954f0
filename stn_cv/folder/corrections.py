"""Which photos of a run have corrections."""

import os
from collections.abc import Iterable
from functools import lru_cache

from ..errors import InvalidInputError
from ..storage import is_folder
from .corner_files import KnownCorners, known_corners
from .manifest import parts_of
from .options import Options
from .search import Found

__all__ = ["Corrections", "corrections_of"]

FOLDERS = 1024  # whose real paths are remembered


class Corrections:
    """What a file of corners says, by photo, whatever path leads to its folder.

    Parameters
    ----------
    file : path-like
        See `known_corners`.

    Raises
    ------
    InvalidInputError
        If it cannot be used.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.rows = {_place(row.path): row for row in known_corners(file)}

    def of(self, photo: str) -> KnownCorners | None:
        """What is known of a photo."""
        return self.rows.get(_place(photo))


def corrections_of(options: Options, photos: Iterable[Found]) -> Corrections:
    """The corrections of a run over these photos.

    Raises
    ------
    InvalidInputError
        If there are none, some are of other photos, or the manifest has parts that were not
        joined yet.
    """
    if options.manifest is not None and is_folder(parts_of(options.manifest)):
        raise InvalidInputError(
            f"the manifest {os.fspath(options.manifest)!r} has parts that no run has joined yet; "
            "run the command without corrections first."
        )
    assert options.corrections is not None
    corrections = Corrections(options.corrections)
    if not corrections.rows:
        file = os.fspath(options.corrections)
        raise InvalidInputError(f"{file!r} names no photo, so there is nothing to redo.")
    others = corrections.rows.keys() - {_place(found.path) for found in photos}
    if others:
        first = corrections.rows[min(others)]
        raise InvalidInputError(
            f"{len(others)} photos with corrections are not among the inputs, such as "
            f"{first.path!r} ({first.place}); give their folders as well."
        )
    return corrections


def _place(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(_real(os.path.abspath(folder)), name)


@lru_cache(FOLDERS)
def _real(folder: str) -> str:
    return os.path.realpath(folder)
