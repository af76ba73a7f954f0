"""What a hurried user or a careless script gives: refused in a line, or done rightly."""

import os
import subprocess
import sys

import numpy as np
import pytest
from support.commands import COMMAND, environment, stn_cv
from support.folder_cases import contents, fixed_model, tree

from stn_cv import InvalidInputError, save, warp_affine
from stn_cv.folder.labels import labelled_photos


@pytest.fixture
def model(tmp_path):
    save(fixed_model(classes=("=cmd|'/C calc'!A0", "\x1b[2Jb\ud800", "-1")), tmp_path / "m.stn")
    return tmp_path / "m.stn"


def test_labels_steer_no_terminal_and_no_spreadsheet(model, tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    done = stn_cv("predict", model, photos)
    assert done.returncode == 0
    header = done.stdout.splitlines()[0]
    assert header == "path,label,confidence,'=cmd|'/C calc'!A0,\\x1b[2Jb\\ud800,-1"


def test_names_are_shown_as_they_are(model, tmp_path):
    """Libraries that draw on terminals take some names for pictures or for colours."""
    photos = tree(tmp_path / "in", [":smile:.png", "[red]b.png"])
    (photos / ":heart:.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    arguments = ["rectify", model, photos, "-o", tmp_path / "out"]
    planned, done = stn_cv(*arguments, "--dry-run"), stn_cv(*arguments, "-v")
    for name in (":smile:.png", "[red]b.png", ":heart:.png"):
        assert name in planned.stdout and name in done.stderr
    assert done.returncode == 1 and len(contents(tmp_path / "out")) == 2


def test_thousands_of_threads_are_refused(model, tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    done = stn_cv("rectify", model, photos, "-o", tmp_path / "out", "--jobs", "3000")
    assert done.returncode == 2 and "wanted 256 at most" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_link_that_leads_nowhere_is_no_output(model, tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    (tmp_path / "out").mkdir()
    os.symlink(tmp_path / "nowhere", tmp_path / "out" / "a.png")
    arguments = ["rectify", model, photos, "-o", tmp_path / "out", "--jobs", "1"]
    for _ in range(2):
        done = stn_cv(*arguments)
        assert done.returncode == 1 and "a link that leads nowhere" in done.stderr
    assert not (tmp_path / "nowhere").exists()
    os.unlink(tmp_path / "out" / "a.png")
    assert stn_cv(*arguments).returncode == 0
    assert sorted(contents(tmp_path / "out")) == ["a.png", "b.png"]


@pytest.mark.skipif(os.name == "nt", reason="a folder that is in use cannot be removed there")
def test_a_working_folder_that_is_gone(model, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.rmdir({str(gone)!r}); {COMMAND}"
    done = subprocess.run(
        [sys.executable, "-c", code, "info", str(model)],
        cwd=gone,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "stn-cv: the working folder was removed; change into another and run the command again.\n"
    )


def test_a_label_of_a_hundred_thousand_characters_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text(f"a.png,{'x' * 100_000}\nb.png,y\n")
    with pytest.raises(InvalidInputError, match="label in line 1 .* has 100000 characters"):
        labelled_photos(tmp_path / "labels.csv")


def test_a_mask_is_not_ignored():
    image = np.ma.masked_array(np.ones((4, 5)), np.eye(4, 5))
    with pytest.raises(InvalidInputError, match="images is a masked array"):
        warp_affine(image, np.eye(2, 3))
    assert warp_affine(np.ma.masked_array(np.ones((4, 5))), np.eye(2, 3)).shape == (4, 5)


def test_a_class_of_which_no_photo_can_be_read_is_refused_and_what_is_left_out_is_named(tmp_path):
    photos = tree(tmp_path / "in", ["a/1.png", "b/2.png", "c/3.png", "stray.png"])
    (photos / "b" / "2.png").write_bytes(b"broken")
    (photos / "c" / "x.gif").write_bytes(b"x")
    done = stn_cv("fit", photos, "--out", tmp_path / "m.stn")
    assert done.returncode == 2 and "no photo of the classes 'b' could be read" in done.stderr
    assert "passed over as no photos: 1 .gif, 1 photos beside the classes' folders." in done.stderr
    assert not (tmp_path / "m.stn").exists()
