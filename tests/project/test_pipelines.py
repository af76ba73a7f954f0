"""Every recipe in pipelines/ runs as a user runs it."""

import gzip
import itertools
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.commands import called
from support.paths import ROOT

RECIPES = [
    path for path in sorted((ROOT / "pipelines").glob("*.py")) if "__main__" in path.read_text()
]


def run(recipe, folder, *arguments):
    """From a folder that is not the checkout, every warning an error."""
    command = [sys.executable, "-W", "error", str(ROOT / "pipelines" / recipe), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not list(Path(folder).iterdir()), "it left files behind"
    return done.stdout


def call(recipe, *arguments):
    """In this process, from the folder that is current."""
    path = ROOT / "pipelines" / recipe
    with patch("sys.path", [str(path.parent), *sys.path]):
        return called(lambda: runpy.run_path(str(path), run_name="__main__"), recipe, *arguments)


def test_there_are_recipes():
    assert "digits.py" in [path.name for path in RECIPES]


@pytest.mark.parametrize("recipe", [path.name for path in RECIPES])
def test_help_tells_what_it_does(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(recipe, "--help")
    assert done.returncode == 0 and not done.stderr and not list(tmp_path.iterdir())
    assert f"usage: {recipe}" in done.stdout and len(done.stdout) > 100


@pytest.mark.long
def test_digits_reaches_what_is_promised(tmp_path):
    lines = run("digits.py", tmp_path).splitlines()
    table = dict(re.fullmatch(r"(\S.*?) +([\d.]+)%", line).groups() for line in lines)
    percent = {name: float(value) for name, value in table.items()}
    by_moments = [value for name, value in percent.items() if "moments" in name]
    alone = [percent["LogisticRegression"], percent["SVC(rbf)"]]
    learned = [value for name, value in percent.items() if "ransformer" in name]
    assert max(alone) < 70 and len(by_moments) == 2 and min(by_moments) > 96
    assert len(learned) == 3 and min(learned) >= 94.5


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory):
    """scikit-learn's digits in MNIST's shape: 1,200 to train on, 597 to test."""
    return digits_file(tmp_path_factory.mktemp("data"), 1200, 597)


@pytest.fixture(scope="module")
def tiny_mnist(tmp_path_factory):
    """Of them 200 and 50, where it does not matter what is learned."""
    return digits_file(tmp_path_factory.mktemp("data"), 200, 50)


def digits_file(folder, n_train, n_test):
    X, y = load_digits(return_X_y=True)
    X = np.kron(X.reshape(-1, 8, 8), np.ones((3, 3))) / 16 * 255
    X = np.pad(X, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    path = folder / "digits.npz"
    train, test = slice(n_train), slice(n_train, n_train + n_test)
    np.savez(path, X_train=X[train], y_train=y[train], X_test=X[test], y_test=y[test])
    return str(path)


def mnist(small_mnist, tmp_path, *arguments):
    out = tmp_path / "results.json"
    done = call("mnist.py", "--data", small_mnist, "--out", out, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(out.read_text())


def test_mnist_adds_each_run_to_its_results_and_table(small_mnist, tmp_path):
    options = ("--distortion", "R", "--model", "st-fcn", "--epochs", "5")
    (tmp_path / "here").mkdir()
    to = ("--data", small_mnist, "--out", str(tmp_path / "results.json"))
    run("mnist.py", tmp_path / "here", *to, *options, "--seed", "1")
    printed, results = mnist(small_mnist, tmp_path, *options, "--seed", "2")
    assert [result["seed"] for result in results] == [1, 2]
    for result in results:
        assert result["model"] == "st-fcn" and result["family"] == "affine"
        assert result["epochs"] == 5 and result["n_test"] == 597
        assert 0 < result["test_error"] < 60 and 0 < result["validation_error"] < 60
        assert result["parameters"] < 400_000 and result["threads"] >= 1
        assert result["machine"] and result["date"]
    mean = np.mean([result["test_error"] for result in results])
    row = printed.splitlines()[printed.splitlines().index(row_of("1.2, 0.8, 1.5, 2.7, 2.0")) + 1]
    assert f"{mean:.2f} ±" in row and "(2 seeds)" in row
    _, again = mnist(small_mnist, tmp_path, *options, "--epochs", "1", "--seed", "1")
    assert [result["seed"] for result in again] == [2, 1]  # the latest run of each seed
    shown, same = mnist(small_mnist, tmp_path, "--table")
    assert same == again and "(2 seeds)" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--epochs 0", "--epochs is 0"),
        ("--minutes nan", "--minutes is nan"),
        ("--minutes -5", "--minutes is -5"),
        ("--seed -1", "--seed is -1"),
        ("--jobs 0", "--jobs is 0"),
        ("--model cnn --family tps", "cnn has no transformer"),
        ("--out nowhere/r.json", "nowhere"),
        ("--out cut.json", "cut.json is no file of results"),
        ("--out other.json", "other.json is no file of results"),
        ("--out entry.json", "entry.json is no file of results: wanted a list of entries, each"),
        ("--out number.json", "number.json is no file of results"),
        ("--table --out entry.json", "entry.json is no file of results"),
        ("--model fcn --try n_steps=2", "n_steps does nothing here"),
        ("--distortion TC40 --try bend=2", "bend does nothing here"),
        ("--out .", ". is no file of results"),
        ("--table --out none.json", "no such file"),
        ("--try alpha", "--try is alpha; wanted one of alpha"),
        ("--try depth=3", "--try is depth=3"),
        ("--try n_steps=1.5", "--try is n_steps=1.5"),
    ],
)
def test_mnist_refuses_before_it_trains(tmp_path, monkeypatch, arguments, said):
    (tmp_path / "cut.json").write_text("[{")
    (tmp_path / "other.json").write_text('{"seed": 1}')
    (tmp_path / "entry.json").write_text('[{"seed": 1}]')
    (tmp_path / "number.json").write_text("[1]")
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    done = call("mnist.py", "--data", "none", *arguments.split())
    assert done.returncode == 2 and said in done.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("setting", ["alpha=nan", "batch_size=0", "learning_rate_init=0"])
def test_mnist_says_what_a_setting_should_be(small_mnist, setting, tmp_path):
    options = ["--data", small_mnist, "--out", tmp_path / "r.json", "--try", setting]
    done = call("mnist.py", "--epochs", "1", *options)
    assert done.returncode == 1
    assert f"'{setting.partition('=')[0]}' parameter" in done.stderr
    assert not list(tmp_path.iterdir())


def test_mnist_says_what_data_it_lacks(tmp_path):
    done = call("mnist.py", "--data", "none", "--out", tmp_path / "r.json")
    assert done.returncode == 1 and done.stderr.startswith("none: there is no such file")
    assert not list(tmp_path.iterdir())


def test_the_readme_shows_the_table_of_the_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = call("mnist.py", "--table").stdout.strip()
    readme = (ROOT / "pipelines" / "README.md").read_text("utf-8")
    assert len(shown.splitlines()) == 18 and shown in readme


ENDLESS = """
import runpy, signal, sys
import stn_cv, stn_cv.datasets

load, fitted = stn_cv.datasets.load_distorted_digits, stn_cv.SpatialTransformer

def few(**options):
    digits = load(**options)
    return type(digits)(*(part[:200] for part in digits))

def endless(**options):
    return fitted(**{**options, "max_iter": 100_000, "verbose": True})

stn_cv.datasets.load_distorted_digits, stn_cv.SpatialTransformer = few, endless
signal.signal(signal.SIGINT, signal.default_int_handler)
folder, recipe, *options = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = [recipe, *options]
runpy.run_path(f"{folder}/{recipe}", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to another process")
@pytest.mark.parametrize("recipe", ["mnist.py", "digits.py", "any_classifier.py"])
def test_half_a_training_has_no_figure(recipe, tiny_mnist, tmp_path):
    out = tmp_path / "r.json"
    out.write_text("[]")
    options = ["--data", tiny_mnist, "--model", "fcn", "--epochs", "100000", "--out", str(out)]
    options = {"mnist.py": options, "any_classifier.py": ["--head", "PCA + LDA"]}.get(recipe, [])
    started = subprocess.Popen(
        [sys.executable, "-u", "-c", ENDLESS, str(ROOT / "pipelines"), recipe, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    trained = (line for line in started.stdout if line.startswith("Epoch "))
    assert len(list(itertools.islice(trained, 2))) == 2
    started.send_signal(signal.SIGINT)
    after = started.communicate()[0]
    assert started.returncode == 130
    assert not re.search(r"test_error|Transformer.*%|behind", after)
    assert out.read_text() == "[]"


def test_mnist_tries_settings_without_the_test_digits(tiny_mnist, tmp_path):
    options = ("--distortion", "R", "--model", "st-fcn", "--epochs", "3", "--seed", "1")
    _, results = mnist(tiny_mnist, tmp_path, *options)
    said = [
        mnist(tiny_mnist, tmp_path, *options, "--try", *settings)
        for settings in (["alpha=0.05"], ["bend=0", "n_steps=1"])
    ]
    assert all(same == results and "test" not in printed for printed, same in said)
    same, other = (re.search(r"validation error ([\d.]+) % \((.*)\)", text)[2] for text, _ in said)
    assert float(same.split(", ")[0]) == results[0]["validation_error"]
    assert len(same.split(", ")) == 3 and other != same


def test_runs_that_end_together_are_all_added(tmp_path):
    pytest.importorskip("fcntl", reason="this system has no locks to wait for")
    code = """
import sys
from pathlib import Path
from mnist_results import add
for seed in range(20):
    result = {"distortion": "R", "model": sys.argv[2], "family": None, "seed": seed}
    add(Path(sys.argv[1]), {**result, "test_error": 1.0, "n_test": 10})
"""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'pipelines'}{os.pathsep}{ROOT}"}
    out = tmp_path / "r.json"
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(out), str(n)], env=environment)
        for n in range(4)
    ]
    assert [run.wait() for run in runs] == [0] * 4
    assert len(json.loads(out.read_text())) == 80
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def row_of(errors):
    return "| ST-FCN affine, paper | " + " | ".join(errors.split(", ")) + " |"


@pytest.mark.parametrize(
    ("model", "distortion", "budget"),
    [
        ("fcn", "TC", "--minutes 0.2"),
        ("cnn", "RTS", "--epochs 4"),
        ("st-cnn", "TC40", "--epochs 4"),
        ("cnn", "TC", "--epochs 4"),
    ],
)
def test_mnist_runs_every_model_within_its_parameters(
    tiny_mnist, tmp_path, monkeypatch, model, distortion, budget
):
    monkeypatch.setattr("time.perf_counter", itertools.count().__next__)  # no clock, but seconds
    options = ("--distortion", distortion, "--model", model, *budget.split())
    _, [result] = mnist(tiny_mnist, tmp_path, *options)
    assert result["parameters"] <= 400_000 and result["epochs"] >= 1
    assert result["family"] == ("affine" if model.startswith("st") else None)


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
