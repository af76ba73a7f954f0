"""Reading: which format a file is of, and what holds of all of them."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...errors import InvalidInputError
from ..pages import file_of
from . import coco, cvat, dota, label_studio, labelme, table
from .row import KnownCorners

__all__ = ["known_corners"]


def known_corners(file: str | os.PathLike[str]) -> list[KnownCorners]:
    """Read a file of corners, or a folder of files of labelme or DOTA.

    Parameters
    ----------
    file : path-like
        A CSV of path,width,height,x1,y1,...,x4,y4 or path,x1,y1,...,x4,y4, with or without such
        a header, in which eight empty cells say that a photo is hopeless; a JSON file of
        labelme, with one polygon of four points; a JSON file of COCO, with a segmentation of
        four points an image; a JSON file of Label Studio or an XML file of CVAT, with one
        turned rectangle or polygon of four points an image; a text file of DOTA, with one
        quadrilateral; or a folder of files of labelme or DOTA. Paths are relative to the file's
        folder.

    Raises
    ------
    InvalidInputError
        If something in it makes no sense, or a photo is missing; the place is named.
    """
    path = os.fspath(file)
    rows = _in_folder(path) if os.path.isdir(path) else list(_reader(path)(path))
    seen: dict[str, str] = {}
    for row in rows:
        if not os.path.isfile(file_of(row.path)):
            raise InvalidInputError(f"{row.place}: there is no photo {row.path!r}.")
        photo = os.path.abspath(row.path)
        if photo in seen:
            raise InvalidInputError(
                f"{row.place}: {row.path!r} has corners in {seen[photo]} already; wanted four "
                "a photo."
            )
        seen[photo] = row.place
    return rows


def _reader(path: str) -> Callable[[str], Iterator[KnownCorners]]:
    suffixes = {".json": _from_json, ".xml": cvat.read, ".txt": dota.read}
    return suffixes.get(os.path.splitext(path)[1].lower(), table.read)


def _in_folder(path: str) -> list[KnownCorners]:
    names = sorted(os.listdir(path))
    for suffix in (".json", ".txt"):
        files = [os.path.join(path, name) for name in names if name.lower().endswith(suffix)]
        if files:
            return [row for file in files for row in _reader(file)(file)]
    raise InvalidInputError(f"{path!r} holds no JSON file of labelme and no text file of DOTA.")


def _from_json(path: str) -> Iterator[KnownCorners]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        yield from _rows(path, content)
    except InvalidInputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInputError(
            f"{path!r} is no file of labelme, COCO or Label Studio: {type(error).__name__}: "
            f"{error}."
        ) from error


def _rows(path: str, content: Any) -> Iterator[KnownCorners] | Sequence[KnownCorners]:
    if isinstance(content, list):
        return label_studio.rows(path, content)
    if "shapes" in content:
        return [labelme.row(path, content)]
    if "annotations" in content and "images" in content:
        return coco.rows(path, content)
    raise InvalidInputError(
        f"{path!r} holds neither the shapes of labelme, nor the images and annotations of COCO, "
        "nor the tasks of Label Studio."
    )
