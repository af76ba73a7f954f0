"""The `stn-cv` command, run in a process of its own."""

import os
import subprocess
import sys

from support.paths import ROOT

COMMAND = "import sys; sys.argv[0] = 'stn-cv'; from stn_cv.cli import main; main()"
SMALL_DEMO = [sys.executable, str(ROOT / "tests" / "support" / "small_demo.py")]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def stn_cv_command(*arguments, code=COMMAND):
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment())


def small_demo(trouble, out, *options, **variables):
    command = [*SMALL_DEMO, trouble, "demo", "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**variables))
