"""`rectify --corrections`: just the photos of a file, by its corners."""

import csv

import numpy as np
import pytest
from support.commands import stn_cv
from support.folder_cases import contents, fixed_model, rows_of, tree

import stn_cv as library
from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.opencv import read_image

FRAME = [[8.0, 5.0], [33.5, 6.25], [31.0, 24.0], [7.0, 22.125]]  # no similarity's


def corrections(file, **frames):
    """A table of frames by photos' stems; None is hopeless."""
    with open(file, "w", newline="") as stream:
        for stem, frame in frames.items():
            numbers = [""] * 8 if frame is None else np.ravel(frame).tolist()
            csv.writer(stream).writerow([f"in/{stem}.png", 40, 30, *numbers])
    return file


@pytest.fixture
def run(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png", "c.png"])
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=tmp_path / "m.jsonl")
    return tmp_path


@pytest.mark.parametrize("size", ["native", "input", (20, 25)])
@pytest.mark.parametrize("family", ["similarity", "tps3"])
def test_just_its_photos_are_redone_by_their_corners(run, family, size):
    model = fixed_model((0,) * 4 if family == "similarity" else (0,) * 18, family)
    before = contents(run / "out")
    file = corrections(run / "c.csv", b=FRAME)
    options = {"corrections": file, "manifest": run / "m.jsonl", "size": size}
    summary = rectify_folder(model, run / "in", run / "out", **options)
    assert (summary.done, summary.skipped) == (1, 0)
    after = contents(run / "out")
    assert [name for name in before if before[name] != after[name]] == ["b.png"]
    wanted = model.rectify_photo(read_image(run / "in" / "b.png"), size, corners=FRAME)
    np.testing.assert_array_equal(read_image(run / "out" / "b.png"), wanted)
    row = rows_of(run / "m.jsonl")[-1]
    assert (row["status"], row["note"], row["confidence"]) == ("done", "corrected", None)
    if size == "native":
        corners = library.corners_from_theta(row["theta"], (30, 40))
        np.testing.assert_allclose(corners, FRAME, rtol=0, atol=1e-9)
    assert all(other["note"] is None for other in rows_of(run / "m.jsonl")[:-1])


def test_the_output_shows_what_lies_between_the_corners(run):
    """The middle of each corner pixel is that of the photo beneath it."""
    frame = [[30, 5], [30, 25], [10, 25], [10, 5]]  # a quarter turn: the photo's right is up
    photo = read_image(run / "in" / "a.png")
    out = fixed_model().rectify_photo(photo, (20, 20), corners=frame)
    np.testing.assert_array_equal(out, np.rot90(photo[5:25, 10:30], 1))


def test_a_hopeless_photo_stays_as_it_came(run):
    file = corrections(run / "c.csv", a=None, c=FRAME)
    options = {"corrections": file, "manifest": run / "m.jsonl"}
    summary = rectify_folder(fixed_model(), run / "in", run / "out", **options)
    assert (summary.done, summary.doubtful) == (1, 1)
    same = read_image(run / "out" / "a.png")
    np.testing.assert_array_equal(same, read_image(run / "in" / "a.png"))
    row = next(row for row in rows_of(run / "m.jsonl")[3:] if row["input"].endswith("a.png"))
    assert (row["status"], row["note"]) == ("doubtful", "hopeless")
    np.testing.assert_allclose(row["theta"], np.eye(2, 3), atol=1e-12)


@pytest.mark.parametrize(
    ("frames", "options", "reason"),
    [
        ({}, {}, "names no photo"),
        ({"none": FRAME}, {}, "there is no photo"),
        ({"a": FRAME}, {"source": "b.png"}, "not among the inputs"),
        ({"a": FRAME}, {"existing": "error"}, "existing is 'error'"),
        ({"a": FRAME}, {"shard": (1, 2)}, "leave the shard out"),
        ({"a": FRAME}, {"report": "s3://bucket/r.html"}, "wanted a file on this machine"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything(run, frames, options, reason):
    before = contents(run)
    file = corrections(run / "c.csv", **frames)
    source = run / "in" / options.pop("source", "")
    with pytest.raises(InvalidInputError, match=reason):
        rectify_folder(fixed_model(), source, run / "out", corrections=file, **options)
    assert contents(run) == {**before, "c.csv": file.read_bytes()}


def test_parts_of_a_manifest_that_were_not_joined_are_spared(run):
    options = {"manifest": run / "shards.jsonl"}
    rectify_folder(fixed_model(), run / "in", run / "apart", shard=(1, 1), **options)
    before = contents(run)
    file = corrections(run / "c.csv", a=FRAME)
    with pytest.raises(InvalidInputError, match="parts that no run has joined"):
        rectify_folder(fixed_model(), run / "in", run / "apart", corrections=file, **options)
    assert contents(run) == {**before, "c.csv": file.read_bytes()}


def test_a_folder_may_be_reached_by_a_link(run):
    (run / "link").symlink_to(run / "in")
    file = corrections(run / "c.csv", a=FRAME)
    summary = rectify_folder(fixed_model(), run / "link", run / "out", corrections=file)
    assert summary.done == 1


def test_corners_that_are_no_frame_cost_their_photo_only(run):
    file = corrections(run / "c.csv", a=FRAME[::-1], b=FRAME, c=np.array(FRAME) + 1000)
    summary = rectify_folder(fixed_model(), run / "in", run / "out", corrections=file)
    assert summary.done == 1 and len(summary.failures) == 2
    reasons = " ".join(reason for _, reason in summary.failures)
    assert "line 1 of" in reasons and "mirrors" in reasons and "line 3 of" in reasons


def test_the_command_takes_them(run):
    library.save(fixed_model(), run / "m.stn")
    file = corrections(run / "c.csv", a=FRAME, b=None)
    command = ["rectify", run / "m.stn", run / "in", "-o", run / "out", "--corrections", file]
    done = stn_cv(*command, "--dry-run")
    assert "2 to rectify, 0 to skip" in done.stdout
    done = stn_cv(*command)
    assert done.returncode == 0 and "1 rectified, 1 doubtful, 0 skipped" in done.stdout
