"""Labelled photos: a folder with a subfolder a class, or a CSV; and their small copies."""

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..model.image_spec import ImageSpec
from ..model.photos import small_copy
from ..opencv import LARGEST_PICTURE, SUFFIXES, decode_photo, quiet_and_serial
from ..threads import run_stream
from .files import read_photo_file
from .item import reason_of
from .search import find_photos

__all__ = ["CSV_ENCODING", "HEADERS", "Examples", "labelled_photos", "read_examples"]

HEADERS = (["path", "label"], ["path", "label", "group"])
CSV_ENCODING: Any = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "dev"}
ALIKE = 3  # levels by which the channels of a grey photo may differ after JPEG


@dataclass(frozen=True)
class Examples:
    """Small copies (n, h, w, c) of uint8, their labels and paths, and what was unreadable."""

    images: Array
    labels: Array
    paths: list[str]
    failures: list[tuple[str, str]]


def labelled_photos(data: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Find (path, label) of all photos.

    Parameters
    ----------
    data : path-like
        A folder with a subfolder for each class, searched with all below; or a CSV file of
        path and label, with or without such a header, its paths relative to its folder; a third
        column, group, is for `groups_of`.

    Raises
    ------
    InvalidInputError
        If there are fewer than two classes, a line of the CSV makes no sense, or the classes'
        folders lie one level deeper, in folders such as train and test.
    """
    data = os.fspath(data)
    pairs = _from_folder(data) if os.path.isdir(data) else _from_csv(data)
    names = sorted({label for _, label in pairs})
    if len(names) < 2:
        raise InvalidInputError(
            f"{data!r} holds photos of {len(names)} classes {names}; wanted a folder with a "
            "subfolder for each of at least 2 classes, or a CSV of path,label."
        )
    return pairs


def _from_folder(folder: str) -> list[tuple[str, str]]:
    pairs = []
    found, unreadable, _ = find_photos([folder])
    if unreadable:
        raise InvalidInputError(f"cannot read {unreadable[0][0]!r}: {unreadable[0][1]}.")
    for path, relative in found:
        label, below, _ = relative.partition(os.sep)
        if below:  # photos beside the classes' folders have no class
            pairs.append((path, label))
    labels = {label for _, label in pairs}
    _check_level(folder, labels, [relative for _, relative in found])
    _check_classes(folder, labels)
    return pairs


def _check_level(folder: str, labels: set[str], below: list[str]) -> None:
    """Refuse the folder above those that hold the classes: "train" is no class."""
    names = {label.lower() for label in labels}
    if labels and names <= PARTS and all(path.count(os.sep) > 1 for path in below):
        classes = sorted({path.split(os.sep)[1] for path in below})
        inner = os.path.join(folder, "train" if "train" in labels else sorted(labels)[0])
        raise InvalidInputError(
            f"{folder!r} holds {', '.join(sorted(labels))}, each with folders such as "
            f"{', '.join(classes[:3])}: those look like the classes. Give one of them, such as "
            f"{inner!r}."
        )


def _check_classes(folder: str, labels: set[str]) -> None:
    """Refuse to leave out a class in silence."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir() and not entry.name.startswith(".") and entry.name not in labels:
            what = "holds no photo"
            if entry.is_symlink():
                what = "is a link, which is not followed"
            raise InvalidInputError(
                f"the class {entry.name!r} of {folder!r} {what}; wanted photos with one of the "
                f"suffixes {', '.join(SUFFIXES)} in each. Mend or remove it."
            )


def _from_csv(path: str) -> list[tuple[str, str]]:
    pairs = []
    try:
        with open(path, **CSV_ENCODING) as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or (number == 1 and [cell.strip().lower() for cell in row] in HEADERS):
                    continue
                if len(row) not in (2, 3) or not all(cell.strip() for cell in row[:2]):
                    raise InvalidInputError(
                        f"line {number} of {path!r} is {str(row)[:80]}; wanted a path and a label."
                    )
                pairs.append((os.path.join(os.path.dirname(path), row[0]), row[1].strip()))
    except csv.Error as error:
        raise InvalidInputError(f"{path!r} is no CSV: {error}.") from error
    return pairs


def read_examples(
    pairs: Sequence[tuple[str, str]],
    shape: tuple[int, int],
    grey: bool = False,
    n_jobs: int | None = None,
    listener: Callable[[int], None] = lambda count: None,
) -> Examples:
    """Read photos of any size as small copies of one size, for a training.

    Parameters
    ----------
    pairs : sequence of (path, label)
        As `labelled_photos` gives them.
    shape : tuple
        (height, width) of the copies, on which photos are letterboxed.
    grey : bool, default False
        Whether to read colours as grey; photos that are all grey are read so in any case.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    listener : callable
        ``listener(count)``, called after each photo.

    Returns
    -------
    read : Examples
        Of the photos that can be read; the others are named.
    """
    spec = ImageSpec(*shape, 1 if grey else 3, "uint8")

    def read(path: str) -> Array | str:
        try:
            data = read_photo_file(path, LARGEST_PICTURE)
            return small_copy(decode_photo(data).pixels, spec)
        except Exception as error:  # one bad photo must not cost the others
            return reason_of(error, path)

    images, kept, failures = [], [], []
    with quiet_and_serial():
        copies = run_stream(read, [path for path, _ in pairs], n_jobs)
        for count, (pair, copy) in enumerate(zip(pairs, copies, strict=True), 1):
            if isinstance(copy, str):
                failures.append((pair[0], copy))
            else:
                images.append(copy)
                kept.append(pair)
            listener(count)
    stack = np.stack(images) if images else np.empty((0, *shape, spec.channels), np.uint8)
    paths, labels = [path for path, _ in kept], np.array([label for _, label in kept])
    return Examples(_without_needless_colour(stack), labels, paths, failures)


def _without_needless_colour(images: Array) -> Array:
    if images.shape[3] == 3 and len(images):
        spread = max(int(np.ptp(image.astype(np.int16), axis=2).max()) for image in images)
        if spread <= ALIKE:
            return images[..., 1:2]
    return images
