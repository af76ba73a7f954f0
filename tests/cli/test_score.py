"""`stn-cv score`, and `fit` where it keeps copies together or learns no pose."""

import shutil

import numpy as np
from support.bar_photos import QUICK, bars
from support.commands import stn_cv

import stn_cv as library
from stn_cv.opencv import write_image


def test_the_share_is_that_of_predict(fitted):
    done = stn_cv("score", fitted[0] / "bars.stn", fitted[0] / "data")
    assert done.returncode == 0, done.stderr
    said = stn_cv("predict", fitted[0] / "bars.stn", fitted[0] / "data").stdout.splitlines()[1:]
    rows = [line.split(",") for line in said]
    right = np.mean([f"/{label}/" in path for path, label, *_ in rows])
    assert f"{right:.1%} ± " in done.stdout and "of 48 photos are told right" in done.stdout
    assert "lying" in done.stdout and "of 24" in done.stdout


def test_a_bad_photo_is_named_and_the_others_are_scored(fitted, tmp_path):
    data = bars(tmp_path / "data", 3)
    (data / "lying" / "bad.jpg").write_bytes(b"\xff\xd8\xff bad")
    done = stn_cv("score", fitted[0] / "bars.stn", data)
    assert done.returncode == 1 and "of 6 photos" in done.stdout
    assert done.stderr.count("bad.jpg") == 1


def test_labels_that_the_model_does_not_know(fitted, tmp_path):
    data = bars(tmp_path / "data", 2)
    (data / "lying").rename(data / "cat")
    (data / "standing").rename(data / "dog")
    done = stn_cv("score", fitted[0] / "bars.stn", data)
    assert done.returncode == 2 and "none of which the model knows" in done.stderr
    (data / "dog").rename(data / "standing")
    done = stn_cv("score", fitted[0] / "bars.stn", data)
    assert done.returncode == 0 and "0.0% of 2" in done.stdout


def test_one_level_too_high_is_refused_with_a_hint(tmp_path):
    for part in ("train", "test"):
        bars(tmp_path / "data" / part, 2)
    done = stn_cv("fit", tmp_path / "data", "--out", tmp_path / "m.stn", *QUICK)
    assert done.returncode == 2 and "folders such as lying, standing" in done.stderr
    assert str(tmp_path / "data" / "train") in done.stderr.replace("\n", "")


def test_classes_may_be_called_train_and_test(tmp_path):
    data = bars(tmp_path / "data", 6)
    (data / "lying").rename(data / "train")
    (data / "standing").rename(data / "test")
    command = ["fit", data, "--out", tmp_path / "m.stn", "--epochs", "1", "--validation", "0"]
    assert stn_cv(*command, *QUICK).returncode == 0


def test_groups_are_told_and_kept_together(tmp_path):
    data = bars(tmp_path / "data", 6)
    for photo in sorted(data.rglob("*.*")):
        shutil.copy(photo, photo.with_name(f"copy_{photo.name}"))
    command = ["fit", data, "--out", tmp_path / "m.stn", "--epochs", "1", *QUICK]
    done = stn_cv(*command, "--validation", "0.25", "--groups", r"(\w+/)(?:copy_)?")
    assert "24 photos in 2 groups" in done.stdout and done.returncode == 2  # a class is a group
    done = stn_cv(*command, "--validation", "0.25", "--groups", "(")
    assert done.returncode == 2 and "no regular expression" in done.stderr


def test_where_no_pose_is_learned_the_exit_code_says_so(tmp_path):
    """Discs and squares in one place tell themselves apart in any pose."""
    rng = np.random.default_rng(0)
    for kind, shade in (("dark", 60), ("light", 200)):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for i in range(100):
            pixels = np.clip(rng.normal(shade, 10, (20, 20, 3)), 0, 255).astype(np.uint8)
            write_image(tmp_path / "data" / kind / f"{i}.png", pixels)
    command = ["fit", tmp_path / "data", "--out", tmp_path / "m.stn", "--epochs", "2"]
    command += ["--validation", "0.25", *QUICK]
    done = stn_cv(*command)
    assert done.returncode == 1 and "on 50 images" in done.stdout, done.stdout + done.stderr
    assert "with the transformer" in done.stdout and "The transformer" in done.stdout
    assert library.load(tmp_path / "m.stn").classes.tolist() == ["dark", "light"]
    assert stn_cv(*command, "--keep").returncode == 0
