"""Label Studio: its JSON export, with one rectangle or polygon of four points a task.

A rectangle's x, y, width and height are percentages of the photo's sides, its rotation is in
degrees clockwise around its top left corner, in pixels.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import InvalidInputError
from .row import KnownCorners, numbers_in, photo_beside, row_of
from .turned_boxes import turned_box

__all__ = ["rows"]

RECTANGLES, POLYGONS = ("rectanglelabels", "rectangle"), ("polygonlabels", "polygon")
SIZE = ("original_width", "original_height")
UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")  # what an upload's name is lengthened by


def rows(path: str, tasks: Sequence[Any]) -> Iterator[KnownCorners]:
    """What each task that was annotated says."""
    for number, task in enumerate(tasks, 1):
        place = f"task {task.get('id', number)} of {path!r}"
        if "annotations" not in task or "data" not in task:
            raise InvalidInputError(f"{place} has no annotations; export as JSON, not JSON-MIN.")
        done = [one for one in task["annotations"] if not one.get("was_cancelled")]
        if len(done) > 1:
            raise InvalidInputError(f"{place} has {len(done)} annotations; wanted one.")
        shapes = [part for one in done for part in one["result"] if _is_shape(part)]
        if len(shapes) > 1:
            raise InvalidInputError(f"{place} has {len(shapes)} shapes; wanted one a photo.")
        for shape in shapes:
            photo = _photo(path, str(task["data"].get("image", "")), place)
            yield row_of(photo, _points(shape, place), shape, SIZE, place)


def _is_shape(part: dict[str, Any]) -> bool:
    return "original_width" in part or part.get("type") in (*RECTANGLES, *POLYGONS)


def _points(shape: dict[str, Any], place: str) -> list[Any]:
    value, kind = shape["value"], shape["type"]
    size = numbers_in([shape.get(name) for name in SIZE])
    whole_turn = numbers_in([shape.get("image_rotation", 0) or 0])
    if kind not in (*RECTANGLES, *POLYGONS) or size is None or whole_turn != [0.0]:
        raise InvalidInputError(
            f"{place}: cannot make corners of a {kind} of image size {size}, image_rotation "
            f"{shape.get('image_rotation')}; wanted a rectangle or polygon on an image that was "
            "not turned."
        )
    width, height = size[0] / 100, size[1] / 100
    if kind in POLYGONS:
        return [side for x, y in value["points"] for side in (x * width, y * height)]
    numbers = [value["x"], value["y"], value["width"], value["height"], value.get("rotation", 0)]
    known = numbers_in(numbers)
    if known is None:
        raise InvalidInputError(f"{place} holds {str(value)[:80]}; wanted a rectangle.")
    left, top = known[0] * width, known[1] * height
    box = (left, top, left + known[2] * width, top + known[3] * height)
    return turned_box(box, known[4], (left, top)).ravel().tolist()


def _photo(path: str, image: str, place: str) -> str:
    """The photo's path: a local file's, or that of an upload's own name."""
    address = urlsplit(image)
    local = parse_qs(address.query).get("d", [""])[0]
    name = local or os.path.basename(unquote(address.path))
    photo = photo_beside(path, name)
    uploaded = UPLOADED.fullmatch(name)
    if uploaded and not os.path.isfile(photo):
        photo = photo_beside(path, uploaded[1])
    if not name:
        raise InvalidInputError(f"{place} names no image.")
    return photo
