"""The report of a run: what it shows, what it says of the rest, and that names are only names."""

import base64
import json
import re

import numpy as np
import pytest
from support.commands import stn_cv
from support.folder_cases import contents, files_below, fixed_model, rows_of, tree
from support.review_cases import MARKUP

import stn_cv as library
from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder.manifest_index import ManifestIndex
from stn_cv.folder.report import chosen, in_words
from stn_cv.opencv import decode


def cards_of(page):
    (data,) = re.findall(
        r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(data)


def picture_of(address):
    return decode(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    photos = tree(folder / "in", ["a.png", "sub/b.jpg", MARKUP], 300, 400)
    (photos / "broken.png").write_bytes(b"no image")
    model = fixed_model((np.log(0.7), np.pi / 6, 0.05, 0))
    summary = rectify_folder(model, photos, folder / "out", report=folder / "r.html")
    return folder, summary


def test_it_shows_each_photo_before_and_after_the_worst_first(run):
    folder, summary = run
    page = (folder / "r.html").read_text("utf-8")
    cards = cards_of(page)
    assert [card["status"] for card in cards] == ["error", "done", "done", "done"]
    assert "begin as no image" in cards[0]["error"] and cards[0]["before"] == ""
    sure = [card["confidence"] for card in cards[1:]]
    assert sure == sorted(sure)
    for card in cards[1:]:
        assert picture_of(card["before"]).shape == (108, 144, 3)
        assert max(picture_of(card["after"]).shape) == 144
        assert card["angle"] == pytest.approx(30) and len(card["outline"]) == 4
    assert "4 photos: 3 rectified, 0 doubtful, 1 failed" in page
    assert "Turn: median 30°" in page and "Confidence: median" in page
    assert summary.report == folder / "r.html"
    assert files_below(folder) == sorted({*files_below(folder)} - {"m.jsonl"})


def test_a_name_is_no_markup(run):
    page = (run[0] / "r.html").read_text("utf-8")
    assert any(card["name"].endswith(MARKUP) for card in cards_of(page))
    assert "<img src=x" not in page and "script-src 'sha256-" in page.replace("&#x27;", "'")
    assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page


def test_a_notebook_shows_it(run):
    shown = run[1]._repr_html_()
    assert shown.startswith("<iframe") and "srcdoc=" in shown and "<script" not in shown
    assert "<pre>" in library.folder.Summary(done=1)._repr_html_()


def test_with_a_manifest_it_tells_of_earlier_runs_as_well(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    options = {"manifest": tmp_path / "m.jsonl", "report": tmp_path / "r.html"}
    rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    tree(photos, ["a.png", "b.png"])
    rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert len(cards_of(page)) == 2 and len(rows_of(tmp_path / "m.jsonl")) == 2
    outputs = contents(tmp_path / "out")
    for _ in range(2):  # without one, photos that are done are looked at again for it
        rectify_folder(fixed_model(), photos, tmp_path / "out", report=tmp_path / "s.html")
    assert len(cards_of((tmp_path / "s.html").read_text("utf-8"))) == 2
    assert contents(tmp_path / "out") == outputs


def test_the_command_writes_one(tmp_path):
    library.save(fixed_model(), tmp_path / "m.stn")
    photos = tree(tmp_path / "in", ["a.png"])
    command = ["rectify", tmp_path / "m.stn", photos, "-o", tmp_path / "out"]
    assert stn_cv(*command, "--report", tmp_path / "r.html").returncode == 0
    assert "1 photo: 1 rectified" in (tmp_path / "r.html").read_text("utf-8")
    same = stn_cv(*command, "--report", tmp_path / "r.html", "--manifest", tmp_path / "r.html")
    assert same.returncode == 2 and "are one file" in " ".join(same.stderr.split())
    with pytest.raises(InvalidInputError, match="folder"):
        rectify_folder(fixed_model(), photos, tmp_path / "out", report=tmp_path)


def manifest_of(path, count, n_failed):
    """A manifest of invented rows."""
    rng = np.random.default_rng(0)
    with open(path, "w") as file:
        for number in range(count):
            row = {"input": f"in/{number}.png", "output": f"out/{number}.png", "status": "done"}
            row |= {"theta": [[1, 0, 0], [0, 1, 0]], "angle": float(rng.normal(0, 40))}
            row |= {"scale": 1.0, "label": f"class {number % 3}", "confidence": float(rng.random())}
            if number < n_failed:
                row |= {"status": "error", "error": "no", "theta": None, "angle": None}
                row |= {"confidence": None, "scale": None, "label": None}
            file.write(json.dumps(row) + "\n")
    return path


def test_of_many_the_failures_the_doubtful_the_turned_and_some_others_are_shown(tmp_path):
    index = ManifestIndex(manifest_of(tmp_path / "m.jsonl", 500, 40))
    numbers, why = chosen(index, 80)
    assert len(set(numbers.tolist())) == 80 and set(numbers.tolist()) == set(why)
    reasons = list(why.values())
    wanted = {"failure": 20, "least confident": 20, "most turned": 20, "at random": 20}
    assert {name: reasons.count(name) for name in wanted} == wanted
    doubtful = [number for number in why if why[number] == "least confident"]
    assert set(doubtful) == set(np.argsort(index.confidence)[:20].tolist())
    turned = [number for number in why if why[number] == "most turned"]
    others = np.setdiff1d(np.arange(40, 500), doubtful)
    most = others[np.argsort(-np.abs(index.angle[others]))][:20]
    assert set(turned) == set(most.tolist())
    assert index.status[numbers[:20]].tolist() == [0] * 20
    words = in_words(index, 80)
    assert "500 photos" in words and "420 are left out" in words
    assert len(chosen(index)[0]) == 500 and "left out" not in in_words(index, 500)


def test_the_last_row_of_a_photo_holds_and_a_torn_one_is_passed_over(tmp_path):
    path = manifest_of(tmp_path / "m.jsonl", 3, 1)
    again = json.loads(path.read_text().splitlines()[1]) | {"input": "in/0.png", "angle": 77.0}
    with open(path, "a") as file:
        file.write(json.dumps(again) + "\n" + '{"input": "in/1.png", "sta')
    index = ManifestIndex(path)
    assert len(index) == 3 and index.row(0)["angle"] == 77 and index.status.tolist() == [2, 2, 2]
    assert index.labels == ["class 1", "class 2"]
    path.write_text(path.read_text()[5:])
    with pytest.raises(InvalidInputError, match="no manifest"):
        ManifestIndex(path)
    with pytest.raises(InvalidInputError, match="changed meanwhile"):
        index.row(1)


def test_a_second_round_is_compared_on_the_photos_that_nobody_corrected(tmp_path):
    path = manifest_of(tmp_path / "m.jsonl", 5, 0)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    changes = []
    for model, confidence in [("a", 0.3), ("a", 0.5), ("b", 0.9)]:
        changes += [row | {"model_sha256": model, "confidence": confidence} for row in rows]
    changes.insert(10, rows[0] | {"model_sha256": "a", "confidence": None, "note": "corrected"})
    path.write_text("".join(json.dumps(row) + "\n" for row in changes))
    words = in_words(ManifestIndex(path), 5)
    assert "Of 4 photos not corrected" in words and "was 0.50 and is 0.90" in words
    path.write_text("".join(json.dumps(row) + "\n" for row in changes[:10]))
    assert "not corrected" not in in_words(ManifestIndex(path), 5)
