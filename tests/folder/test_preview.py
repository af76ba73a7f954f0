"""Previews and contact sheets."""

import errno
import os

import numpy as np
import pytest
from support.folder_cases import files_below, fixed_model, one, tree
from support.picture_files import (
    picture,
)

from stn_cv import iter_rectified, rectify_folder
from stn_cv.folder.preview import Sheet, thumbnails_of
from stn_cv.opencv import read_image, write_image
from stn_cv.pictures import frame_outline

MAXIMA = {"uint8": 255, "uint16": 65535, "float32": 1.0}


def test_previews_show_the_frame_and_the_output(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "sub/b.jpg"], 300, 400)
    write_image(photos / "a.png", np.full((300, 400, 3), 90, np.uint8))
    model = fixed_model((np.log(0.5), 0, 0, 0))
    rectify_folder(model, photos, tmp_path / "out", preview=tmp_path / "look", size="input")
    assert files_below(tmp_path / "look") == ["a.png.jpg", "sub/b.jpg"]
    preview = read_image(tmp_path / "look" / "a.png.jpg").astype(int)
    assert preview.shape == (300, 816, 3)
    orange = (np.abs(preview - (255, 94, 58)) < 60).all(axis=2)
    rows, columns = np.nonzero(orange[:, :400])
    assert abs(rows.min() - 74) < 5 and abs(rows.max() - 225) < 5
    assert abs(columns.min() - 100) < 7 and abs(columns.max() - 300) < 7
    out = read_image(tmp_path / "out" / "a.png").astype(int)
    assert np.abs(preview[:, 420:] - out[:, 4:]).max() < 12


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sheets_and_previews_of_any_photo(tmp_path, dtype, channels):
    pixels = picture(40, 20, channels) * (MAXIMA[dtype] / 255)
    write_image(tmp_path / "in.tiff", pixels.astype(dtype))
    sheet = tmp_path / "sheet.png"
    result = one(
        fixed_model(), tmp_path / "in.tiff", tmp_path / "out", preview=tmp_path, contact_sheet=sheet
    )
    assert result.status == "done", result.error
    assert read_image(sheet).ndim == 3 and read_image(tmp_path / "in.tiff.jpg").ndim == 3


def test_a_preview_that_cannot_be_written_is_named_itself(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", ["a.png", f"{'x' * 251}.png"])
    options = {"preview": tmp_path / "look"}
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", **options)
    ((_, reason),) = summary.failures  # the preview's name has four characters more
    assert "File name too long" in reason and "look" in reason and summary.done == 1
    assert files_below(tmp_path / "out") == ["a.png"]

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    options["existing"] = "overwrite"
    summary = rectify_folder(fixed_model(), photos / "a.png", tmp_path / "out", **options)
    named = str(tmp_path / "look" / "a.png.jpg")
    assert summary.failures[0][1] == f"No space left on device: {named!r}"


@pytest.mark.parametrize("shape", [(300, 200), (48, 96), (96, 96), (10, 40)])
def test_the_frame_on_a_sheet_is_that_of_the_photo(shape):
    """The corners of an identity's frame are those of the photo on its square of paper."""
    photo = np.zeros((*shape, 3), np.uint8)
    pair = thumbnails_of(photo, np.eye(2, 3), photo)
    rows, columns = np.nonzero((pair.before < 128).all(axis=2))
    corners = frame_outline(pair.theta, pair.before.shape)
    assert np.abs(corners[0] - (columns.min() - 0.5, rows.min() - 0.5)).max() <= 1
    assert np.abs(corners[2] - (columns.max() + 0.5, rows.max() + 0.5)).max() <= 1
    assert pair.before.shape == pair.after.shape == (96, 96, 3)


def test_a_contact_sheet_has_the_first_and_the_least_confident(tmp_path):
    photos = tree(tmp_path / "in", [f"{number:03d}.jpg" for number in range(12)], 20, 20)
    rows = list(
        iter_rectified(
            fixed_model(), photos, tmp_path / "out", contact_sheet=tmp_path / "new" / "sheet.png"
        )
    )
    assert all(row.status == "done" for row in rows)
    tall = read_image(tmp_path / "new" / "sheet.png")
    write_image(photos / "100.jpg", picture(20, 20))
    rectify_folder(
        fixed_model(), photos, tmp_path / "out", contact_sheet=tmp_path / "new" / "sheet.png"
    )
    small = read_image(tmp_path / "new" / "sheet.png")  # of the one photo that was new
    assert small.shape[0] < tall.shape[0]


@pytest.mark.parametrize(("label", "caption"), [("cat", "cat 42%"), (None, "42%")])
def test_a_caption_has_a_class_only_if_there_is_one(label, caption):
    photo, sheet = np.zeros((8, 8, 3), np.uint8), Sheet()
    sheet.add(thumbnails_of(photo, np.eye(2, 3), photo), label, 0.42)
    assert [said for said, _ in sheet.first] == [caption]
