"""What ``stn-cv fit --upright`` and ``--corners`` do: read, train, save, show how it went."""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..arrays import Array
from ..atomic import write_bytes
from ..errors import InterruptedWarning, InvalidInputError
from ..folder.corner_files import KnownCorners, known_corners, letterbox_theta
from ..folder.examples import Examples, read_background
from ..folder.search import find_photos
from ..model.file import save
from ..opencv import encode, format_names
from ..pictures import contact_sheet
from ..pose.algebra import identities
from .exit_codes import FAILED, INTERRUPTED
from .held_out import HeldOut
from .options import printable, say_next
from .training import EpochNews, prepared, progress_bar, read_copies

__all__ = [
    "UprightPhotos",
    "background_of",
    "finish",
    "photos_in",
    "poser",
    "run_poses",
    "say_failures",
    "trained",
]

FEWEST = 5
SHEETS = (".sheet.png", ".canvases.png")
OPTIONS = "The options are --turn (angle), --scale, --symmetry and --family."


def run_poses(
    upright: str | None,
    corners: str | None,
    out: Path,
    *,
    size: tuple[int, int],
    grey: bool,
    **options: Any,
) -> int:
    """Fit a model on upright photos, on those of a file of corners or on both; the exit code."""
    model = poser(**options)
    photos = PosedPhotos.of(upright, corners)
    sheets = prepared(out, SHEETS, photos.sources, photos.paths)
    numbered = [(path, str(number)) for number, path in enumerate(photos.paths)]
    examples = read_copies(numbered, size, grey, options["jobs"])
    theta = photos.theta(examples, size, model.family)
    lost = background_of(model, options["background"], examples.images, options["jobs"])
    code = finish(model, " and ".join(photos.sources), examples.images, theta, out, sheets)
    return code or (FAILED if examples.failures or lost else 0)


@dataclass(frozen=True)
class PosedPhotos:
    """Photos whose pose is known: first the upright ones, then the rows of a file of corners."""

    sources: list[str]
    upright: list[str]
    rows: list[KnownCorners]

    @classmethod
    def of(cls, folder: str | None, file: str | None) -> "PosedPhotos":
        """All that folder and file name; of a photo in both, the file holds."""
        rows = [] if file is None else known_corners(file)
        named = {os.path.realpath(row.path) for row in rows}
        upright = [] if folder is None else photos_in(folder)
        photos = cls(
            [source for source in (folder, file) if source is not None],
            [path for path in upright if os.path.realpath(path) not in named],
            _with_corners(rows),
        )
        _check_enough(" and ".join(photos.sources), photos.paths)
        return photos

    @property
    def paths(self) -> list[str]:
        """Of all photos."""
        return [*self.upright, *(row.path for row in self.rows)]

    def theta(self, read: Examples, size: tuple[int, int], family: str) -> Array | None:
        """Theta of each photo that could be read; None if all are upright."""
        if not self.rows:
            return None
        theta = identities(family, len(read.images))
        places = zip(read.labels.astype(int).tolist(), read.shapes.tolist(), strict=True)
        for one, (number, shape) in enumerate(places):
            if number >= len(self.upright):
                row = self.rows[number - len(self.upright)]
                theta[one] = letterbox_theta(row, tuple(shape), size, family)
        return theta


def _with_corners(rows: list[KnownCorners]) -> list[KnownCorners]:
    """The rows of photos with a frame; it is said how many were marked as hopeless."""
    kept = [row for row in rows if row.corners is not None]
    if len(kept) < len(rows):
        click.echo(f"stn-cv: {len(rows) - len(kept)} photos marked as hopeless left out.", err=True)
    return kept


def poser(
    *,
    family: str,
    turn: float,
    scale: tuple[float, float] | None,
    shift: float | None,
    symmetry: int,
    canvases: int | None,
    jobs: int,
    seed: int,
    max_seconds: float | None = None,
    background: str | None,
) -> Any:
    """The transformer that the options ask for; what contradicts itself is refused."""
    from ..estimators import PoseTransformer
    from ..estimators.pose_examples import check_ranges

    model = PoseTransformer(
        family,
        angle=turn,
        scale=scale or "auto",
        shift="auto" if shift is None else shift,
        symmetry=symmetry,
        n_canvases=canvases or "auto",
        max_seconds=max_seconds,
        n_jobs=jobs,
        random_state=seed,
    )
    try:
        check_ranges(model)
    except InvalidInputError as error:
        raise InvalidInputError(f"{error} {OPTIONS}") from error
    if background is not None:
        photos_in(background)
    return model


