"""``stn-cv align``: a model from nothing but photos of alike things."""

from pathlib import Path
from typing import Any

import click

from .config import config_options
from .options import ChoiceOf, HxW, jobs_option, pose_options, usage_errors
from .streams import c_libraries_silenced

__all__ = ["align"]


def _families() -> tuple[str, ...]:
    from ..geometry.corners import FAMILIES

    return tuple(name for name in FAMILIES if name not in ("translation", "attention"))


def _features() -> tuple[str, ...]:
    from ..alignment.features import FEATURES

    return tuple(FEATURES)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file."
)
@click.option(
    "--upright",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="One or a few photos in the wanted pose; without them all may stay turned by one angle.",
)
@click.option(
    "--size",
    type=HxW(),
    default="64x64",
    show_default=True,
    help="Size of the small copies that are compared; photos are letterboxed on it.",
)
@click.option("--grey", is_flag=True, help="Look at shades only; outputs keep colours.")
@click.option("--family", type=ChoiceOf(_families), default="similarity", show_default=True)
@click.option(
    "--templates",
    type=click.IntRange(min=1),
    help="Pictures that things are compared with; otherwise one for 50 photos, 20 at most.",
)
@click.option(
    "--spread",
    type=click.FloatRange(1, 4),
    default=1.0,
    show_default=True,
    help="Factor by which things in DIR differ in size at most, up and down.",
)
@click.option(
    "--compare",
    type=ChoiceOf(_features),
    default="grey",
    show_default=True,
    help="What photos are aligned by: their shades; or where shades change, for things that shine.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@jobs_option
@pose_options
@config_options
@c_libraries_silenced()
def align(folder: str, out: Path, **options: Any) -> int:
    """Learn a pose from photos of alike things, with nothing known of them.

    Photos in DIR are brought upright together; from the four fifths that agree best a model is
    trained as by fit --upright, so that one look rectifies further photos. Where two searches
    do not agree, that is said, and no model is written.
    """
    from .alignment import run

    with usage_errors():
        return run(folder, out, **options)
