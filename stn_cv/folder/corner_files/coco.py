"""COCO: one JSON file, with a segmentation of four points an image."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import InvalidInputError
from .row import KnownCorners, row_of
from .table import relative

__all__ = ["rows", "to_bytes"]


def rows(path: str, content: dict[str, Any]) -> Iterator[KnownCorners]:
    """What each annotation says."""
    images = {image["id"]: image for image in content["images"]}
    for annotation in content["annotations"]:
        place = f"annotation {annotation['id']} of {path!r}"
        if annotation["image_id"] not in images:
            raise InvalidInputError(f"{place}: there is no image {annotation['image_id']!r}.")
        image, parts = images[annotation["image_id"]], annotation.get("segmentation")
        if not isinstance(parts, list) or len(parts) != 1:
            raise InvalidInputError(f"{place} has no segmentation of one polygon.")
        photo = os.path.join(os.path.dirname(path), image["file_name"])
        yield row_of(photo, parts[0], image, ("width", "height"), place)


def to_bytes(rows: Sequence[KnownCorners], folder: str) -> bytes:
    """The file of all photos."""
    images, annotations = [], []
    for number, row in enumerate(rows, 1):
        assert row.corners is not None and row.size is not None
        width, height = map(int, row.size)
        name = relative(row.path, folder)
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        low, high = row.corners.min(axis=0), row.corners.max(axis=0)
        x, y = row.corners.T
        area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "segmentation": [row.corners.ravel().tolist()],
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "area": area,
                "iscrowd": 0,
            }
        )
    categories = [{"id": 1, "name": "frame"}]
    facts = {"images": images, "annotations": annotations, "categories": categories}
    return json.dumps(facts, indent=1).encode("ascii")
