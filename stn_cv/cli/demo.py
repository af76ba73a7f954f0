"""``stn-cv demo``."""

from pathlib import Path

import click

from .options import jobs_option, say_next, usage_errors

__all__ = ["demo"]


@click.command()
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    metavar="INTEGER",
    help="Of the data and the training.",
)
@jobs_option
@click.option(
    "--out",
    default="stn-cv-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the fitted model and the contact sheet.",
)
def demo(seed: int, jobs: int, out: Path) -> None:
    """Show on distorted digits what a transformer is worth, alone and among other digits."""
    from ..demo import run

    with usage_errors():
        run(seed, jobs, out)
    say_next("fit", "DIR", "--out", "model.stn")
