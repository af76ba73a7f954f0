"""Shards: shares of a run that are done apart, in any order, as if they were done at once."""

import json
import os
from collections import Counter

import pytest
from support.commands import stn_cv
from support.folder_cases import contents, fixed_model, put, rows_of, tree

import stn_cv as library
from stn_cv import iter_rectified, rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder import Options, make_plan, plan

MODEL = fixed_model((0.1, 0.4, 0.05, 0))


@pytest.fixture(autouse=True)
def shards_of_three(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 3)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Twenty photos in folders whose names sort otherwise than their paths, one of them bad."""
    names = [f"{folder}{n}.png" for folder in ("", "a/", "a-/", "a/b/", "z/") for n in range(4)]
    folder = tree(tmp_path_factory.mktemp("photos") / "in", names, 12, 16)
    put(folder / "a" / "bad.png", b"\x89PNG\r\n\x1a\nbroken")
    put(folder / "z" / "notes.txt", b"no photo")
    return folder


@pytest.fixture(scope="module")
def at_once(photos, tmp_path_factory):
    """Outputs and rows of one run over everything."""
    folder = tmp_path_factory.mktemp("at_once")
    rectify_folder(MODEL, photos, folder / "out", manifest=folder / "m.jsonl")
    return contents(folder / "out"), told(folder / "m.jsonl", folder / "out")


def told(manifest, out):
    """Rows, less times and the name of the output folder."""
    rows = rows_of(manifest)
    for row in rows:
        row["output"] = row["output"] and os.path.relpath(row["output"], out)
        del row["milliseconds"]
    return rows


def same(tmp_path, at_once):
    return (contents(tmp_path / "out"), told(tmp_path / "m.jsonl", tmp_path / "out")) == at_once


def run(photos, tmp_path, **options):
    options = {"manifest": tmp_path / "m.jsonl", **options}
    return rectify_folder(MODEL, photos, tmp_path / "out", **options)


def test_shards_cover_the_tree_once_in_its_order(photos, tmp_path):
    whole = make_plan([photos], tmp_path / "out", Options())
    shards = [shard.items for shard in whole.shards()]
    paths = [item.source for items in shards for item in items]
    assert paths == sorted(str(path) for path in photos.rglob("*.png")) and len(paths) == 21
    assert {len(items) for items in shards[:-1]} == {3}
    apart = []
    for index in range(1, 5):
        mine = make_plan([photos], tmp_path / "out", Options(shard=(index, 4)))
        apart.extend((shard.number, shard.items) for shard in mine.shards())
    assert [items for _, items in sorted(apart)] == shards


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shards_done_apart_are_one_run(photos, at_once, tmp_path, order):
    done, passed_over = 0, Counter()
    for index in order:
        summary = run(photos, tmp_path, shard=(index, 3))
        done += summary.done
        passed_over.update(summary.passed_over)
        assert not (tmp_path / "m.jsonl").exists()
    assert done == 20 and passed_over == {".txt": 1}
    summary = run(photos, tmp_path)  # joins, and tries what failed once more
    assert (summary.done, summary.skipped, len(summary.failures)) == (0, 20, 1)
    assert same(tmp_path, at_once)
    assert sorted(os.listdir(tmp_path)) == ["m.jsonl", "out"]


def test_what_shards_left_out_is_done_by_the_run_that_joins(photos, at_once, tmp_path):
    run(photos, tmp_path, shard=(2, 5))
    summary = run(photos, tmp_path)
    assert summary.skipped and summary.done and summary.done + summary.skipped == 20
    assert same(tmp_path, at_once)


def test_a_shard_goes_on_by_its_rows(photos, at_once, tmp_path):
    run(photos, tmp_path, shard=(1, 2))
    parts = sorted((tmp_path / "m.jsonl.parts").iterdir())
    before = {path: path.read_bytes() for path in parts}
    again = run(photos, tmp_path, shard=(1, 2))
    assert again.done == 0
    whole = [path for path in parts if b'"error": null' in path.read_bytes()]
    assert any(path.read_bytes() == before[path] for path in whole)
    parts[0].unlink()  # as if killed after the outputs and before the part
    again = run(photos, tmp_path, shard=(1, 2))
    assert (again.done, again.skipped) == (3, len(contents(tmp_path / "out")) - 3)
    row = json.loads(parts[0].read_bytes().splitlines()[0])
    assert row["status"] == "done" and row["theta"]
    run(photos, tmp_path)
    assert same(tmp_path, at_once)


def test_a_photo_that_came_between_moves_the_others_and_loses_none(tmp_path):
    photos = tree(tmp_path / "in", [f"{n}.png" for n in range(1, 9)], 12, 16)
    for index in (1, 2):
        run(photos, tmp_path, shard=(index, 2))
    tree(photos, ["0.png"], 12, 16)
    run(photos, tmp_path, shard=(2, 2))
    (photos / "5.png").unlink()
    run(photos, tmp_path)
    rows = rows_of(tmp_path / "m.jsonl")
    wanted = [str(photos / f"{n}.png") for n in (0, 1, 2, 3, 4, 6, 7, 8)]
    assert [row["input"] for row in rows] == wanted
    assert all(row["theta"] and row["status"] == "done" for row in rows)


def test_an_output_that_is_not_what_would_be_written_is_told_as_skipped(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    put(tmp_path / "out" / "a.png", b"mine")
    run(photos, tmp_path, shard=(1, 1))
    run(photos, tmp_path)
    assert [row["status"] for row in rows_of(tmp_path / "m.jsonl")] == ["skipped", "done"]


def test_shards_run_side_by_side_but_not_with_a_whole_run(photos, tmp_path):
    pytest.importorskip("fcntl")
    first = iter_rectified(MODEL, photos, tmp_path / "out", shard=(1, 2))
    next(first)
    assert run(photos, tmp_path, shard=(2, 2)).done
    with pytest.raises(InvalidInputError, match="another run"):
        run(photos, tmp_path)
    first.close()
    whole = iter_rectified(MODEL, photos, tmp_path / "out")
    next(whole)
    with pytest.raises(InvalidInputError, match="another run"):
        run(photos, tmp_path, shard=(1, 2))


def test_the_same_shard_twice_at_once_is_one(photos, at_once, tmp_path):
    other = iter_rectified(
        MODEL, photos, tmp_path / "out", shard=(1, 1), manifest=tmp_path / "m.jsonl"
    )
    next(other)
    assert run(photos, tmp_path, shard=(1, 1)).done == 20
    assert [result.status for result in other].count("error") == 1  # the bad photo
    run(photos, tmp_path)
    assert same(tmp_path, at_once)


def test_a_part_that_is_none_is_refused(photos, tmp_path):
    run(photos, tmp_path, shard=(1, 2))
    put(tmp_path / "m.jsonl.parts" / "00000000.jsonl", b"a letter\n")
    with pytest.raises(InvalidInputError, match="no manifest"):
        run(photos, tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shard": (0, 4)}, "1/4 to 4/4"),
        ({"shard": (5, 4)}, "1/4 to 4/4"),
        ({"shard": (1, 2), "contact_sheet": "sheet.png"}, "whole run"),
    ],
)
def test_shards_that_make_no_sense_are_refused(photos, tmp_path, options, said):
    with pytest.raises(InvalidInputError, match=said):
        run(photos, tmp_path, **options)
    assert not (tmp_path / "out").exists()


# --- the command


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.stn"
    library.save(MODEL, path)
    return path


def test_the_command_does_shards_and_joins_them(model, tmp_path):
    photos = tree(tmp_path / "in", [f"{n}.png" for n in range(7)])
    command = ["rectify", model, photos, "-o", tmp_path / "out", "--manifest", tmp_path / "m.jsonl"]
    said = [stn_cv(*command, "--shard", f"{index}/4").stdout for index in (4, 2, 1, 3)]
    assert sum(int(line.split()[0]) for line in said if line) == 7
    joined = stn_cv(*command)
    assert joined.returncode == 0 and "0 rectified, 7 skipped" in joined.stdout
    assert [row["status"] for row in rows_of(tmp_path / "m.jsonl")] == ["done"] * 7
    for wrong in ("0/4", "5/4", "4", "a/b"):
        assert stn_cv(*command, "--shard", wrong).returncode == 2
