"""The `stn-cv` command itself: help, usage, and how a run of the demo ends."""

import os
import signal
import subprocess
import tomllib

import pytest
from support.commands import COMMAND, SMALL_DEMO, environment, small_demo, stn_cv, stn_cv_process
from support.paths import ROOT
from support.small_demo import WAITING

from stn_cv import __version__

HEAVY = ("sklearn", "scipy", "cv2", "numba", "rich", "numpy")


def test_pip_installs_the_command():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"stn-cv": "stn_cv.cli:main"}


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(option):
    for command in ([], ["demo"]):
        done = stn_cv(*command, option)
        assert done.returncode == 0 and not done.stderr
        assert " ".join(["Usage: stn-cv", *command]) in done.stdout
    assert "--seed" in done.stdout and "[default: stn-cv-demo]" in done.stdout


def test_version():
    done = stn_cv("--version")
    assert done.returncode == 0
    assert done.stdout.strip() == f"stn-cv, version {__version__}"


@pytest.mark.parametrize("option", ["--help", "--version", "no-such-command"])
def test_asking_loads_nothing_heavy(option):
    report = f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    code = f"import atexit, sys; atexit.register(lambda: {report})\n{COMMAND}"
    done = stn_cv_process(option, code=code)
    assert done.returncode in (0, 2) and done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "Commands"),
        (["no-such-command"], "no-such-command"),
        (["--no-such-option"], "--no-such-option"),
        (["demo", "no-such-argument"], "no-such-argument"),
        (["demo", "--seed", "one"], "--seed"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", str(2**32)], "--seed"),
        (["demo", "--jobs", "0"], "--jobs"),
        (["demo", "--out", str(ROOT / "LICENSE")], "--out"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(arguments, word):
    done = stn_cv(*arguments)
    assert done.returncode == 2
    assert word in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_a_folder_that_cannot_be_written_is_found_before_the_training(tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "folder"
    done = small_demo("data", out)  # would wait for the data
    assert done.returncode == 2
    assert f"Error: cannot write to '{out}': " in done.stderr and not done.stdout


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    done = small_demo("full disk", tmp_path)
    assert done.returncode == 1
    model = tmp_path / "model.safetensors"
    assert done.stderr == f"stn-cv: No space left on device: {str(model)!r}\n"
    assert not list(tmp_path.iterdir()) and "Wrote" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to another process")
@pytest.mark.parametrize("moment", ["data", "training", "writing"])
def test_ctrl_c_exits_with_130_and_leaves_nothing_half_written(tmp_path, moment):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [*SMALL_DEMO, moment, "demo", "--out", str(tmp_path)]
    with subprocess.Popen(command, env=environment(), **pipes) as process:
        try:
            assert process.stderr.readline().strip() == WAITING
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=50)
        finally:
            process.kill()
    assert process.returncode == 130
    assert not stderr.strip() and "Wrote" not in stdout
    assert ("test accuracy" in stdout) == (moment == "writing")
    assert not list(tmp_path.iterdir())
