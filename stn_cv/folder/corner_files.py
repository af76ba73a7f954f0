"""Files that say where things lie in photos: CSV, labelme's JSON, COCO's JSON."""

import csv
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..geometry import scaled, theta_from_corners
from ..geometry.letterbox import canvas_of

__all__ = ["KnownCorners", "canvas_theta", "known_corners"]

FIRST = "path"  # cell of a header
WANTED = "path,width,height,x1,y1,...,x4,y4 or path,x1,y1,...,x4,y4"


@dataclass(frozen=True)
class KnownCorners:
    """One photo's corners (4, 2), and where that is said.

    Pixels of the upright photo, whose edges are 0 and width or height; the output's top left
    first, then clockwise. `size` is (width, height) of the photo, where the file says it.
    """

    path: str
    corners: Array
    size: tuple[float, float] | None
    place: str


def known_corners(file: str | os.PathLike[str]) -> list[KnownCorners]:
    """Read a file of corners, or a folder of labelme's files.

    Parameters
    ----------
    file : path-like
        A CSV of path,width,height,x1,y1,...,x4,y4 or path,x1,y1,...,x4,y4, with or without such
        a header; a JSON file of labelme, with one polygon of four points; a JSON file of COCO,
        with a segmentation of four points an image; or a folder of labelme's files. Paths are
        relative to the file's folder.

    Raises
    ------
    InvalidInputError
        If something in it makes no sense, or a photo is missing; the place is named.
    """
    path = os.fspath(file)
    rows: Sequence[KnownCorners]
    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if name.lower().endswith(".json"))
        if not names:
            raise InvalidInputError(f"{path!r} holds no JSON file of labelme.")
        rows = [row for name in names for row in _from_json(os.path.join(path, name))]
    else:
        rows = list((_from_json if path.lower().endswith(".json") else _from_csv)(path))
    seen: dict[str, str] = {}
    for row in rows:
        if not os.path.isfile(row.path):
            raise InvalidInputError(f"{row.place}: there is no photo {row.path!r}.")
        if row.path in seen:
            raise InvalidInputError(
                f"{row.place}: {row.path!r} has corners in {seen[row.path]} already; wanted four "
                "a photo."
            )
        seen[row.path] = row.place
    return list(rows)


def canvas_theta(
    row: KnownCorners, photo: tuple[int, int], proportions: tuple[int, int], family: str
) -> Array:
    """Theta of corners on the canvas on which their photo, (height, width), is letterboxed.

    Raises
    ------
    InvalidInputError
        If the photo has another size than the file says, or corners are no frame of it.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.
    """
    height, width = photo
    if row.size is not None and row.size != (width, height):
        raise InvalidInputError(
            f"{row.place}: the photo would be {row.size[0]:g} wide and {row.size[1]:g} high, but "
            f"it is {width} and {height}, upright; give its corners in its own pixels."
        )
    try:
        theta = theta_from_corners(row.corners, photo, proportions, family=family)
    except InvalidInputError as error:
        reason = str(error).partition("]]: ")[2] or str(error)
        raise InvalidInputError(f"{row.place}: {reason}") from error
    return np.asarray(scaled(theta, 1 / np.array(canvas_of(photo, proportions))))


def _from_csv(path: str) -> Iterator[KnownCorners]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or (number == 1 and row[0].strip().lower() == FIRST):
                    continue
                yield _csv_row(path, row, f"line {number} of {path!r}")
    except csv.Error as error:
        raise InvalidInputError(f"{path!r} is no CSV: {error}.") from error


def _csv_row(path: str, row: list[str], place: str) -> KnownCorners:
    numbers = _numbers(row[1:])
    if numbers is None or len(numbers) not in (8, 10) or not row[0].strip():
        raise InvalidInputError(f"{place} is {str(row)[:80]}; wanted {WANTED}.")
    size = (numbers[0], numbers[1]) if len(numbers) == 10 else None
    corners = np.array(numbers[-8:]).reshape(4, 2)
    return KnownCorners(os.path.join(os.path.dirname(path), row[0]), corners, size, place)


def _numbers(values: Sequence[Any]) -> list[float] | None:
    """All as finite floats, or None."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _from_json(path: str) -> Iterator[KnownCorners]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if "shapes" in content:
            yield _of_labelme(path, content)
        elif "annotations" in content and "images" in content:
            yield from _of_coco(path, content)
        else:
            raise InvalidInputError(
                f"{path!r} holds neither the shapes of labelme nor the images and annotations of "
                "COCO."
            )
    except InvalidInputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInputError(
            f"{path!r} is no file of labelme or COCO: {type(error).__name__}: {error}."
        ) from error


def _of_labelme(path: str, content: dict[str, Any]) -> KnownCorners:
    polygons = [shape["points"] for shape in content["shapes"] if len(shape["points"]) == 4]
    if len(polygons) != 1:
        raise InvalidInputError(
            f"{path!r} holds {len(polygons)} polygons of four points; wanted one, the corners."
        )
    photo = os.path.join(os.path.dirname(path), content["imagePath"].replace("\\", "/"))
    points = [value for point in polygons[0] for value in point]
    return _row(photo, points, content, ("imageWidth", "imageHeight"), f"{path!r}")


def _of_coco(path: str, content: dict[str, Any]) -> Iterator[KnownCorners]:
    images = {image["id"]: image for image in content["images"]}
    for annotation in content["annotations"]:
        place = f"annotation {annotation['id']} of {path!r}"
        if annotation["image_id"] not in images:
            raise InvalidInputError(f"{place}: there is no image {annotation['image_id']!r}.")
        image, parts = images[annotation["image_id"]], annotation.get("segmentation")
        if not isinstance(parts, list) or len(parts) != 1:
            raise InvalidInputError(f"{place} has no segmentation of one polygon.")
        photo = os.path.join(os.path.dirname(path), image["file_name"])
        yield _row(photo, parts[0], image, ("width", "height"), place)


def _row(
    photo: str, points: Sequence[Any], sizes: dict[str, Any], names: tuple[str, str], place: str
) -> KnownCorners:
    numbers = _numbers(points)
    if numbers is None or len(numbers) != 8:
        raise InvalidInputError(f"{place} holds {str(points)[:80]}; wanted four points.")
    size = None
    if all(type(sizes.get(name)) in (int, float) for name in names):
        size = (float(sizes[names[0]]), float(sizes[names[1]]))
    return KnownCorners(photo, np.array(numbers).reshape(4, 2), size, place)
