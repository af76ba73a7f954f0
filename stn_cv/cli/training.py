"""What ``stn-cv fit`` does: read, train, save, and show how it went."""

import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..atomic import check_file_name, write_bytes
from ..errors import (
    CollapseWarning,
    InterruptedWarning,
    InvalidInputError,
    PoseWarning,
    TrainingDiverged,
)
from ..folder.collisions import check_apart, check_spared
from ..folder.examples import Examples, read_examples
from ..folder.files import check_writable
from ..folder.groups import groups_of
from ..folder.labels import labelled_photos, passed_over
from ..model.file import save
from ..opencv import encode
from ..pictures import contact_sheet
from .curve import training_curve
from .exit_codes import FAILED, INTERRUPTED
from .options import MODEL_SUFFIXES, printable, say_next, say_passed_over

__all__ = ["EpochNews", "prepared", "progress_bar", "read_copies", "run"]

if TYPE_CHECKING:
    from .pose_training import UprightPhotos

ADVICE = "try another --head, --family or --size"


def run(
    data: str,
    out: Path,
    *,
    size: tuple[int, int],
    grey: bool,
    groups: str | None,
    keep: bool,
    upright: "UprightPhotos | None" = None,
    **options: Any,
) -> int:
    """Fit a model on the photos in `data` and leave it, its curve and its sheet; the exit code."""
    pairs = labelled_photos(data)
    sources = [data, *([upright.folder] if upright else [])]
    photos = [*(path for path, _ in pairs), *(upright.photos if upright else [])]
    curve, sheet = prepared(out, (".curve.png", ".sheet.png"), sources, photos)
    say_passed_over(passed_over(data))
    examples, pose = _read(pairs, upright, size, grey, options["jobs"])
    _check_classes(pairs, examples)
    _check_validation(examples.labels.tolist(), options["validation"])
    numbers = _groups(groups, data, examples)
    start = time.perf_counter()
    model, interrupted = _trained(examples, numbers, pose, **options)
    seconds = time.perf_counter() - start
    if interrupted and not model.loss_curve_:
        click.echo("stn-cv: stopped before the first epoch was done: nothing written.", err=True)
        return INTERRUPTED
    save(model, out)
    write_bytes(curve, encode(training_curve(model.loss_curve_, model.validation_scores_), ".png"))
    write_bytes(sheet, encode(_sheet(model, examples), ".png"))
    _summarize(model, examples, seconds)
    click.echo(f"Wrote {printable(str(out))}, {printable(curve.name)} and {printable(sheet.name)}.")
    if interrupted:
        return INTERRUPTED
    worth_it = _worth_it(model)
    if worth_it or keep:
        say_next("rectify", str(out), "DIR", "-o", "upright", "--report", "upright.html")
    return FAILED if examples.failures or pose.failures or not (worth_it or keep) else 0


@dataclass(frozen=True)
class Pose:
    """Upright images, what learns from them, and how many photos could not be read."""

    images: Any = None
    model: Any = None
    failures: int = 0


def _read(
    pairs: list[tuple[str, str]],
    upright: "UprightPhotos | None",
    size: tuple[int, int],
    grey: bool,
    jobs: int,
) -> tuple[Examples, Pose]:
    """The labelled photos and the upright ones, read together, so that all are grey or none."""
    from .pose_training import background_of

    if upright is None:
        return read_copies(pairs, size, grey, jobs), Pose()
    paths = [*(path for path, _ in pairs), *upright.photos]
    read = read_copies([(p, str(number)) for number, p in enumerate(paths)], size, grey, jobs)
    numbers = read.labels.astype(int)
    n = int((numbers < len(pairs)).sum())
    labels = np.array([pairs[number][1] for number in numbers[:n]])
    labelled = replace(
        read, images=read.images[:n], labels=labels, paths=read.paths[:n], shapes=read.shapes[:n]
    )
    lost = background_of(upright.model, upright.background, read.images, jobs)
    return labelled, Pose(read.images[n:], upright.model, lost)


def _check_classes(pairs: list[tuple[str, str]], examples: Examples) -> None:
    """Refuse to leave out a class of which no photo could be read."""
    lost = sorted({label for _, label in pairs} - set(examples.labels.tolist()))
    if lost:
        names = ", ".join(map(repr, lost[:5]))
        raise InvalidInputError(f"no photo of the classes {names} could be read; mend them.")


def _groups(by: str | None, data: str, examples: Examples) -> Any:
    """The number of each photo's group, if there are to be groups."""
    if by is None:
        return None
    numbers = groups_of(by, data, examples.paths, examples.images)
    click.echo(f"{len(numbers)} photos in {len(set(numbers.tolist()))} groups")
    return numbers


def _worth_it(model: Any) -> bool:
    """Print what the transformer is worth; whether it learned a pose, as far as can be told."""
    report = model.pose_report_
    if report is None:
        return True
    click.echo(str(report))
    return not report.accuracy or (report.moves and report.pays is not False)


def prepared(
    out: Path, suffixes: tuple[str, ...], sources: list[str], photos: list[str]
) -> list[Path]:
    """The files beside the model, after a check that all can be written and spare what is read."""
    others = [_beside(out, suffix) for suffix in suffixes]
    check_apart([str(out.parent)], sources)
    check_spared([*sources, *photos], [out, *others])
    for path in (out, *others):
        check_file_name(path)
    check_writable(str(out.parent))
    return others


