"""`stn-cv predict`: labels and probabilities of photos."""

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from support.commands import stn_cv
from support.folder_cases import files_below, fixed_model, rows_of, tree

import stn_cv as library


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_predict_says_what_the_head_says(fitted, tmp_path, form):
    photos = tree(tmp_path / "in", ["a.jpg", "sub/żółw 猫.png"], 40, 30)
    (photos / "bad.png").write_bytes(b"bad")
    done = stn_cv("predict", fitted[0] / "bars.stn", photos, "--format", form)
    assert done.returncode == 1 and done.stderr.count("bad.png") == 1
    out = done.stdout
    model = library.load(fitted[0] / "bars.stn")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        paths = [row["path"] for row in rows]
        found = [[float(row[name]) for name in model.classes] for row in rows]
    else:
        rows = [json.loads(line) for line in out.splitlines()]
        paths = [row["input"] for row in rows]
        found = [[row["probabilities"][name] for name in model.classes] for row in rows]
    assert paths == [str(photos / "a.jpg"), str(photos / "sub" / "żółw 猫.png")]
    for row, probabilities in zip(rows, found, strict=True):
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert float(row["confidence"]) == pytest.approx(max(probabilities), abs=1e-6)
        assert row["label"] == model.classes[int(np.argmax(probabilities))]


def test_a_model_that_computes_no_numbers_is_an_error_for_each_photo(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    model = fixed_model()
    model.network.vector[-2 * (16 * 16 * 3 + 1) :] = 3e38  # of the head
    library.save(model, tmp_path / "m.stn")
    done = stn_cv("predict", tmp_path / "m.stn", photos)
    assert done.returncode == 1 and done.stdout == "path,label,confidence,a,b\n"
    assert done.stderr.count("too large to compute") == 2 == done.stderr.count("\n")
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    done = stn_cv("rectify", tmp_path / "m.stn", photos, "-o", out, "--manifest", manifest)
    assert done.returncode == 1 and not files_below(out)
    assert [row["status"] for row in rows_of(manifest)] == ["error", "error"]


def test_predict_scores_the_photos_it_was_fitted_on(fitted):
    done = stn_cv("predict", fitted[0] / "bars.stn", fitted[0] / "data")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    hits = [
        Path(row["path"]).relative_to(fitted[0] / "data").parts[0] == row["label"] for row in rows
    ]
    assert len(rows) == 48 and np.mean(hits) > 0.7


def test_predict_of_what_is_not_there_writes_no_header(fitted):
    done = stn_cv("predict", fitted[0] / "bars.stn", os.devnull)
    assert done.returncode == 2 and "neither a folder nor a file" in done.stderr
    assert not done.stdout


def test_predict_needs_a_head(tmp_path):
    model = fixed_model()
    model.classes = None
    library.save(model, tmp_path / "m.stn")
    done = stn_cv("predict", tmp_path / "m.stn", tmp_path)
    assert done.returncode == 2 and "no head" in done.stderr
