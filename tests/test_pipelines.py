"""Every recipe in pipelines/ runs as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted((ROOT / "pipelines").glob("*.py"))


def run(recipe, folder, *arguments):
    """From a folder that is not the checkout, every warning an error."""
    command = [sys.executable, "-W", "error", str(ROOT / "pipelines" / recipe), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not list(Path(folder).iterdir()), "it left files behind"
    return done.stdout


def test_there_are_recipes():
    assert "digits.py" in [path.name for path in RECIPES]


@pytest.mark.parametrize("recipe", [path.name for path in RECIPES])
def test_help_tells_what_it_does(recipe, tmp_path):
    shown = run(recipe, tmp_path, "--help")
    assert f"usage: {recipe}" in shown and len(shown) > 100


@pytest.mark.long
def test_digits_reaches_what_is_promised(tmp_path):
    lines = run("digits.py", tmp_path).splitlines()
    table = dict(re.fullmatch(r"(\S.*?) +([\d.]+)%", line).groups() for line in lines)
    percent = {name: float(value) for name, value in table.items()}
    alone = [value for name, value in percent.items() if "ransformer" not in name]
    learned = [value for name, value in percent.items() if "ransformer" in name]
    assert len(alone) == 2 and max(alone) < 70
    assert len(learned) == 3 and min(learned) >= 94.5
