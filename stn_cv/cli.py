"""The ``stn-cv`` command."""

import sys
from pathlib import Path

import click

from . import __version__

__all__ = ["main"]

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stn-cv")
def commands() -> None:
    """Learned rectification for classical vision, on a CPU."""


def _jobs(context: click.Context, parameter: click.Parameter, value: int) -> int:
    if value == 0:
        raise click.BadParameter("0 threads do nothing; give a positive number, or -1.")
    return value


@commands.command()
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    metavar="INTEGER",
    help="Of the data and the training.",
)
@click.option(
    "--jobs", default=-1, show_default=True, callback=_jobs, help="Threads; -1 is all cores."
)
@click.option(
    "--out",
    default="stn-cv-demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the fitted model and the contact sheet.",
)
def demo(seed: int, jobs: int, out: Path) -> None:
    """Show on distorted digits what a jointly trained transformer is worth."""
    from .demo import run

    run(seed, jobs, out)


def main() -> None:
    """Run the command; Ctrl-C exits with 130, what the user can mend with one line and 1."""
    from .errors import StnError

    try:
        code = commands(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (StnError, OSError) as error:
        click.echo(f"stn-cv: {error}", err=True)
        code = 1
    sys.exit(code)
