"""Labelled photos: a folder with a subfolder a class, or a CSV."""

import csv
import os
from typing import Any

from ..errors import InvalidInputError
from ..opencv import SUFFIXES
from ..storage import entries, is_archive, is_folder, joined, placed
from .search import find_photos

__all__ = ["CSV_ENCODING", "HEADERS", "labelled_photos", "passed_over"]

HEADERS = (["path", "label"], ["path", "label", "group"])
CSV_ENCODING: Any = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
NO_CLASS = "photos beside the classes' folders"
LONGEST_LABEL = 255  # characters, as of a folder's name; all labels take as much room
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "dev"}


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
    pairs = _from_folder(data) if is_folder(data) else _from_csv(data)
    names = sorted({label for _, label in pairs})
    if len(names) < 2:
        raise InvalidInputError(
            f"{data!r} {_what_is_there(data, names)}; wanted a folder with a subfolder of photos "
            "for each of at least 2 classes, or a CSV of path,label."
        )
    return pairs


def _what_is_there(data: str, names: list[str]) -> str:
    """Where there are fewer than two classes."""
    if names:
        return f"holds photos of one class, {names[0]!r}"
    if not is_folder(data):
        return "names no photo"
    beside = len(find_photos([data]).found)
    return f"holds {beside} photos, none of them in a subfolder" if beside else "holds no photo"


def passed_over(data: str | os.PathLike[str]) -> dict[str, int]:
    """How many files `labelled_photos` leaves out, by kind; of a CSV none."""
    data = os.fspath(data)
    if not is_folder(data):
        return {}
    search = find_photos([data])
    counts = dict(search.passed_over)
    without = sum(not _label(data, relative) for _, relative in search.found)
    return {**counts, NO_CLASS: without} if without else counts


def _from_folder(folder: str) -> list[tuple[str, str]]:
    pairs = []
    found, unreadable, _ = find_photos([folder])
    if unreadable:
        raise InvalidInputError(f"cannot read {unreadable[0][0]!r}: {unreadable[0][1]}.")
    for path, relative in found:
        label = _label(folder, relative)
        if label:
            pairs.append((path, label))
    labels = {label for _, label in pairs}
    _check_level(folder, labels, [relative for _, relative in found])
    _check_classes(folder, labels)
    return pairs


def _label(folder: str, relative: str) -> str:
    """The class of a photo: the folder that it lies in; none of one in an archive beside them."""
    label, below, _ = relative.partition(os.sep)
    return label if below and not is_archive(joined(folder, label)) else ""


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
    for name, kind in sorted(entries(folder)):
        is_class = kind == "folder" or (kind == "link" and os.path.isdir(joined(folder, name)))
        is_class = is_class and not is_archive(joined(folder, name))
        if is_class and not name.startswith(".") and name not in labels:
            what = "is a link, which is not followed" if kind == "link" else "holds no photo"
            raise InvalidInputError(
                f"the class {name!r} of {folder!r} {what}; wanted photos with one of the "
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
                if len(row[1]) > LONGEST_LABEL:
                    raise InvalidInputError(
                        f"the label in line {number} of {path!r} has {len(row[1])} characters; "
                        f"wanted {LONGEST_LABEL} at most."
                    )
                pairs.append((placed(row[0], os.path.dirname(path)), row[1].strip()))
    except csv.Error as error:
        raise InvalidInputError(f"{path!r} is no CSV: {error}.") from error
    return pairs
