"""``stn-cv score``: how often a model is right on labelled photos."""

from pathlib import Path
from typing import Any

import click

from .exit_codes import FAILED
from .options import Place, existing_model, jobs_option, printable, usage_errors

__all__ = ["score"]


@click.command()
@existing_model
@click.argument("data", type=Place(exists=True))
@jobs_option
def score(model: Path, data: str, jobs: int) -> int:
    """Say what share of the labelled photos in DATA the MODEL tells right.

    DATA is as for `stn-cv fit`: a folder with a subfolder for each class, or a CSV file of
    path,label. For a figure that means something, take photos that are no copies of those
    that MODEL was fitted on.
    """
    from ..folder.labels import labelled_photos
    from ..folder.options import Options
    from ..folder.score import score_photos
    from ..model.file import load

    rectifier = load(model)
    with usage_errors():
        found = score_photos(rectifier, labelled_photos(data), Options(n_jobs=jobs))
    for path, reason in found.failures:
        click.echo(f"stn-cv: {printable(path)}: {reason}", err=True)
    if len(found.labels):
        _say(found)
    return FAILED if found.failures else 0


def _say(found: Any) -> None:
    right = found.right
    click.echo(
        f"{found.accuracy:.1%} \u00b1 {found.error:.1%} of {len(right)} photos are told right"
    )
    for kind, rows in (("right", right), ("wrong", ~right)):
        if rows.any():
            confidence = found.confidence[rows].mean()
            click.echo(f"mean confidence of {kind} answers: {confidence:.2f}")
    for label in sorted(set(found.labels.tolist())):
        own = found.labels == label
        click.echo(f"  {printable(label):20} {right[own].mean():6.1%} of {own.sum()}")
