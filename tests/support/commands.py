"""The `stn-cv` command: called in this process, or run in one of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest

from stn_cv.cli import main
from support.paths import ROOT

COMMAND = "import sys; sys.argv[0] = 'stn-cv'; from stn_cv.cli import main; main()"
SMALL_DEMO = [sys.executable, str(ROOT / "tests" / "support" / "small_demo.py")]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def called(program, *arguments):
    """Call a program in this process as a shell starts it: its exit code and what it said.

    What is promised of a process (signals, what it loads, users, disks) needs one of its own.
    """
    arguments = [os.fsdecode(argument) for argument in arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    code = 0
    with redirect_stdout(out), redirect_stderr(err), patch("sys.argv", arguments):
        try:
            program()
        except SystemExit as ended:
            code = ended.code or 0
            if isinstance(code, str):  # as the interpreter does it
                print(code, file=sys.stderr)
                code = 1
        out.flush()
        err.flush()
    said = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess(arguments, code, *said)


def stn_cv(*arguments):
    """Call the command in this process."""
    return called(main, "stn-cv", *arguments)


def stn_cv_process(*arguments, code=COMMAND):
    """Run the command, or other code that takes its arguments, in a process of its own."""
    command = [sys.executable, "-c", code, *map(os.fspath, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment())


def stn_cv_started(*arguments, code=COMMAND):
    """Start the command in a process of its own that a test then reads from, stops or kills."""
    command = [sys.executable, "-c", code, *map(os.fspath, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(), **pipes)


def on_a_terminal(*arguments):
    """Run the command with its standard error on a terminal: (exit code, what is shown there)."""
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        env=environment(TERM="xterm", COLUMNS="200"),
        stdout=subprocess.DEVNULL,
        stderr=child,
    ) as process:
        os.close(child)
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(parent)
    return process.returncode, shown.decode()


def small_demo(trouble, out, *options, **variables):
    command = [*SMALL_DEMO, trouble, "demo", "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**variables))
