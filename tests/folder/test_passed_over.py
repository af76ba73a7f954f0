"""Nothing is left out in silence: other files are counted, classes without photos refused."""

import os

import pytest
from support.folder_cases import fixed_model, rows_of, tree

from stn_cv import InvalidInputError, read_manifest, rectify_folder
from stn_cv.folder.labels import labelled_photos, passed_over


def test_files_that_are_no_photos_are_counted_by_kind(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b/c.jfif", "d.JPE"])
    for name in ("x.gif", "y.GIF", "b/notes.txt", "README", ".hidden.gif"):
        (photos / name).write_bytes(b"x")
    os.symlink(photos / "a.png", photos / "link.png")
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 3 and not summary.failures
    assert summary.passed_over == {".gif": 2, ".txt": 1, "without suffix": 1, "links": 1}
    again = rectify_folder(fixed_model(), photos, tmp_path / "other", glob=["*.png"])
    assert again.done == 1 and again.passed_over == {}


def test_the_manifest_ends_with_what_was_passed_over_which_is_no_photo_of_it(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    (photos / "x.gif").write_bytes(b"x")
    (photos / "\x1bodd").write_bytes(b"x")
    manifest = tmp_path / "m.jsonl"
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    *told, last = rows_of(manifest)
    assert [row["status"] for row in told] == ["done", "done"]
    assert (last["input"], last["output"], last["status"]) == ("", "", "passed over")
    assert last["note"] == "1 .gif, 1 without suffix" and last.keys() == told[0].keys()
    assert [row.status for row in read_manifest(manifest)] == ["done", "done"]
    before = manifest.read_bytes()
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    assert manifest.read_bytes() == before
    tree(photos, ["c.png"])
    page = tmp_path / "r.html"
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest, report=page)
    assert [row["status"] for row in rows_of(manifest)[3:]] == ["done", "passed over"]
    assert "3 photos: 3 rectified" in page.read_text()


def test_a_photo_is_told_by_its_content_whatever_its_name(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.jpg"])
    names = {"a.png": ("photo", "x.gif", "b/IMG.HEIC"), "b.jpg": ("scan.dat", "y.txt")}
    for source, others in names.items():
        for name in others:
            (photos / name).parent.mkdir(exist_ok=True)
            (photos / name).write_bytes((photos / source).read_bytes())
    (photos / "notes.txt").write_text("no photo")
    options = {"manifest": tmp_path / "m.jsonl"}
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    assert summary.done == 7 and not summary.failures and summary.passed_over == {".txt": 1}
    for source, others in names.items():
        wanted = (tmp_path / "out" / source).read_bytes()
        assert all((tmp_path / "out" / name).read_bytes() == wanted for name in others)
    again = rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    assert again.skipped == 7
    converted = rectify_folder(fixed_model(), photos, tmp_path / "png", format="png", glob=["p*"])
    assert converted.done == 1 and (tmp_path / "png" / "photo.png").is_file()


def test_what_cannot_be_opened_is_passed_over(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    os.mkfifo(photos / "pipe")
    (photos / "b").write_bytes(b"")
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 1 and summary.passed_over == {"without suffix": 2}


@pytest.mark.parametrize("kind", ["empty", "link", "gif"])
def test_a_class_without_photos_is_refused_by_name(tmp_path, kind):
    photos = tree(tmp_path / "in", ["a/1.png", "b/2.png"])
    assert len(labelled_photos(photos)) == 2
    if kind == "link":
        os.symlink(photos / "a", photos / "third")
    else:
        (photos / "third").mkdir()
    if kind == "gif":
        (photos / "third" / "x.gif").write_bytes(b"x")
    with pytest.raises(InvalidInputError, match="class 'third'.*" + ("link" * (kind == "link"))):
        labelled_photos(photos)


def test_what_a_training_leaves_out_is_counted(tmp_path):
    photos = tree(tmp_path / "in", ["a/1.png", "b/2.png", "stray.png"])
    assert passed_over(photos) == {"photos beside the classes' folders": 1}
    for name in ("a/x.gif", "b/y.GIF", "notes.txt"):
        (photos / name).write_bytes(b"x")
    assert passed_over(photos) == {
        ".gif": 2,
        ".txt": 1,
        "photos beside the classes' folders": 1,
    }
    (tmp_path / "t.csv").write_text("in/a/1.png,a\nin/b/2.png,b\n")
    assert passed_over(tmp_path / "t.csv") == {}
