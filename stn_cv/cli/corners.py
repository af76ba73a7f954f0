"""``stn-cv corners``: a file of corners as another tool reads it."""

import click

from .options import ChoiceOf, printable, say_next, usage_errors

__all__ = ["corners"]


def _formats() -> tuple[str, ...]:
    from ..folder.corner_files import FORMATS

    return FORMATS


@click.command()
@click.argument("source", metavar="IN", type=click.Path(exists=True))
@click.argument("target", metavar="OUT", type=click.Path())
@click.option(
    "--format",
    type=ChoiceOf(_formats),
    default="csv",
    show_default=True,
    help="csv and coco are a file; labelme and dota a folder, with a file for each photo.",
)
def corners(source: str, target: str, format: str) -> int:
    """Convert a file of corners.

    IN is what `fit --corners` takes: a CSV, labelme, COCO, DOTA, CVAT for images or Label
    Studio. The angles of the last two become corners. Each photo is looked up, for its size.
    """
    from ..folder.corner_files import known_corners, measured, write_corners

    with usage_errors():
        rows = [measured(row) for row in known_corners(source)]
        left_out = write_corners(target, rows, format)
    click.echo(f"{len(rows) - left_out} photos written to {printable(target)}.")
    if left_out:
        click.echo(f"stn-cv: {left_out} hopeless photos left out: only csv names them.", err=True)
    say_next("fit", "--corners", target, "--out", "model.stn")
    return 0
