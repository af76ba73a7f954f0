"""``stn-cv fit``: a model from labelled photos."""

from pathlib import Path
from typing import Any

import click

from .options import ChoiceOf, HxW, jobs_option, usage_errors
from .streams import c_libraries_silenced

__all__ = ["fit"]


def _families() -> tuple[str, ...]:
    from ..families import FAMILIES

    return tuple(FAMILIES)


def _localizations() -> tuple[str, ...]:
    from ..nn.architectures import LOCALIZATIONS

    return tuple(LOCALIZATIONS)


def _heads() -> tuple[str, ...]:
    from ..nn.architectures import HEADS

    return tuple(HEADS)


@click.command()
@click.argument("data", type=click.Path(exists=True))
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file."
)
@click.option(
    "--size",
    type=HxW(),
    default="64x64",
    show_default=True,
    help="Size of the small copies that the model looks at; photos are letterboxed on it.",
)
@click.option("--grey", is_flag=True, help="Look at shades only; outputs keep colours.")
@click.option("--family", type=ChoiceOf(_families), default="similarity", show_default=True)
@click.option("--localization", type=ChoiceOf(_localizations), default="cnn", show_default=True)
@click.option("--head", type=ChoiceOf(_heads), default="cnn", show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Time for the epochs, in which the training comes to its end.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.1,
    show_default=True,
    help="Share of the photos by which epochs are compared; 0 for none.",
)
@click.option(
    "--groups",
    metavar="column|near|REGEX",
    help="What keeps copies of one thing on one side of the split: the third column of the CSV, "
    "photos that look nearly the same, or what an expression matches in the path.",
)
@click.option("--keep", is_flag=True, help="Exit with 0 although the transformer learned no pose.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@jobs_option
@c_libraries_silenced()
def fit(data: str, out: Path, **options: Any) -> int:
    """Learn a pose from labelled photos.

    DATA is a folder with a subfolder of photos for each class, or a CSV file of path,label.
    A picture of the training and a contact sheet are written beside the model. At the end it
    is said what the head is worth with the transformer, without it, behind a fixed crop and
    behind image moments, on the photos kept back; where the transformer learned no pose, the
    command exits with 1.
    """
    from .training import run

    with usage_errors():
        return run(data, out, **options)
