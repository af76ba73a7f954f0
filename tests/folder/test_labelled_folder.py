"""`load_folder`, `fit_folder`, `predict_folder` and `read_manifest`: the command, in Python."""

import csv
import filecmp
import io
import json

import numpy as np
import pytest
from support.bar_photos import bars
from support.commands import stn_cv

import stn_cv as library
from stn_cv import InvalidInputError

QUICK = {"localization": "mlp", "head": "linear", "max_iter": 6, "random_state": 3}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return bars(tmp_path_factory.mktemp("photos") / "data", 24)


@pytest.fixture(scope="module")
def model(photos, tmp_path_factory):
    fitted = library.fit_folder(photos, (16, 16), **QUICK)
    path = tmp_path_factory.mktemp("model") / "m.stn"
    library.save(fitted, path)
    return path


def test_fit_folder_fits_what_the_command_fits(photos, model, tmp_path):
    command = ["fit", photos, "--out", tmp_path / "m.stn", "--size", "16x16", "--epochs", "6"]
    more = ["--localization", "mlp", "--head", "linear", "--seed", "3", "--keep", "--jobs", "1"]
    done = stn_cv(*command, *more)
    assert done.returncode == 0, done.stderr
    assert filecmp.cmp(tmp_path / "m.stn", model, shallow=False)


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    data = bars(tmp_path / "data", 6)
    (data / "lying" / "bad.jpg").write_bytes(b"\xff\xd8\xff bad")
    examples = library.load_folder(data, (12, 12))
    assert len(examples.images) == len(examples.labels) == len(examples.paths) == 12
    ((path, reason),) = examples.failures
    assert path.endswith("bad.jpg") and reason
    with pytest.warns(UserWarning, match=r"1 photos could not be read.*bad\.jpg: ") as said:
        library.fit_folder(data, (12, 12), **{**QUICK, "max_iter": 1})
    assert said[0].filename == __file__


def test_groups_are_those_of_the_command(photos):
    examples = library.load_folder(photos, (16, 16), groups=r"(\d)\.")
    digits = [path.rsplit(".", 1)[0][-1] for path in examples.paths]
    pairs = set(zip(examples.groups.tolist(), digits, strict=True))
    assert len(pairs) == len({group for group, _ in pairs}) == 10
    assert library.load_folder(photos, (16, 16)).groups is None


def test_predict_folder_says_what_the_command_says(photos, model):
    said = stn_cv("predict", model, photos, "--format", "csv")
    rows = list(csv.reader(io.StringIO(said.stdout)))[1:]
    found = library.predict_folder(model, photos)
    assert [photo.input for photo in found] == [row[0] for row in rows]
    for photo, (_, label, confidence, *probabilities) in zip(found, rows, strict=True):
        assert photo.label == label and f"{photo.confidence:.6f}" == confidence
        assert [f"{value:.6f}" for value in photo.probabilities] == probabilities
        assert photo.error is None


def test_a_model_without_a_head_cannot_predict(photos):
    X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    poser = library.PoseTransformer(n_canvases=128, random_state=0).fit(X, None)
    assert y.any()
    with pytest.raises(InvalidInputError, match="holds no head"):
        library.predict_folder(poser, photos)


def test_read_manifest_gives_the_results_of_the_run(photos, model, tmp_path):
    manifest = tmp_path / "rows.jsonl"
    some = dict(exclude=("standing",), manifest=manifest)
    results = list(library.iter_rectified(model, photos, tmp_path / "up", **some))
    assert library.read_manifest(manifest) == results
    with open(manifest, "a") as file:  # tried again, and then killed while writing
        again = {**json.loads(manifest.read_text().splitlines()[3]), "status": "error"}
        file.write(json.dumps(again) + '\n{"input": "half')
    rows = library.read_manifest(manifest)
    assert len(rows) == len(results) and rows[3].status == "error"
    assert rows[:3] + rows[4:] == results[:3] + results[4:]


def test_columns_of_a_later_version_are_refused(tmp_path):
    row = {"input": "a", "output": "b", "status": "done", "theta": [[1]], "mood": "fine"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(InvalidInputError, match="'mood'"):
        library.read_manifest(tmp_path / "rows.jsonl")
