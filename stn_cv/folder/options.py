"""How a run over photos is to be done, checked before anything else is."""

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ..errors import InvalidInputError, InvalidTypeError, one_of
from ..opencv import LARGEST_PICTURE, WRITTEN_SUFFIXES
from ..storage import is_address
from ..threads import effective_jobs

__all__ = [
    "Damaged",
    "Doubtful",
    "Existing",
    "Interpolation",
    "Metadata",
    "Options",
    "Pages",
    "PathLike",
    "Sampling",
    "Size",
    "SizeWord",
    "Times",
]

PathLike = str | os.PathLike[str]
Existing = Literal["skip", "overwrite", "error"]
Damaged = Literal["refuse", "keep"]
Doubtful = Literal["keep", "skip"] | PathLike
Interpolation = Literal["bilinear", "nearest", "bicubic"]
Metadata = Literal["drop", "keep", "keep-gps"]
Pages = Literal["one", "all"]
Sampling = Literal["444", "422", "420"]
Times = Literal["new", "keep"]
SizeWord = Literal["native", "input"]
Size = SizeWord | tuple[int, int]
CHOICES: dict[str, tuple[Any, ...]] = {
    "existing": get_args(Existing),
    "damaged": get_args(Damaged),
    "sampling": (None, *get_args(Sampling)),
    "interpolation": get_args(Interpolation),
    "metadata": get_args(Metadata),
    "times": get_args(Times),
    "pages": get_args(Pages),
}


MOST_JOBS = 256


