"""Every recipe in pipelines/ runs as a user runs it."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

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


def means(lines, columns):
    """The last table that any_classifier.py prints: {name: (percent, ...)}."""
    start = next(i for i, line in enumerate(lines) if line.startswith("mean test accuracy"))
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 :]]
    assert all(len(row) == 1 + columns for row in rows)
    return {name: [float(value.rstrip("%")) for value in values] for name, *values in rows}


@pytest.mark.long
def test_any_classifier_gains_by_being_the_head(tmp_path):
    heads = ["PCA + LDA", "SVC(rbf)"]
    lines = run("any_classifier.py", tmp_path, "--seeds", "3", "--head", *heads).splitlines()
    table = means(lines, 4)
    assert list(table) == heads
    for alone, _, cnn, itself in table.values():
        assert itself > cnn + 2 and itself > alone + 30


@pytest.mark.long
@pytest.mark.parametrize("form", ["npz", "idx"])
def test_any_classifier_reads_mnist(form, tmp_path_factory, tmp_path):
    """Files as those of MNIST, of few and small digits."""
    scans, y = load_digits(return_X_y=True)
    images = np.pad(
        np.kron(scans.reshape(-1, 8, 8) * 15, np.ones((3, 3))), [(0, 0), (2, 2), (2, 2)]
    )
    images, y = images.astype(np.uint8), y.astype(np.uint8)
    path = tmp_path_factory.mktemp("data")
    parts = {"train": slice(300), "t10k": slice(300, 500)}
    if form == "npz":
        path = path / "mnist.npz"
        arrays = {"x_train": images[:300], "y_train": y[:300]}
        np.savez(path, **arrays, x_test=images[300:500], y_test=y[300:500])
    else:
        for name, part in parts.items():
            for kind, data in (("images-idx3", images[part]), ("labels-idx1", y[part])):
                header = bytes([0, 0, 8, data.ndim]) + np.array(data.shape, ">i4").tobytes()
                whole = gzip.compress(header + data.tobytes())
                (path / f"{name}-{kind}-ubyte.gz").write_bytes(whole)
    arguments = ["--data", str(path), "--seeds", "0", "--head", "RandomForestClassifier"]
    table = means(run("any_classifier.py", tmp_path, *arguments).splitlines(), 4)
    assert min(table["RandomForestClassifier"]) > 30


@pytest.mark.long
def test_any_classifier_compares_cross_fitting(tmp_path):
    arguments = ["--seeds", "3", "--head", "SVC(rbf)", "--cross-fitting"]
    table = means(run("any_classifier.py", tmp_path, *arguments).splitlines(), 2)
    assert min(table["SVC(rbf)"]) > 95
