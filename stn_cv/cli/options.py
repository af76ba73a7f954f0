"""What several commands have in common: options, and names as a terminal may show them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from .exit_codes import NOTHING_MATCHED

__all__ = [
    "MODEL_SUFFIXES",
    "ChoiceOf",
    "HxW",
    "Place",
    "ShardOf",
    "Sources",
    "existing_model",
    "jobs_option",
    "nothing_matched",
    "photo_options",
    "pose_options",
    "printable",
    "say_next",
    "say_passed_over",
    "sources_argument",
    "usage_errors",
]


Sources = tuple[str, ...]
MODEL_SUFFIXES = (".stn", ".safetensors")


class ChoiceOf(click.Choice):  # type: ignore[type-arg]  # no generic before click 8.2
    """One of some words, which the library is asked for when they are needed, not before."""

    def __init__(self, words: Callable[[], Sequence[str]]) -> None:
        self.words = words
        self.case_sensitive = True

    @property
    def choices(self) -> Sequence[str]:  # type: ignore[override]
        """All the words."""
        return self.words()

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The word, or an error that names the nearest one."""
        from ..errors import one_of

        if value not in self.choices:
            self.fail(f"{value!r} is no choice; wanted {one_of(value, self.choices)}.", param, ctx)
        return value


class HxW(click.ParamType):  # type: ignore[type-arg]  # no generic before click 8.4
    """(height, width) written as 480x640, or one of some words."""

    name = "HxW"

    def __init__(self, *words: str) -> None:
        self.words = words

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As the help shows it."""
        return "|".join(["HxW", *self.words])

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The shape, or the word."""
        if isinstance(value, tuple) or value in self.words:
            return value
        match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", value)
        if match is None:
            words = "".join(f", or {word}" for word in self.words)
            self.fail(f"{value!r} is no size; wanted height x width, such as 480x640{words}.")
        return int(match[1]), int(match[2])


class Place(click.Path):
    """A path, or an address of an object store, of which nothing is asked yet."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The same text."""
        from ..storage import is_address

        return value if is_address(value) else super().convert(value, param, ctx)


def _jobs(context: click.Context, parameter: click.Parameter, value: int) -> int:
    if value == 0:
        raise click.BadParameter("0 threads do nothing; give a positive number, or -1.")
    return value


jobs_option = click.option(
    "--jobs", default=-1, show_default=True, callback=_jobs, help="Threads; -1 is all cores."
)
existing_model = click.argument(
    "model", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
sources_argument = click.argument(
    "sources", metavar="IN...", nargs=-1, required=True, type=Place(exists=True)
)


def _damaged() -> tuple[str, ...]:
    from ..folder.options import Damaged

    return get_args(Damaged)


def photo_options(command: Any) -> Any:
    """Which photos, and how large they may be."""
    for option in reversed(
        [
            click.option(
                "--glob",
                multiple=True,
                metavar="PATTERN",
                help="Only these names; repeatable.",
            ),
            click.option(
                "--exclude", multiple=True, metavar="PATTERN", help="Not these files or folders."
            ),
            click.option("--limit", type=click.IntRange(min=1), help="So many photos at most."),
            click.option(
                "--max-pixels",
                type=click.IntRange(min=1),
                default=89_478_485,
                show_default=True,
                help="Largest photo that is decoded.",
            ),
            click.option(
                "--first-page", is_flag=True, help="Take the first page or frame of several."
            ),
            click.option(
                "--damaged",
                type=ChoiceOf(_damaged),
                default="refuse",
                show_default=True,
                help="Photos of which data are known to be lost; keep takes what is left.",
            ),
        ]
    ):
        command = option(command)
    return command


POSE_OPTIONS = [
    click.option(
        "--turn",
        type=click.FloatRange(0, 180),
        default=180.0,
        show_default=True,
        help="Degrees by which things are turned at most, either way.",
    ),
    click.option(
        "--scale",
        type=(float, float),
        help="Smallest and largest size of things, relative to the upright picture; otherwise "
        "0.75 1.33, and where poses are known what they take up.",
    ),
    click.option(
        "--shift",
        type=click.FloatRange(0, 0.5),
        help="How far they are off at most, as a share of the picture's sides; otherwise 0.1, and "
        "where poses are known what they take up.",
    ),
    click.option(
        "--symmetry",
        type=click.IntRange(1, 12),
        default=1,
        show_default=True,
        help="How many turns of a thing look the same: 2 of a playing card.",
    ),
    click.option(
        "--background",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        help="Pictures of what may lie behind them.",
    ),
    click.option(
        "--canvases",
        type=click.IntRange(min=1),
        help="Training pictures that are drawn from the examples; 250 of each by default, 100,000 "
        "at least and 250,000 at most.",
    ),
]


def pose_options(command: Any) -> Any:
    """In what poses things may lie, and how long they are learned."""
    for option in reversed(POSE_OPTIONS):
        command = option(command)
    return command


class ShardOf(click.ParamType):  # type: ignore[type-arg]  # no generic before click 8.4
    """(I, N) written as I/N."""

    name = "I/N"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The two numbers."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value)
        if match is None:
            self.fail(f"{value!r} is no shard; wanted one of so many, such as 1/8 to 8/8.")
        return int(match[1]), int(match[2])


class usage_errors:  # noqa: N801  (a context manager, used as a verb)
    """Input that a command refuses before any work is a mistake in its usage."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Say it as click says what is wrong with an option."""
        from ..errors import InvalidInputError

        if isinstance(error, InvalidInputError):
            raise click.UsageError(str(error), click.get_current_context()) from error


def say_next(*command: str) -> None:
    """Say what to do next, as it may be typed."""
    import shlex

    click.echo(f"Next: {printable(shlex.join(['stn-cv', *command]))}")


def nothing_matched(sources: Sources) -> int:
    """Say so, and the exit code of it."""
    from ..opencv import format_names

    names = ", ".join(printable(source) for source in sources[:5])
    given = click.get_current_context().params
    if given.get("glob") or given.get("exclude"):
        why = "none is left by --glob and --exclude"
    else:
        why = f"wanted files of {format_names()}"
    click.echo(f"stn-cv: no photo found in {names}; {why}.", err=True)
    return NOTHING_MATCHED


def say_passed_over(counts: dict[str, int], quiet: bool = False) -> None:
    """Name the kinds of files that were taken for no photos."""
    if counts and not quiet:
        kinds = ", ".join(f"{n} {printable(kind)}" for kind, n in sorted(counts.items()))
        click.echo(f"stn-cv: passed over as no photos: {kinds}.", err=True)


def printable(name: str) -> str:
    """A file's name without what could steer a terminal or is no Unicode."""
    if name.isprintable():
        return name
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name
    )
