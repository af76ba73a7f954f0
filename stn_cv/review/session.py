"""What a review knows: a manifest's photos, what was corrected, and who changed what last."""

import os
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..folder.corner_files import KnownCorners
from ..folder.corner_files.row import numbers_in, theta_of_frame
from ..folder.manifest_index import STATUSES, ManifestIndex
from ..folder.pages import file_of
from ..folder.report import card_of, in_words
from ..geometry import corners_from_theta
from ..report import histograms, review_page
from .corrections import Corrections
from .pictures import Pictures

__all__ = ["MARKS", "Conflict", "ReviewSession"]

PAGE = 60
MARKS = ("none", "right", "corrected", "hopeless")
SAME = 1e-6  # pixels


class Conflict(Exception):  # noqa: N818  (no mistake of anyone's)
    """A photo was changed in another tab since it was looked at."""


class ReviewSession:
    """One manifest and one file of corrections.

    Parameters
    ----------
    manifest : path-like
        What `rectify` wrote. Its photos are looked for where it says, from the current folder.
    corrections : path-like or None, default None
        CSV; None is corrections.csv beside the manifest.

    Raises
    ------
    InvalidInputError
        If one of them cannot be used, or none of the first photos is there.
    """

    def __init__(
        self, manifest: str | os.PathLike[str], corrections: str | os.PathLike[str] | None = None
    ) -> None:
        self.manifest = os.fspath(manifest)
        self.index = ManifestIndex(manifest)
        self._check_photos()
        beside = os.path.join(os.path.dirname(self.manifest), "corrections.csv")
        self.corrections = Corrections(beside if corrections is None else corrections)
        self.pictures = Pictures()
        self.order = self.index.worst_first()
        self.versions: dict[int, int] = {}
        self.marks = np.zeros(len(self.index), np.int8)
        self._lock = threading.Lock()
        self._mark_all()

    def page(self) -> bytes:
        """The page's HTML."""
        index = self.index
        drawings = histograms(index.angle, index.scale, index.confidence)
        title = f"Review of {os.path.basename(self.manifest)}"
        counts, corrections = in_words(index, len(index)), self.corrections.path
        return review_page(title, counts, corrections, drawings, index.labels)

    def query(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """A page of the photos that fulfil a filter, the worst first.

        Raises
        ------
        InvalidInputError
            If the filter makes no sense.
        """
        order = self.order[self._fulfil(wanted)[self.order]]
        pages = max(1, -(-len(order) // PAGE))
        page = min(max(int(_number(wanted.get("page") or "0", "page")), 0), pages - 1)
        numbers = order[page * PAGE : (page + 1) * PAGE].tolist()
        return {
            "total": len(order),
            "page": page,
            "pages": pages,
            "cards": [self._card(number) for number in numbers],
            "marked": self._counts(),
        }

    def state(self, number: int) -> dict[str, Any]:
        """All about one photo: what was found in it, and what holds now.

        Raises
        ------
        InvalidInputError
            If there is no such photo, or it cannot be read.
        """
        row = self._row(number)
        with self._lock:
            known, version = self.corrections.get(row["input"]), self.versions.get(number, 0)
            mark = MARKS[self.marks[number]]
        height, width = self.pictures.size(row["input"])
        found = _found(row, (height, width))
        corners = found if known is None or known.corners is None else known.corners
        as_run = row.get("input_sha256")
        return {
            **self._card(number),
            "changed": as_run is not None and as_run != self.pictures.sha256(row["input"]),
            "width": width,
            "height": height,
            "found": None if found is None else found.tolist(),
            "corners": None if corners is None else corners.tolist(),
            "mark": mark,
            "version": version,
            "marked": self._counts(),
        }

    def save(self, number: int, change: Mapping[str, Any]) -> dict[str, Any]:
        """Save what is right about a photo; its state afterwards.

        `change` holds the version that was looked at, and mark: "none", "hopeless", or
        "corrected" with corners.

        Raises
        ------
        InvalidInputError
            If the corners are no frame of the photo, or it was not saved.
        Conflict
            If another change came first.
        """
        row = self._row(number)
        size = self.pictures.size(row["input"])
        known = _change_of(row["input"], change, size)
        with self._lock:
            version = self.versions.get(number, 0)
            if change.get("version") != version:
                raise Conflict
            self.corrections.put(row["input"], known)
            self.versions[number] = version + 1
            self.marks[number] = _mark_of(known, row)
        return self.state(number)

    def photo(self, number: int, side: int) -> bytes:
        """A JPEG of the photo."""
        return self.pictures.photo(self._row(number)["input"], side)

    def output(self, number: int, side: int) -> bytes:
        """A JPEG of what comes out, by the corrections if there are some."""
        row = self._row(number)
        known = self.corrections.get(row["input"])
        if known is None or known.corners is None:
            return self.pictures.photo(row["output"], side)
        return self.pictures.output(row["input"], known.corners, self._proportions(row), side)

    def _row(self, number: int) -> dict[str, Any]:
        if not 0 <= number < len(self.index):
            raise InvalidInputError(f"there is no photo {number} of {len(self.index)}.")
        return self.index.row(number)

    def _card(self, number: int) -> dict[str, Any]:
        row = self.index.row(number)
        card = card_of(row).row()
        known = self.corrections.get(row["input"])
        if known is not None and known.corners is not None and known.size is not None:
            card["outline"] = (2 * known.corners / known.size - 1).round(4).tolist()
        card |= {"number": number, "mark": MARKS[self.marks[number]]}
        card |= {"version": self.versions.get(number, 0)}
        if row["status"] != "error":
            card["before"] = f"photo/{number}/before.jpg"
            card["after"] = f"photo/{number}/after.jpg"
        return card

    def _counts(self) -> dict[str, int]:
        counts = np.bincount(self.marks, minlength=len(MARKS)).tolist()
        return dict(zip(MARKS, counts, strict=True))

    def _fulfil(self, wanted: Mapping[str, str]) -> Array:
        """Which photos a filter lets through, (n,)."""
        index = self.index
        kept = np.ones(len(index), bool)
        for name, words, values in (
            ("status", STATUSES, index.status),
            ("mark", MARKS, self.marks),
        ):
            word = wanted.get(name)
            if word:
                if word not in words:
                    raise InvalidInputError(f"{name} is {word!r}; wanted {', '.join(words)}.")
                kept &= values == words.index(word)
        if wanted.get("label"):
            kept &= index.label == _number(wanted["label"], "label")
        with np.errstate(invalid="ignore"):
            if wanted.get("confidence"):
                kept &= index.confidence < _number(wanted["confidence"], "confidence")
            if wanted.get("turn"):
                kept &= np.abs(index.angle) >= _number(wanted["turn"], "turn")
        return kept

    def _proportions(self, row: dict[str, Any]) -> tuple[int, int]:
        """(height, width) of the outputs: this photo's, or the first one's that there is."""
        for number in (None, *self.order[self.index.status[self.order] == 2][:3].tolist()):
            path = row["output"] if number is None else self.index.row(number)["output"]
            try:
                return self.pictures.size(path)
            except (InvalidInputError, OSError):
                continue
        return 1, 1

    def _check_photos(self) -> None:
        some = [self.index.row(number)["input"] for number in range(min(len(self.index), 100))]
        if not any(os.path.isfile(file_of(photo)) for photo in some):
            raise InvalidInputError(
                f"{self.manifest!r} tells of photos that are not there, such as {some[0]!r}; run "
                "this in the folder where rectify ran."
            )

    def _mark_all(self) -> None:
        """Marks of the photos that were corrected before."""
        for photo, number in self.index.numbers.items() if self.corrections.rows else ():
            known = self.corrections.get(os.fsdecode(photo))
            if known is not None:
                self.marks[number] = _mark_of(known, self.index.row(number))


def _number(text: str, name: str) -> float:
    known = numbers_in([text])
    if known is None:
        raise InvalidInputError(f"{name} is {text!r}; wanted a number.")
    return known[0]


def _found(row: dict[str, Any], size: tuple[int, int]) -> Array | None:
    """Corners (4, 2) of the frame that the model found, if it is one."""
    if row.get("theta") is None:
        return None
    corners = np.asarray(corners_from_theta(row["theta"], size))
    try:
        theta_of_frame(corners, size, size)
    except InvalidInputError:
        return None
    return corners


def _change_of(photo: str, change: Mapping[str, Any], size: tuple[int, int]) -> KnownCorners | None:
    """The row that a change asks for."""
    mark, corners = change.get("mark"), None
    if mark not in ("none", "corrected", "hopeless"):
        raise InvalidInputError(f"mark is {mark!r}; wanted none, corrected or hopeless.")
    if mark == "none":
        return None
    if mark == "corrected":
        corners = np.asarray(change.get("corners"))
        if corners.shape != (4, 2) or corners.dtype.kind not in "fi":
            raise InvalidInputError("wanted four corners of two numbers each.")
        corners = corners.astype(np.float64)
        theta_of_frame(corners, size, size)
    return KnownCorners(photo, corners, (size[1], size[0]), "the page")


def _mark_of(known: KnownCorners | None, row: dict[str, Any]) -> int:
    """What was said of a photo; right is the model's frame, not one that a run took from there."""
    if known is None:
        return 0
    if known.corners is None:
        return MARKS.index("hopeless")
    found = None
    if known.size is not None and row.get("note") is None:
        found = _found(row, (int(known.size[1]), int(known.size[0])))
    same = found is not None and np.allclose(known.corners, found, rtol=0, atol=SAME)
    return MARKS.index("right" if same else "corrected")
