"""Photos of whose pose a model is not sure enough."""

import numpy as np
import pytest
from support.folder_cases import contents, files_below, fixed_model, rows_of
from support.pose_cases import arrows, quick

from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError, InvalidTypeError
from stn_cv.opencv import read_image, write_image


@pytest.fixture(scope="module")
def poser():
    return quick(angle=30).fit((arrows(8, side=32, channels=3) * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number, image in enumerate(arrows(4, side=40, seed=3, channels=3)):
        (folder / "sub").mkdir(exist_ok=True)
        noisy = image + rng.normal(0, 0.3 * number, image.shape)
        photo = (np.clip(noisy, 0, 1) * 255).astype(np.uint8)
        write_image(folder / ("sub" if number % 2 else "") / f"{number}.png", photo)
    return folder


@pytest.fixture(scope="module")
def between(poser, photos, tmp_path_factory):
    """A confidence that two photos are above and two below."""
    out = tmp_path_factory.mktemp("all")
    rectify_folder(poser, photos, out / "out", manifest=out / "m.jsonl")
    found = sorted(row["confidence"] for row in rows_of(out / "m.jsonl"))
    assert found[0] >= 0 and found[1] < found[2] and found[3] <= 1
    return (found[1] + found[2]) / 2


def statuses(manifest):
    return [row["status"] for row in rows_of(manifest)]


def test_doubtful_photos_stay_as_they_came(poser, photos, between, tmp_path):
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    summary = rectify_folder(poser, photos, out, min_confidence=between, manifest=manifest)
    assert (summary.done, summary.doubtful, summary.failures) == (2, 2, [])
    assert files_below(out) == files_below(photos)
    for row in rows_of(manifest):
        same = np.array_equal(read_image(row["input"]), read_image(row["output"]))
        assert same == (row["status"] == "doubtful") == (row["confidence"] < between)
        assert np.shape(row["theta"]) == (2, 3)
        assert (row["angle"] is None) == (row["status"] == "doubtful")


def test_doubtful_photos_are_set_aside_and_not_done_again(poser, photos, between, tmp_path):
    out, aside, manifest = (tmp_path / name for name in ("out", "aside", "m.jsonl"))
    options = {"min_confidence": between, "doubtful": aside, "manifest": manifest}
    summary = rectify_folder(poser, photos, out, **options)
    assert (summary.done, summary.doubtful) == (2, 2)
    assert sorted(files_below(out) + files_below(aside)) == files_below(photos)
    for row in rows_of(manifest):
        assert row["output"].startswith(str(aside if row["status"] == "doubtful" else out))
    before = contents(tmp_path)
    again = rectify_folder(poser, photos, out, **options)
    assert (again.done, again.doubtful, again.skipped) == (0, 0, 4)
    assert contents(tmp_path) == before


def test_doubtful_photos_are_left_out(poser, photos, between, tmp_path):
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    options = {"min_confidence": between, "doubtful": "skip", "manifest": manifest}
    assert rectify_folder(poser, photos, out, **options).doubtful == 2
    assert len(files_below(out)) == 2
    assert sorted(statuses(manifest)) == ["done", "done", "doubtful", "doubtful"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_confidence": 1.5}, "from 0 to 1"),
        ({"doubtful": "skip"}, "without a min_confidence"),
        ({"min_confidence": 0.5, "doubtful": 3}, "'keep', 'skip' or a folder"),
    ],
)
def test_what_makes_no_sense_is_refused(poser, photos, tmp_path, options, reason):
    with pytest.raises((InvalidInputError, InvalidTypeError), match=reason):
        rectify_folder(poser, photos, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_for_doubtful_photos_among_the_inputs_is_refused(poser, photos, tmp_path):
    with pytest.raises(InvalidInputError, match="inside the input"):
        rectify_folder(
            poser, photos, tmp_path / "out", min_confidence=0.5, doubtful=photos / "doubtful"
        )


def test_a_model_that_knows_no_confidence_is_refused(photos, tmp_path):
    with pytest.raises(InvalidInputError, match="fitted to poses"):
        rectify_folder(fixed_model(), photos, tmp_path / "out", min_confidence=0.5)
    assert not (tmp_path / "out").exists()
