"""The ``stn-cv`` command: a file a command, which imports what it needs when it is run."""

import sys

import click

from .. import __version__
from .align import align
from .corners import corners
from .demo import demo
from .doctor import doctor
from .exit_codes import FAILED, INTERRUPTED, MODEL_REFUSED
from .export import export
from .fit import fit
from .info import info
from .predict import predict
from .rectify import rectify
from .review import review
from .score import score
from .streams import check_working_folder, open_standard_streams
from .warmup import warmup

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stn-cv")
def commands() -> None:
    """Learned rectification for classical vision, on a CPU."""


for command in (
    *(fit, align, rectify, review, predict, score),
    *(corners, export, info, warmup, doctor, demo),
):
    commands.add_command(command)


def main() -> None:
    """Run the command; Ctrl-C exits with 130, what the user can mend with one line and a code."""
    open_standard_streams()
    from ..errors import InterruptedWarning, ModelFileError, StnError

    try:
        check_working_folder()
        code = commands(prog_name="stn-cv", standalone_mode=False)
    except (click.exceptions.Abort, InterruptedWarning):  # a demo's training raises the second
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (StnError, OSError) as error:
        click.echo(f"stn-cv: {_in_words(error)}", err=True)
        code = MODEL_REFUSED if isinstance(error, ModelFileError) else FAILED
    sys.exit(code)


def _in_words(error: Exception) -> str:
    """What is wrong; of a file, with its name and without the system's number for it."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    name = "" if error.filename is None else f": {error.filename!r}"
    return f"{error.strerror}{name}"
