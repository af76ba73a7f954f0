"""`stn-cv align`: a model from photos of which nothing is known."""

import numpy as np
import pytest
from support.commands import COMMAND, stn_cv, stn_cv_process
from support.folder_cases import files_below
from support.pose_cases import arrows, few_judges, turned
from support.upright_photos import QUICK

import stn_cv as library
from stn_cv.opencv import write_image


def photos_of(folder, images):
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        photo = (np.clip(image, 0, 1) * 255).astype(np.uint8)
        write_image(folder / f"{number:02}.png", photo)
    return folder


@pytest.fixture(scope="module", autouse=True)
def few():
    with few_judges():
        yield


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    """Arrows turned by up to 50 degrees."""
    root = tmp_path_factory.mktemp("align")
    degrees = np.random.default_rng(1).uniform(-50, 50, 60)
    return photos_of(root / "photos", turned(arrows(60, side=32, channels=3), degrees)[0])


def test_photos_that_agree_make_a_model(lying, tmp_path):
    upright = photos_of(tmp_path / "upright", arrows(3, side=32, seed=5, channels=3))
    command = ["align", lying, "--out", tmp_path / "out" / "m.stn", "--turn", "60"]
    done = stn_cv(*command, "--upright", upright, "--templates", "1", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "60 photos aligned: two searches agree" in done.stdout
    assert "48 photos, 2 epochs" in done.stdout and "of the trained examples" in done.stdout
    assert "--upright" not in done.stdout
    assert files_below(tmp_path / "out") == ["m.canvases.png", "m.sheet.png", "m.stn"]
    assert library.load(tmp_path / "out" / "m.stn").image_spec.width == 16


def test_photos_that_do_not_agree_are_told_plainly(tmp_path):
    noise = np.random.default_rng(0).random((120, 16, 16, 3))
    photos = photos_of(tmp_path / "photos", noise)
    done = stn_cv("align", photos, "--out", tmp_path / "out" / "m.stn", *QUICK)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "alignment failed" in done.stderr and "no model was written" in done.stderr
    assert "--symmetry" in done.stderr and files_below(tmp_path / "out") == []


def test_what_cannot_be_aligned_is_refused(lying, tmp_path):
    few = photos_of(tmp_path / "few", arrows(5, side=16, channels=3))
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ([few], ["few", "5 photos"]),
        ([tmp_path / "empty"], ["empty", "no photo"]),
        ([lying, "--upright", tmp_path / "empty"], ["empty", "no photo"]),
        ([lying, "--turn", "30", "--symmetry", "2"], ["symmetry is 2", "--turn"]),
    ):
        done = stn_cv("align", *arguments, "--out", tmp_path / "out" / "m.stn", *QUICK)
        assert done.returncode == 2, done.stderr
        assert all(word in done.stderr for word in words), done.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stage", ["the alignment", "the training"])
def test_ctrl_c_keeps_a_model_only_if_one_was_learned(lying, tmp_path, stage):
    search = "stn_cv.alignment.template_search"
    where = {
        "the alignment": f"from {search} import _Rounds as kind; name = 'step'",
        "the training": "from stn_cv.pose.objective import KnownPoses as kind; name = 'evaluate'",
    }
    code = f"""
import itertools
{where[stage]}
asked, calls = getattr(kind, name), itertools.count()
def pressed(self, *arguments):
    if next(calls) >= 4:
        raise KeyboardInterrupt
    return asked(self, *arguments)
setattr(kind, name, pressed)
{COMMAND}"""
    command = ["align", lying, "--out", tmp_path / "m.stn", "--turn", "60", "--templates", "1"]
    done = stn_cv_process(*command, *QUICK, code=code)
    assert done.returncode == 130 and "Traceback" not in done.stderr, done.stderr
    kept = stage == "the training"
    assert ("Wrote" in done.stdout) == kept == bool(files_below(tmp_path))
