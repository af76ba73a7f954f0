"""What a daemon or cron may leave a command with: closed streams, a folder that is gone."""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["c_libraries_silenced", "check_working_folder", "open_standard_streams"]

ERROR = 2  # the descriptor of standard error


def open_standard_streams() -> None:
    """Put the null device where standard input, output or error is closed.

    Otherwise the next file that is opened, such as a manifest, would take its number, and C
    libraries write their messages into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that its encoding lacks are spelled out
            stream.reconfigure(errors="backslashreplace")


def check_working_folder() -> None:
    """Refuse to run where the working folder is gone: no path that is relative means anything.

    Raises
    ------
    InvalidInputError
        If it was removed.
    """
    from ..errors import InvalidInputError

    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise InvalidInputError(
            "the working folder was removed; change into another and run the command again."
        ) from error


@contextmanager
def c_libraries_silenced() -> Iterator[None]:
    """Let only this library write to standard error: lines of others name no photo.

    What they say that matters comes as the reason why a photo failed.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        with _descriptor_silenced():
            yield


@contextmanager
def _descriptor_silenced() -> Iterator[None]:
    """Let only Python write to standard error."""
    stream = sys.stderr
    if not isinstance(stream, io.TextIOWrapper) or _descriptor_of(stream) != ERROR:
        yield
        return
    stream.flush()
    kept = os.dup(ERROR)
    sys.stderr = open(kept, "w", 1, stream.encoding, stream.errors)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, ERROR)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(kept, ERROR)
        pythons, sys.stderr = sys.stderr, stream
        with contextlib.suppress(OSError):  # nobody reads any more
            pythons.close()


def _descriptor_of(stream: io.TextIOWrapper) -> int | None:
    try:
        return stream.fileno()
    except OSError:
        return None
