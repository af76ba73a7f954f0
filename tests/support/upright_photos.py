"""Folders of photos of upright arrows, and files of corners of turned ones."""

import csv
import json
from pathlib import Path

import numpy as np

from stn_cv import corners_from_theta
from stn_cv.opencv import write_image
from support.pose_cases import arrows, turned

QUICK = ["--canvases", "64", "--size", "16x16", "--jobs", "1"]


def upright_photos(folder, count=8, seed=0):
    """Photos of mixed proportions, each with an upright arrow in its middle."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(arrows(count, side=32, seed=seed, channels=3)):
        photo = np.pad(image, ((0, 0), (0, 8 * (number % 2)), (0, 0)), mode="edge")
        write_image(folder / f"{number}.png", (photo * 255).clip(0, 255).astype(np.uint8))
    return folder


def turned_photos(folder, count=8):
    """Photos of arrows turned by known angles: [(path, corners (4, 2))], and their size 40x40."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    images, theta = turned(arrows(count, side=40, channels=3), np.linspace(-20, 20, count))
    small = theta * 0.7  # of a middle part, so that its corners are in the photo
    rows = []
    for number, (image, pose) in enumerate(zip(images, small, strict=True)):
        path = folder / f"{number}.png"
        write_image(path, (image * 255).clip(0, 255).astype(np.uint8))
        rows.append((path, corners_from_theta(pose, (40, 40))))
    return rows


def write_table(file, rows, sizes=True):
    """A CSV of corners, with the photos' width and height or without."""
    with open(file, "w", newline="") as stream:
        for path, corners in rows:
            size = [40, 40] if sizes else []
            csv.writer(stream).writerow([path.relative_to(file.parent), *size, *corners.ravel()])
    return file


def write_labelme(folder, rows):
    """A JSON file of labelme beside each photo."""
    for path, corners in rows:
        shape = {"label": "thing", "points": corners.tolist(), "shape_type": "polygon"}
        content = {"imagePath": path.name, "imageWidth": 40, "imageHeight": 40, "shapes": [shape]}
        (folder / f"{path.stem}.json").write_text(json.dumps(content))
    return folder


def write_coco(file, rows):
    """One JSON file of COCO."""
    images, annotations = [], []
    for number, (path, corners) in enumerate(rows):
        name = str(path.relative_to(file.parent))
        images.append({"id": number, "file_name": name, "width": 40, "height": 40})
        polygon = corners.ravel().tolist()
        annotations.append({"id": number, "image_id": number, "segmentation": [polygon]})
    file.write_text(json.dumps({"images": images, "annotations": annotations}))
    return file
