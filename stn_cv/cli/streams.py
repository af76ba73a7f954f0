"""Standard streams as a daemon or cron may leave them: closed."""

import io
import os
import sys

__all__ = ["open_standard_streams"]


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