@dataclass(frozen=True)
class UprightPhotos:
    """A folder of photos in the wanted pose, and the transformer that is to learn from them."""

    folder: str
    photos: list[str]
    model: Any
    background: str | None

    @classmethod
    def of(cls, folder: str, **options: Any) -> "UprightPhotos":
        """The photos in a folder; what contradicts itself is refused."""
        model, photos = poser(**options), photos_in(folder)
        _check_enough(folder, photos)
        return cls(folder, photos, model, options["background"])


def _check_enough(source: str, photos: list[str]) -> None:
    if len(photos) < FEWEST:
        raise InvalidInputError(
            f"{source!r} names {len(photos)} photos; wanted at least {FEWEST} examples."
        )


def photos_in(folder: str) -> list[str]:
    """All photos in a folder and below."""
    found, unreadable, _ = find_photos([folder])
    if unreadable:
        raise InvalidInputError(f"cannot read {unreadable[0][0]!r}: {unreadable[0][1]}.")
    if not found:
        raise InvalidInputError(
            f"{folder!r} holds no photo; wanted a folder of files of {format_names()}."
        )
    return [path for path, _ in found]


def background_of(model: Any, folder: str | None, images: Array, jobs: int) -> int:
    """Give the model its background pictures; how many could not be read."""
    if folder is None or not len(images):
        return 0
    side, channels = min(images.shape[1:3]), images.shape[3]
    pictures, failures = read_background(photos_in(folder), side, channels, jobs)
    say_failures(failures)
    if not pictures:
        raise InvalidInputError(f"no photo in {folder!r} could be read.")
    model.set_params(background=pictures)
    return len(failures)


def say_failures(failures: list[tuple[str, str]]) -> None:
    """Name what could not be read."""
    for path, reason in failures:
        click.echo(f"stn-cv: {printable(path)}: {reason}", err=True)


def finish(
    model: Any, source: str, images: Array, theta: Array | None, out: Path, sheets: list[Path]
) -> int:
    """Train, and leave the model and its two sheets; the exit code."""
    start = time.perf_counter()
    judge, interrupted = trained(model, source, images, theta)
    seconds = time.perf_counter() - start
    if interrupted and not getattr(model, "loss_curve_", None):
        click.echo("stn-cv: stopped before the first epoch was done: nothing written.", err=True)
        return INTERRUPTED
    save(model, out)
    rectified = model.transform(images)
    sheet = contact_sheet(images, model.predict_theta(images), rectified, n_pairs=len(images))
    write_bytes(sheets[0], encode(sheet, ".png"))
    found = judge.found(model.rectifier_)
    write_bytes(sheets[1], encode(found.sheet(), ".png"))
    click.echo(f"{len(images)} photos, {model.n_iter_} epochs in {seconds:.1f} s")
    click.echo(found.summary())
    names = " and ".join(printable(path.name) for path in sheets)
    click.echo(f"Wrote {printable(str(out))}, {names}.")
    say_next("rectify", str(out), "DIR", "-o", "upright", "--report", "upright.html")
    return INTERRUPTED if interrupted else 0


def trained(model: Any, source: str, images: Array, theta: Array | None) -> tuple[HeldOut, bool]:
    """Fit the model; what it is judged by, and whether Ctrl-C ended the training."""
    with _naming(source):
        judge = HeldOut(model, images, theta)
    with progress_bar("training") as show, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if hasattr(model, "set_callbacks"):
            model.set_callbacks(EpochNews(show))
        model.fit(images, theta)
    for warning in said:
        click.echo(f"stn-cv: {warning.message}", err=True)
    return judge, any(issubclass(warning.category, InterruptedWarning) for warning in said)


@contextmanager
def _naming(source: str) -> Iterator[None]:
    """Say of which examples an error speaks."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(f"{source!r}: {error}") from error
