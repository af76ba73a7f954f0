"""The demo: on few digits and epochs, and its promised figures under the marker `long`."""

import os
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from support.commands import small_demo, stn_cv_process

import stn_cv
from stn_cv import demo
from stn_cv.datasets import load_distorted_digits
from stn_cv.opencv import decode

ROW = re.compile(r"│ (\S.*?) +│ +([\d.]+)% │ +[\d.]+ s │")
NOTICE = "Compiling the kernels, once"
MODELS = [demo.ALONE, demo.BEHIND, demo.WHOLE]
IN_CLUTTER = [demo.ALONE, demo.MOMENTS, demo.BEHIND, demo.POSED]

pytestmark = pytest.mark.compiled


def tables(done):
    """Accuracies of the distorted digits, and of those among others."""
    assert done.returncode == 0, done.stderr
    parts = done.stdout.split("each among three others")
    return [{model: float(percent) for model, percent in ROW.findall(part)} for part in parts]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The demo three times: with all kernels, without two of them, and again."""
    home = tmp_path_factory.mktemp("demo")
    out = home / "new" / "folder of [red] things"
    warm = small_demo("none", out, "--jobs", "1")
    cache = home / "cache"
    shutil.copytree(os.environ["NUMBA_CACHE_DIR"], cache)
    lacking = [file for name in ("adam", "relu") for file in cache.rglob(f"*.{name}.*.nbc")]
    for file in lacking:
        file.unlink()
    model = (out / "model.safetensors").read_bytes()
    first = small_demo("none", out, "--jobs", "1", NUMBA_CACHE_DIR=str(cache))
    second = small_demo("none", out, "--jobs", "2", NUMBA_CACHE_DIR=str(cache))
    return SimpleNamespace(
        warm=warm, first=first, second=second, lacking=lacking, out=out, model=model
    )


def test_the_table_has_a_line_for_each_model(runs):
    rows, among = tables(runs.first)
    assert list(rows) == MODELS and list(among) == IN_CLUTTER
    assert all(0 <= percent <= 100 for part in (rows, among) for percent in part.values())
    assert "100 training images, 100 test images of other digits" in runs.first.stdout
    assert not runs.first.stderr


def test_each_model_has_a_bar_that_is_full_at_the_end(runs):
    bars = re.findall(r"^(\S.*?) +━+ (\d+)/(\d+)", runs.first.stdout, re.MULTILINE)
    assert [name for name, _, _ in bars] == MODELS + IN_CLUTTER
    counts = "1 2 2 1 1 2 2".split()  # of epochs: of two looks one each
    assert [(done, total) for _, done, total in bars] == list(zip(counts, counts, strict=True))


def test_a_first_run_says_once_that_it_compiles_and_a_second_does_not(runs):
    assert len(runs.lacking) >= 2 and runs.first.stdout.count(NOTICE) == 1
    assert NOTICE not in runs.second.stdout + runs.second.stderr


def test_the_number_of_threads_changes_nothing(runs):
    assert tables(runs.warm) == tables(runs.first) == tables(runs.second)
    assert (runs.out / "model.safetensors").read_bytes() == runs.model


def test_it_leaves_a_model_and_a_contact_sheet_and_says_where(runs):
    names = ["contact_sheet.png", "model.safetensors"]
    assert sorted(path.name for path in runs.out.iterdir()) == names
    assert f"Wrote {runs.out / names[0]} and {runs.out / names[1]}," in runs.first.stdout


def test_the_model_rectifies_digits(runs):
    rectifier = stn_cv.load(runs.out / "model.safetensors")
    images = load_distorted_digits(n_copies=1).X_test[:5]
    assert rectifier.rectify(images).shape == (5, 16, 16)
    assert np.array_equal(rectifier.classes, range(10))


def test_the_contact_sheet_shows_something(runs):
    sheet = decode((runs.out / "contact_sheet.png").read_bytes())
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3 and min(sheet.shape[:2]) > 500
    shades = np.unique(sheet.reshape(-1, 3), axis=0)
    assert len(shades) > 100 and (sheet == 255).all(axis=2).mean() < 0.8


@pytest.mark.long
def test_three_seeds_reach_the_promised_accuracy(tmp_path):
    runs = [
        tables(stn_cv_process("demo", "--seed", str(i), "--out", str(tmp_path))) for i in range(3)
    ]
    means = {model: np.mean([rows[model] for rows, _ in runs]) for model in MODELS}
    assert means[demo.BEHIND] >= 95 and means[demo.WHOLE] >= 99, means
    among = {model: np.mean([rows[model] for _, rows in runs]) for model in IN_CLUTTER}
    assert among[demo.POSED] > max(among[demo.MOMENTS], among[demo.ALONE]) + 20, among
    assert all(rows[demo.BEHIND] > rows[demo.ALONE] + 50 for rows, _ in runs)
