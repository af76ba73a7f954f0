"""The manifest: what its rows tell, and how it goes on."""

import json
import os
from hashlib import sha256

import numpy as np
import pytest
from support.folder_cases import contents, files_below, fixed_model, one, put, rows_of, tree
from support.picture_files import (
    picture,
)

import stn_cv
from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.opencv import encode, read_image


def test_a_manifest_tells_all(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "sub/b.jpg"], 30, 50)
    put(photos / "c.png", b"no image")
    model = tmp_path / "model.stn"
    stn_cv.save(fixed_model((np.log(0.5), np.pi / 6, 0.25, 0)), model)
    rectify_folder(model, photos, tmp_path / "out", manifest=tmp_path / "m.jsonl")
    first, bad, second = rows_of(tmp_path / "m.jsonl")
    assert first["input"] == str(photos / "a.png")
    assert first["output"] == str(tmp_path / "out" / "a.png")
    assert first["status"] == second["status"] == "done" and first["error"] is None
    assert np.shape(first["theta"]) == (2, 3)
    assert first["angle"] == pytest.approx(30) and first["scale"] == pytest.approx(1, rel=0.02)
    assert first["shift"] == pytest.approx([0.25 * 50 / 2, 0])  # half a canvas side is 25 pixels
    assert first["label"] in ("a", "b") and 0.5 <= first["confidence"] <= 1
    assert first["milliseconds"] > 0
    assert first["input_sha256"] == sha256((photos / "a.png").read_bytes()).hexdigest()
    assert first["model_sha256"] == sha256(model.read_bytes()).hexdigest()
    assert bad["status"] == "error" and "begin as no image" in bad["error"]
    assert bad["theta"] is None and bad["confidence"] is None


def test_a_model_without_a_head_has_no_confidence(tmp_path):
    model = fixed_model()
    model.classes = None
    path = put(tmp_path / "a.png", encode(picture(), ".png"))
    result = one(model, path, tmp_path / "out", contact_sheet=tmp_path / "sheet.png")
    assert result.status == "done" and result.confidence is None and result.label is None
    assert read_image(tmp_path / "sheet.png").shape[2] == 3


def test_a_manifest_goes_on_and_repeats_no_row(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png", "c.png"])
    good = (photos / "b.png").read_bytes()
    put(photos / "b.png", b"\x89PNG\r\n\x1a\nbroken")
    manifest = tmp_path / "m.jsonl"
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    first = rows_of(manifest)
    put(photos / "b.png", good)
    with open(manifest, "ab") as file:
        file.write(b'{"input": "half a row of a run that was ki')
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    assert (summary.done, summary.skipped) == (1, 2)
    again = rows_of(manifest)
    assert again[:3] == first
    assert [(row["output"][-5:], row["status"]) for row in again[3:]] == [("b.png", "done")]
    tree(photos, ["d.png"])
    (tmp_path / "out" / "d.png").write_bytes(b"was there without a row")
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    assert [row["status"] for row in rows_of(manifest)[4:]] == ["skipped"]


def test_a_row_that_was_lost_is_told_again_and_the_output_stays(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png", "c.png"])
    manifest, out = tmp_path / "m.jsonl", tmp_path / "out"
    rectify_folder(fixed_model(), photos, out, manifest=manifest)
    whole, outputs = rows_of(manifest), contents(out)
    lines = manifest.read_bytes().splitlines(keepends=True)
    bare = {"input": str(photos / "b.png"), "output": str(out / "b.png"), "status": "skipped"}
    for left in (lines[:2], [], [lines[0], lines[2], json.dumps(bare).encode() + b"\n"]):
        manifest.write_bytes(b"".join(left))
        summary = rectify_folder(fixed_model(), photos, out, manifest=manifest, limit=1)
        assert (summary.done + summary.skipped, summary.left) == (3, 0)
        rows = {row["output"]: row for row in rows_of(manifest)}
        for row in whole:
            again = {**rows[row["output"]], "milliseconds": 0}
            assert again == {**row, "milliseconds": 0}
        assert contents(out) == outputs


def test_what_was_finished_when_nobody_asked_any_more_has_a_row(tmp_path):
    photos = tree(tmp_path / "in", [f"{number}.png" for number in range(20)])
    manifest, out = tmp_path / "m.jsonl", tmp_path / "out"
    results = stn_cv.iter_rectified(fixed_model(), photos, out, manifest=manifest, n_jobs=3)
    next(results)
    results.close()
    rows = rows_of(manifest)
    assert sorted(os.path.basename(row["output"]) for row in rows) == files_below(out)
    assert len(rows) < 20 and all(row["theta"] for row in rows)


@pytest.mark.parametrize("content", [b"a letter\n", b'{"a": 1}\n', b"[1]\n", b"no line end"])
def test_a_file_that_is_no_manifest_is_not_added_to(tmp_path, content):
    photos = tree(tmp_path / "in", ["a.png"])
    letter = put(tmp_path / "letter.txt", content)
    with pytest.raises(InvalidInputError, match="no manifest"):
        rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=letter)
    assert letter.read_bytes() == content and not files_below(tmp_path / "out")