@dataclass(frozen=True)
class Options:
    """How to go through photos; see `stn_cv.rectify_folder`."""

    size: Size = "native"
    glob: Sequence[str] = ()
    exclude: Sequence[str] = ()
    existing: Existing = "skip"
    format: str | None = None
    quality: int | None = None
    sampling: Sampling | None = None
    interpolation: Interpolation = "bilinear"
    metadata: Metadata = "drop"
    times: Times = "new"
    n_jobs: int | None = None
    limit: int | None = None
    max_pixels: int = LARGEST_PICTURE
    first_page: bool = False
    pages: Pages = "one"
    damaged: Damaged = "refuse"
    preview: PathLike | None = None
    manifest: PathLike | None = None
    contact_sheet: PathLike | None = None
    report: PathLike | None = None
    min_confidence: float | None = None
    doubtful: Doubtful = "keep"
    masks: PathLike | None = None
    masks_out: PathLike | None = None
    corrections: PathLike | None = None
    shard: tuple[int, int] | None = None
    tar: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, choices in CHOICES.items():
            _check_choice(name, getattr(self, name), choices)
        if self.pages == "all" and self.first_page:
            raise InvalidInputError(
                "pages is 'all', and first_page asks for the first alone (--pages, --first-page); "
                "give one of both."
            )
        if (self.masks is None) != (self.masks_out is None):
            raise InvalidInputError(
                "masks is the folder where masks are, masks_out the one for warped masks "
                "(--masks, --masks-out); give both or neither."
            )
        if isinstance(self.glob, str) or isinstance(self.exclude, str):
            raise InvalidTypeError("glob and exclude are lists of patterns; came one text.")
        suffix = f".{self.format}"
        if self.format is not None and suffix.lower() not in WRITTEN_SUFFIXES:
            names = ", ".join(name[1:] for name in WRITTEN_SUFFIXES)
            raise InvalidInputError(f"format is {self.format!r}; wanted one of {names}.")
        if effective_jobs(self.n_jobs) > MOST_JOBS:
            raise InvalidInputError(
                f"n_jobs is {self.n_jobs}; wanted {MOST_JOBS} at most: each thread holds photos, "
                "and more threads than cores gain nothing."
            )
        _check_count("max_pixels", self.max_pixels)
        if self.limit is not None:
            _check_count("limit", self.limit)
        if self.quality is not None:
            _check_count("quality", self.quality, 100)
        self._check_doubt()
        self._check_on_disk()
        self._check_corrections()
        self._check_shard()
        self._check_tar()
        if self.size not in get_args(SizeWord) and not self._is_shape():
            raise InvalidInputError(
                f"size is {self.size!r}; wanted 'native', 'input' or (height, width) of at most "
                f"{self.max_pixels} pixels."
            )

    @property
    def reports(self) -> list[str]:
        """Files that are written beside the photos."""
        files = self.manifest, self.contact_sheet, self.report
        return [os.fspath(file) for file in files if file is not None]

    @property
    def aside(self) -> str | None:
        """Folder for doubtful photos, if they have one of their own."""
        return None if self.doubtful in ("keep", "skip") else os.fspath(self.doubtful)

    def doubts(self, confidence: float | None) -> bool:
        """Whether a photo of this confidence is left in its own pose."""
        return (
            self.min_confidence is not None
            and confidence is not None
            and confidence < self.min_confidence
        )

    def _check_doubt(self) -> None:
        if not isinstance(self.doubtful, (str, os.PathLike)) or not os.fspath(self.doubtful):
            raise InvalidTypeError(
                f"doubtful is {self.doubtful!r}; wanted 'keep', 'skip' or a folder's path."
            )
        if self.min_confidence is None and self.corrections is None:
            if self.doubtful != "keep":
                raise InvalidInputError(
                    f"doubtful is {os.fspath(self.doubtful)!r}, but without a min_confidence no "
                    "photo is doubtful; give one, such as 0.9."
                )
        elif self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InvalidInputError(
                f"min_confidence is {self.min_confidence!r}; wanted a probability from 0 to 1."
            )

    def _check_on_disk(self) -> None:
        own = {"report": self.report, "corrections": self.corrections}
        if self.report is not None:
            own["manifest"] = self.manifest  # which the report is made of
        for name, path in own.items():
            if path is not None and is_address(path):
                raise InvalidInputError(
                    f"{name} is {path!r}; wanted a file on this machine's disk, of a report and of "
                    "corrections."
                )

    def _check_corrections(self) -> None:
        if self.corrections is None:
            return
        if self.existing == "error":
            raise InvalidInputError(
                "existing is 'error', but corrections are for outputs that are there; leave it out."
            )
        if self.shard is not None:
            raise InvalidInputError("corrections are done in one run; leave the shard out.")

    def _check_shard(self) -> None:
        if self.shard is None:
            return
        index, count = self.shard
        if not 1 <= index <= count:
            raise InvalidInputError(
                f"shard is {index}/{count}, counted from 1; wanted 1/{count} to {count}/{count}."
            )
        if self.contact_sheet is not None or self.report is not None:
            raise InvalidInputError(
                "a contact sheet or report shows a whole run, not one shard of it; give it to the "
                "run without a shard that joins them."
            )

    def _check_tar(self) -> None:
        if self.tar and self.corrections is not None:
            raise InvalidInputError(
                "a tar is written whole, but corrections are for some of its photos; leave tar out."
            )
        if self.tar and self.times == "keep":
            raise InvalidInputError(
                "times is 'keep', but of members of tars no times are kept; leave it out."
            )

    def _is_shape(self) -> bool:
        sides = self.size if isinstance(self.size, tuple) else ()
        whole = len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides)
        return whole and math.prod(sides) <= self.max_pixels


def _check_choice(name: str, value: Any, choices: Sequence[Any]) -> None:
    if value not in choices:
        raise InvalidInputError(f"{name} is {value!r}; wanted {one_of(value, map(str, choices))}.")


def _check_count(name: str, value: Any, most: int = sys.maxsize) -> None:
    """Refuse what is no integer from 1 on."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, np.integer))
        or not 1 <= value <= most
    ):
        wanted = "of at least 1" if most == sys.maxsize else f"from 1 to {most}"
        raise InvalidInputError(f"{name} is {value!r}; wanted an integer {wanted}.")
