"""One photo rectified: what survives of it, and how large it becomes."""

import io
import os
import weakref
from pathlib import Path

import numpy as np
import pytest
from support.folder_cases import (
    fixed_model,
    one,
    put,
    quarter_turn,
)
from support.picture_files import (
    UPRIGHT,
    Image,
    picture,
    pillow_profile,
    saved,
    turned,
)

from stn_cv import opencv
from stn_cv.folder import item
from stn_cv.opencv import decode_photo, encode, read_image

PROFILE = bytes(range(256)) * 3
MAXIMA = {"uint8": 255, "uint16": 65535, "float32": 1.0}


PHOTOS = [
    (format.suffix, dtype, channels)
    for format in opencv.FORMATS
    if format.is_written
    for dtype in format.dtypes
    for channels in format.channels
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), PHOTOS)
@pytest.mark.parametrize("kind", [None, "png", "tiff", "jpg"])
def test_depth_and_channels_survive_or_the_option_is_named(tmp_path, suffix, dtype, channels, kind):
    pixels = picture(24, 24, channels) * (MAXIMA[dtype] / 255)
    pixels = pixels.astype(np.float32) if dtype == "float32" else np.rint(pixels).astype(dtype)
    path = put(tmp_path / f"a{suffix}", encode(pixels, suffix))
    came = read_image(path)
    result = one(quarter_turn(), path, tmp_path / "out", format=kind)
    held = opencv.format_named(f".{kind}" if kind else suffix)
    if dtype in held.dtypes and channels in held.channels:
        out = read_image(result.output)
        assert result.status == "done" and out.dtype == came.dtype and out.shape == came.shape
        if channels == 4:  # colours that cannot be seen may be lost, and floats be rounded
            seen = came[..., 3] > 0
            assert np.allclose(out[np.rot90(seen)], np.rot90(came)[np.rot90(seen)], atol=1e-6)
        elif not result.output.endswith(".jpg"):
            assert np.abs(out - np.rot90(came).astype(float)).max() < 1e-5
    else:
        assert result.status == "error" and "--format" in result.error
        assert not os.path.exists(result.output)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_output_is_upright_for_every_viewer(tmp_path, suffix, orientation):
    path = put(tmp_path / f"a{suffix}", turned(suffix, orientation))
    result = one(fixed_model(), path, tmp_path / "out", size="input")
    data = Path(result.output).read_bytes()
    assert Image.open(io.BytesIO(data)).getexif().get(274, 1) == 1
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert shown.shape == UPRIGHT[orientation].shape
    rows, columns = (np.array([1, 3]) * side // 4 for side in shown.shape[:2])
    difference = shown - UPRIGHT[orientation]  # in the middle of each quarter
    assert np.abs(difference[np.ix_(rows, columns)]).max() < 20


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
@pytest.mark.parametrize("kind", [None, "bmp"])
def test_a_colour_profile_survives_or_the_option_is_named(tmp_path, suffix, kind):
    path = put(tmp_path / f"a{suffix}", saved(picture(), suffix, icc_profile=PROFILE))
    result = one(fixed_model(), path, tmp_path / "out", format=kind)
    if kind is None:
        assert pillow_profile(Path(result.output).read_bytes()) == PROFILE
    else:
        assert "colour profile" in result.error and "--format" in result.error


def test_a_file_is_read_by_its_content_and_written_by_its_name(tmp_path):
    path = put(tmp_path / "really_a_png.jpg", saved(picture(), ".png"))
    result = one(fixed_model(), path, tmp_path / "out")
    assert Path(result.output).read_bytes().startswith(b"\xff\xd8")
    deep = put(tmp_path / "deep.jpg", encode(np.zeros((8, 8), np.uint16), ".png"))
    assert "--format" in one(fixed_model(), deep, tmp_path / "out").error


def test_of_several_pages_the_first_is_taken_when_asked_for(tmp_path):
    pages = [Image.fromarray(picture(seed=seed)) for seed in (1, 2)]
    data = saved(pages[0], ".tiff", save_all=True, append_images=pages[1:])
    path = put(tmp_path / "a.tiff", data)
    assert "--first-page" in one(fixed_model(), path, tmp_path / "out").error
    result = one(fixed_model(), path, tmp_path / "out", first_page=True, size="input")
    assert np.array_equal(read_image(result.output), picture(seed=1))


# --- sizes


@pytest.mark.parametrize(
    ("size", "shape"),
    [("native", (80, 80)), ("input", (60, 80)), ((33, 44), (33, 44)), ((200, 10), (200, 10))],
)
def test_sizes(tmp_path, size, shape):
    path = put(tmp_path / "a.png", encode(picture(60, 80), ".png"))
    result = one(fixed_model(), path, tmp_path / "out", size=size)
    assert read_image(result.output).shape == (*shape, 3)


def test_a_native_size_follows_the_scale_and_stays_bounded(tmp_path):
    path = put(tmp_path / "a.png", encode(picture(64, 64), ".png"))
    half = fixed_model((np.log(0.5), 0, 0, 0), output_shape=(8, 16))
    height, width = read_image(one(half, path, tmp_path / "out").output).shape[:2]
    assert width == 2 * height and abs(height * width - (64 * 64) // 4) < 100
    out = one(fixed_model((2, 0, 0, 0)), path, tmp_path / "wide", max_pixels=5000).output
    assert 4500 < np.prod(read_image(out).shape[:2]) <= 5000


def test_a_theta_found_on_the_small_copy_holds_on_the_photo(tmp_path):
    path = put(tmp_path / "a.png", encode(picture(480, 640), ".png"))
    result = one(quarter_turn(), path, tmp_path / "out")
    out = read_image(result.output)
    assert np.array_equal(out[:, 80:560], np.rot90(picture(480, 640)))


def test_the_photo_is_not_held_while_its_output_is_encoded(tmp_path, monkeypatch):
    """Encoding takes as much memory as the output."""
    alive, held = [], []

    def decoded(*arguments):
        photo = decode_photo(*arguments)
        alive.append(weakref.ref(photo.pixels))
        return photo

    def encoded(*arguments):
        held.append(alive[0]() is not None)
        return encode(*arguments)

    monkeypatch.setattr(item, "decode_photo", decoded)
    monkeypatch.setattr(item, "encode", encoded)
    path = put(tmp_path / "a.png", encode(picture(), ".png"))
    result = one(fixed_model(), path, tmp_path / "out", preview=tmp_path / "preview")
    assert result.status == "done" and held == [False]
