"""labelme: a JSON file beside each photo, with one polygon of four points."""

import json
import os
from typing import Any

from ...errors import InvalidInputError
from .row import KnownCorners, row_of
from .table import relative

__all__ = ["row", "to_bytes"]


def row(path: str, content: dict[str, Any]) -> KnownCorners:
    """What a file of one photo says."""
    polygons = [shape["points"] for shape in content["shapes"] if len(shape["points"]) == 4]
    if len(polygons) != 1:
        raise InvalidInputError(
            f"{path!r} holds {len(polygons)} polygons of four points; wanted one, the corners."
        )
    photo = os.path.join(os.path.dirname(path), content["imagePath"].replace("\\", "/"))
    points = [value for point in polygons[0] for value in point]
    return row_of(photo, points, content, ("imageWidth", "imageHeight"), f"{path!r}")


def to_bytes(row: KnownCorners, folder: str) -> bytes:
    """The file of one photo."""
    assert row.corners is not None and row.size is not None
    shape = {
        "label": "frame",
        "points": row.corners.tolist(),
        "group_id": None,
        "shape_type": "polygon",
        "flags": {},
    }
    width, height = map(int, row.size)
    facts: dict[str, Any] = {
        "version": "5.0.0",
        "flags": {},
        "shapes": [shape],
        "imagePath": relative(row.path, folder),
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(facts, indent=1).encode("ascii")
