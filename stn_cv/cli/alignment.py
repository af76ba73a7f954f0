"""What ``stn-cv align`` does: read, align, train on what was found, show how it went."""

import math
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..arrays import Array
from ..errors import AlignmentWarning, InterruptedWarning, InvalidInputError
from ..folder.examples import Examples
from .exit_codes import FAILED, INTERRUPTED
from .pose_training import FEWEST, SHEETS, background_of, finish, photos_in, poser
from .training import prepared, read_copies

__all__ = ["run"]

CONFIDENT = 0.8  # share of the photos that the network learns from: the best correlated
UPRIGHT = "upright"  # label of the photos that are
ADVICE = (
    "Give more photos, crop them to the things they show, declare a --symmetry, narrow --turn, or "
    "try other --templates."
)


def run(
    folder: str,
    out: Path,
    *,
    upright: str | None,
    size: tuple[int, int],
    grey: bool,
    templates: int | None,
    spread: float,
    compare: str,
    **options: Any,
) -> int:
    """Align the photos in a folder, and leave a model trained on that; the exit code."""
    jobs = options["jobs"]
    model = poser(**options)
    photos = photos_in(folder)
    shown = [] if upright is None else photos_in(upright)
    if len(photos) * CONFIDENT < FEWEST:
        fewest = math.ceil(FEWEST / CONFIDENT)
        raise InvalidInputError(
            f"{folder!r} holds {len(photos)} photos, too few to be aligned; wanted at least "
            f"{fewest}, and better some hundred."
        )
    roots = [folder] if upright is None else [folder, upright]
    sheets = prepared(out, SHEETS, roots, [*photos, *shown])
    # Read together, so that all are grey or none is.
    pairs = [*((path, "") for path in photos), *((path, UPRIGHT) for path in shown)]
    read = read_copies(pairs, size, grey, jobs)
    images, examples = _parts(read, upright)
    alignment = _alignment(model, templates, spread, compare)
    code = _aligned(alignment, folder, images, examples)
    if code:
        return code
    kept = np.sort(np.argsort(-alignment.correlation_, kind="stable")[: _confident(len(images))])
    lost = background_of(model, options["background"], read.images, jobs)
    theta = alignment.theta_[kept]
    if model.family == "projective":
        theta = np.concatenate([theta, np.tile([[[0.0, 0.0, 1.0]]], (len(theta), 1, 1))], axis=1)
    code = finish(model, folder, images[kept], theta, out, sheets)
    return code or (FAILED if read.failures or lost else 0)


def _confident(n: int) -> int:
    return max(round(CONFIDENT * n), FEWEST)


def _parts(read: Examples, upright: str | None) -> tuple[Array, Array | None]:
    """The photos to align, and the upright ones."""
    shown = read.labels == UPRIGHT
    if upright is not None and not shown.any():
        raise InvalidInputError(f"no photo in {upright!r} could be read.")
    return read.images[~shown], read.images[shown] if shown.any() else None


def _alignment(model: Any, templates: int | None, spread: float, compare: str) -> Any:
    from ..estimators import JointAlignment

    return JointAlignment(
        templates or "auto",
        features=compare,
        angle=model.angle,
        scale=spread,
        symmetry=model.symmetry,
        n_jobs=model.n_jobs,
        random_state=model.random_state,
    )


def _aligned(alignment: Any, folder: str, images: Array, examples: Array | None) -> int:
    """Fit the alignment and say how it went; an exit code other than 0 where it failed."""
    click.echo(f"aligning {len(images)} photos", err=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            alignment.fit(images, upright=examples)
        except InvalidInputError as error:
            raise InvalidInputError(f"{folder!r}: {error}") from error
    kinds = {warning.category for warning in said}
    if InterruptedWarning in kinds:
        click.echo("stn-cv: stopped while photos were aligned: nothing written.", err=True)
        return INTERRUPTED
    agreed = f"two searches agree on the turns of {alignment.score_:.0%} of the photos"
    if AlignmentWarning in kinds:
        click.echo(
            f"stn-cv: alignment failed: {agreed}, so no pose is to be trusted and no model was "
            f"written. {ADVICE}",
            err=True,
        )
        return FAILED
    for warning in said:
        click.echo(f"stn-cv: {warning.message}", err=True)
    click.echo(f"{len(images)} photos aligned: {agreed}")
    if examples is None:
        click.echo("All of them may be turned by one angle still; --upright DIR settles it.")
    return 0
