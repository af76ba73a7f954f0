"""Writing: in which format, and what holds of all of them."""

import os
from collections.abc import Sequence
from typing import Literal, get_args

from ...atomic import write_bytes
from ...errors import InvalidInputError, one_of
from . import coco, dota, labelme, table
from .row import KnownCorners

__all__ = ["FORMATS", "corners_table", "write_corners"]

Format = Literal["csv", "coco", "labelme", "dota"]
FORMATS: tuple[str, ...] = get_args(Format)
corners_table = table.to_bytes


def write_corners(target: str | os.PathLike[str], rows: Sequence[KnownCorners], format: str) -> int:
    """Write corners for another tool, each file whole or not at all.

    Parameters
    ----------
    target : path-like
        A file of "csv" or "coco"; a folder, of "labelme" and "dota", for a file a photo.
    rows : sequence of KnownCorners
        With the photos' sizes.
    format : {"csv", "coco", "labelme", "dota"}
        Which only "csv" can say of a photo that it is hopeless.

    Returns
    -------
    int
        How many rows were left out, since the format cannot say hopeless.

    Raises
    ------
    InvalidInputError
        If there is no such format, or two photos would have one file.
    """
    if format not in FORMATS:
        raise InvalidInputError(f"format is {format!r}; wanted {one_of(format, FORMATS)}.")
    target = os.path.abspath(target)
    if format == "csv":
        write_bytes(target, table.to_bytes(rows, os.path.dirname(target)))
        return 0
    kept = [row for row in rows if row.corners is not None]
    if format == "coco":
        write_bytes(target, coco.to_bytes(kept, os.path.dirname(target)))
    else:
        suffix = ".json" if format == "labelme" else ".txt"
        files = _one_each(kept, target, suffix)
        os.makedirs(target, exist_ok=True)
        for file, row in files.items():
            one = labelme.to_bytes(row, target) if format == "labelme" else dota.to_bytes(row)
            write_bytes(file, one)
    return len(rows) - len(kept)


def _one_each(rows: Sequence[KnownCorners], folder: str, suffix: str) -> dict[str, KnownCorners]:
    files: dict[str, KnownCorners] = {}
    for row in rows:
        stem = os.path.splitext(os.path.basename(row.path))[0]
        file = os.path.join(folder, stem + suffix)
        if file in files:
            raise InvalidInputError(
                f"{row.path!r} and {files[file].path!r} would both be written to {file!r}; "
                "write them as csv or coco."
            )
        files[file] = row
    return files