def _beside(model: Path, suffix: str) -> Path:
    """A file named after the model's, of which only the usual suffixes are left out."""
    stem = model.stem if model.suffix in MODEL_SUFFIXES else model.name
    return model.with_name(stem + suffix)


def read_copies(
    pairs: list[tuple[str, str]], size: tuple[int, int], grey: bool, jobs: int
) -> Examples:
    """Read photos, showing how far it is; those that cannot be read are named."""
    with progress_bar("reading") as show:
        examples = read_examples(pairs, size, grey, jobs, lambda count: show(count, len(pairs), ""))
    for path, reason in examples.failures:
        click.echo(f"stn-cv: {printable(path)}: {reason}", err=True)
    return examples


def _check_validation(labels: list[str], share: float | None) -> None:
    """Refuse too few photos for a share of them to hold all classes, and the rest as well."""
    counts = Counter(labels)
    kept = math.ceil((share or 0) * len(labels))
    if share and not (
        min(counts.values()) > 1 and len(counts) <= kept <= len(labels) - len(counts)
    ):
        raise InvalidInputError(
            f"{len(labels)} photos of {len(counts)} classes, {min(counts.values())} of the rarest, "
            f"are too few to judge the training by {kept} of them, with each class in both parts; "
            "give more photos, another --validation, or --validation 0."
        )


def _trained(
    examples: Examples,
    groups: Any,
    pose: Pose,
    jobs: int,
    epochs: int | None,
    seed: int,
    validation: float | None,
    **options: Any,
) -> tuple[Any, bool]:
    """The fitted classifier, and whether Ctrl-C ended its training."""
    from ..estimators import SpatialTransformerClassifier

    if pose.model is not None:
        options["localization"] = pose.model
        click.echo(f"learning the pose from {len(pose.images)} upright photos", err=True)
    model = SpatialTransformerClassifier(
        **options,
        max_iter="auto" if epochs is None else epochs,
        early_stopping="auto" if validation is None else validation > 0,
        validation_fraction=validation or "auto",
        n_jobs=jobs,
        random_state=seed,
    )
    with progress_bar("training") as show, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if hasattr(model, "set_callbacks"):
            model.set_callbacks(EpochNews(show))
        try:
            model.fit(examples.images, examples.labels, groups=groups, upright=pose.images)
        except KeyboardInterrupt:
            click.echo("stn-cv: stopped before the labels were learned: nothing written.", err=True)
            raise
        except TrainingDiverged as error:
            fact = str(error).partition(";")[0]  # what follows are parameters of the estimator
            raise TrainingDiverged(f"{fact}; {ADVICE}, or more --epochs.") from error
    for warning in said:
        if issubclass(warning.category, PoseWarning):
            continue  # the report's lines hold it
        collapse = issubclass(warning.category, CollapseWarning)
        fact = str(warning.message).partition(". Try")[0]
        click.echo(f"stn-cv: {f'{fact}; {ADVICE}.' if collapse else warning.message}", err=True)
    return model, any(issubclass(warning.category, InterruptedWarning) for warning in said)


class EpochNews:
    """A callback of scikit-learn's that shows each epoch."""

    def __init__(self, show: Any) -> None:
        self.show, self.total = show, 0

    def setup(self, estimator: Any, context: Any) -> None:
        """Learn how many epochs there will be."""
        self.total = context.max_subtasks

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing is done yet."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> None:
        """Say how an epoch went; the fit as a whole has no news."""
        if context.task_name == "epoch":
            losses, scores = fitted_estimator.loss_curve_, fitted_estimator.validation_scores_
            news = f"loss {losses[-1]:.4f}"
            news += f", validation accuracy {scores[-1]:.1%}" if scores else ""
            self.show(len(losses), self.total, news)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing was opened."""


@contextmanager
def progress_bar(name: str) -> Iterator[Any]:
    """``show(done, total, news)``: a bar on a terminal, elsewhere a line where there is news."""
    if not sys.stderr.isatty():
        yield _say
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    news = TextColumn("{task.description}")
    with Progress(
        TextColumn(name), BarColumn(), MofNCompleteColumn(), news, console=Console(stderr=True)
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total, news: progress.update(
            task, completed=done, total=total, description=news
        )


def _say(done: int, total: int, news: str) -> None:
    if news:
        click.echo(f"epoch {done} of {total}: {news}", err=True)


def _summarize(model: Any, examples: Examples, seconds: float) -> None:
    labels = examples.labels.tolist()
    counts = ", ".join(f"{label} {labels.count(label)}" for label in sorted(set(labels)))
    click.echo(f"{len(labels)} photos of {len(set(labels))} classes: {printable(counts)}")
    best = f"lowest loss {min(model.loss_curve_):.4f}"
    if model.validation_scores_:
        best = f"best validation accuracy {max(model.validation_scores_):.1%}"
    click.echo(f"{model.n_iter_} epochs in {seconds:.1f} s, {best}")


def _sheet(model: Any, examples: Examples) -> Any:
    """Training photos before and after, with the frame found in them."""
    return contact_sheet(
        examples.images,
        model.predict_theta(examples.images),
        model.transform(examples.images),
        examples.labels,
        model.predict(examples.images),
    )
