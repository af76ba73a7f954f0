"""How far a run is: a bar on a terminal, a line now and then elsewhere; failures in any case."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from .options import printable

__all__ = ["reporter"]

EVERY = 5.0  # seconds from one plain line to the next
Report = Callable[[Any, int], None]


@contextmanager
def reporter(mode: str) -> Iterator[Report]:
    """What is to be told of each result and the number of photos to do.

    `mode` is "quiet", "verbose" (a line a photo) or "".
    """
    if mode != "" or not sys.stderr.isatty():
        yield _Lines(mode)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TaskProgressColumn(show_speed=True))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def report(result: Any, total: int) -> None:
            progress.update(task, total=total, advance=result.status != "skipped")
            if result.status == "error":
                progress.console.print(_failure(result), markup=False, emoji=False, soft_wrap=True)

        yield report


def _failure(result: Any) -> str:
    return f"stn-cv: {printable(result.input)}: {result.error}"


def _say(line: str) -> None:
    """Write a line, if anyone still reads: it must not end a run over photos."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


class _Lines:
    """Plain lines on stderr."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.tried = 0
        self.start = self.last = time.monotonic()

    def __call__(self, result: Any, total: int) -> None:
        """Failures at once; of the others each, none, or a count every few seconds."""
        self.tried += result.status != "skipped"
        if result.status == "error":
            _say(_failure(result))
        elif self.mode == "verbose":
            taken = "" if result.milliseconds is None else f" ({result.milliseconds:.0f} ms)"
            _say(f"{result.status}: {printable(result.input)}{taken}")
        now = time.monotonic()
        if self.mode == "" and now - self.last >= EVERY:
            self.last = now
            rate = self.tried / (now - self.start)
            left = max(total - self.tried, 0) / rate if rate else 0
            _say(f"{self.tried} of {total}, {rate:.1f} a second, {left:.0f} s left")
