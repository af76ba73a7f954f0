"""A manifest that is read as a whole: what holds of each photo, without keeping its rows."""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from .manifest import Row, placed_rows

__all__ = ["STATUSES", "ManifestIndex"]

STATUSES = ("error", "doubtful", "done", "skipped")  # the worst first
NAN = float("nan")


class ManifestIndex:
    """The last row of each photo in a manifest; numbers in memory, the rest in the file.

    Parameters
    ----------
    path : path-like
        A manifest; a last row that a killed run did not finish is passed over.

    Attributes
    ----------
    status : ndarray of shape (n,), int8
        Numbers of `STATUSES`.
    label : ndarray of shape (n,), int32
        Numbers of `labels`; -1 without one.
    confidence, angle, scale : ndarray of shape (n,), float32
        NaN where a row says nothing.
    earlier : ndarray of shape (n,), float32
        The last confidence of another model than the last, NaN where there was none.
    corrected : ndarray of shape (n,), bool
        Whether a correction was followed in any row.
    labels : list of str
        All labels, sorted.

    Raises
    ------
    InvalidInputError
        If it is no manifest, or holds no row.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        places: dict[bytes, int] = {}
        facts: list[_Facts] = []
        names: dict[str, int] = {}
        for offset, row in _rows(self.path):
            name = row.get("label")
            label = -1 if name is None else names.setdefault(str(name), len(names))
            confidence, angle, scale = _numbers(row)
            fact = _Facts(
                offset=offset,
                status=STATUSES.index(row["status"]),
                label=label,
                confidence=confidence,
                angle=angle,
                scale=scale,
                model=hash(row.get("model_sha256")),
                corrected=row.get("note") is not None,
            )
            photo = os.fsencode(row["input"])
            if places.setdefault(photo, len(facts)) == len(facts):
                facts.append(fact)
            else:
                facts[places[photo]] = fact.after(facts[places[photo]])
        if not facts:
            raise InvalidInputError(f"{self.path!r} holds no row; wanted a manifest of rectify.")
        columns = list(zip(*facts, strict=True))
        self.offset = np.array(columns[0], np.int64)
        self.status = np.array(columns[1], np.int8)
        self.labels = sorted(names)
        order = {names[name]: number for number, name in enumerate(self.labels)} | {-1: -1}
        self.label = np.array([order[number] for number in columns[2]], np.int32)
        self.confidence, self.angle, self.scale = np.array(columns[3:6], np.float32)
        self.corrected, self.earlier = np.array(columns[7]), np.array(columns[8], np.float32)
        self.numbers = {photo: number for photo, number in places.items()}

    def __len__(self) -> int:
        """How many photos it tells of."""
        return len(self.offset)

    def row(self, number: int) -> dict[str, Any]:
        """The row of a photo, read from the file.

        Raises
        ------
        InvalidInputError
            If the file is another one by now.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(int(self.offset[number]))
                row: dict[str, Any] = json.loads(file.readline())
            if STATUSES.index(row["status"]) == self.status[number]:
                return row
        except (OSError, ValueError, LookupError, TypeError):
            pass
        raise InvalidInputError(f"{self.path!r} was changed meanwhile; begin again.")

    def worst_first(self) -> Array:
        """Numbers of all photos: failures, doubtful ones, the least confident, the most turned."""
        sure = np.where(np.isnan(self.confidence), np.inf, self.confidence)
        turn = np.where(np.isnan(self.angle), 0, np.abs(self.angle))
        return np.lexsort((np.arange(len(self)), -turn, sure, np.minimum(self.status, 2)))


class _Facts(NamedTuple):
    """What is kept of a row."""

    offset: int
    status: int
    label: int
    confidence: float
    angle: float
    scale: float
    model: int
    corrected: bool
    earlier: float = NAN

    def after(self, before: "_Facts") -> "_Facts":
        """Of the later row of a photo that had another one before."""
        earlier = before.earlier if self.model == before.model else before.confidence
        return self._replace(earlier=earlier, corrected=self.corrected or before.corrected)


def _numbers(row: dict[str, Any]) -> list[float]:
    values = [row.get(name) for name in ("confidence", "angle", "scale")]
    return [NAN if value is None else float(value) for value in values]


def _rows(path: str) -> Iterator[tuple[int, Row]]:
    """Offsets and contents of all whole rows, which tell what is asked of them."""
    with open(path, "rb") as file:
        for offset, row in placed_rows(file, path):
            try:
                STATUSES.index(row["status"])
                os.fsencode(row["input"])
                _numbers(row)
            except (ValueError, LookupError, TypeError) as error:
                raise InvalidInputError(
                    f"{path!r} is no manifest: what begins at byte {offset} is no row of one."
                ) from error
            yield offset, row
