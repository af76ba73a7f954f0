"""Which photos show one thing, so that copies of it stay on one side of a split."""

import csv
import os
import re
from collections.abc import Sequence

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..opencv import resize_area
from ..storage import is_folder, placed
from .labels import CSV_ENCODING, HEADERS

__all__ = ["COLUMN", "NEAR", "groups_of"]

COLUMN, NEAR = "column", "near"
SIDE = 24  # pixels at which photos are compared
ALIKE = 0.9  # correlation of the edges of two photos that show the same
BLOCK = 1024  # photos compared with all others at once


def groups_of(by: str, data: str, paths: Sequence[str], images: Array) -> Array:
    """Number the groups of photos.

    Parameters
    ----------
    by : str
        "column": by the third column of a CSV; "near": photos that look nearly the same; else
        a regular expression, searched in the path below `data`: what its first parenthesis
        matches, or all of it, names the group.
    data : path-like
        The folder or CSV that the photos were found by.
    paths : sequence of str
        Of the photos.
    images : ndarray of shape (n, h, w, c)
        Their small copies.

    Returns
    -------
    ndarray of shape (n,)
        Numbers of their groups; a photo of none is one of its own.

    Raises
    ------
    InvalidInputError
        If there is no such column, or the expression is none or matches no path.
    """
    if by == NEAR:
        return alike(images)
    if by == COLUMN:
        known = _third_column(data)
        names = [known[path] for path in paths]
    else:
        names = [_matched(by, os.path.relpath(path, data)) for path in paths]
        if not any(names):
            raise InvalidInputError(
                f"groups are {by!r}, which matches none of {len(paths)} paths such as "
                f"{paths[0]!r}; wanted a regular expression, {COLUMN!r} or {NEAR!r}."
            )
    keys = [name or f"\0{number}" for number, name in enumerate(names)]
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def _matched(pattern: str, path: str) -> str:
    try:
        match = re.search(pattern, path)
    except re.error as error:
        raise InvalidInputError(
            f"groups are {pattern!r}, no regular expression: {error}."
        ) from None
    return "" if match is None else match[1 if match.re.groups else 0] or ""


def _third_column(data: str) -> dict[str, str]:
    """The group of each path of a CSV."""
    if is_folder(data):
        raise InvalidInputError(f"{data!r} is a folder; a CSV of path,label,group has a column.")
    with open(data, **CSV_ENCODING) as file:
        rows = [row for row in csv.reader(file) if row]
    if [cell.strip().lower() for cell in rows[0]] in HEADERS:
        rows = rows[1:]
    short = [row for row in rows if len(row) < 3]
    if short:
        raise InvalidInputError(f"{data!r} has no third column in {str(short[0])[:80]}.")
    folder = os.path.dirname(data)
    return {placed(row[0], folder): row[2].strip() for row in rows}


def alike(images: Array) -> Array:
    """Number groups of images (n, h, w, c) that look nearly the same, directly or by others."""
    edges = _edges(images)
    parents = np.arange(len(edges))
    for start in range(0, len(edges), BLOCK):
        close = edges[start : start + BLOCK] @ edges.T > ALIKE
        for one, other in zip(*np.nonzero(close), strict=True):
            _join(parents, start + one, other)
    roots = [_root(parents, number) for number in range(len(parents))]
    return np.asarray(np.unique(roots, return_inverse=True)[1])


def _edges(images: Array) -> Array:
    """Differences of neighbouring pixels of small grey copies, rows of length 1."""
    small = resize_area(np.ascontiguousarray(images), (SIDE, SIDE))
    grey = small.astype(np.float32).reshape(len(small), SIDE, SIDE, -1).mean(axis=3)
    across, down = np.diff(grey, axis=2), np.diff(grey, axis=1)
    rows = np.concatenate([part.reshape(len(grey), -1) for part in (across, down)], axis=1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def _root(parents: Array, number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return int(number)


def _join(parents: Array, one: int, other: int) -> None:
    first, second = sorted((_root(parents, one), _root(parents, other)))
    parents[second] = first
