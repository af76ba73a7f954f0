"""What goes along with a photo: its resolution, its EXIF block, its times."""

import os

import pytest
from support.folder_cases import fixed_model, one, put, rows_of
from support.picture_files import Image, picture, saved

from stn_cv.opencv import decode_photo

MAKER, PLACE = 271, 34853


def photo(folder, suffix=".jpg", **options):
    return put(folder / "in" / f"a{suffix}", saved(picture(60, 60), suffix, **options))


def exif():
    block = Image.Exif()
    block[MAKER], block[274] = "Maker", 6
    block[PLACE] = {1: "N", 2: (48.0, 7.0, 30.0)}
    return block


@pytest.mark.parametrize(
    ("size", "scale", "kept"),
    [("native", 0.0, True), ("native", 0.4, True), ("input", 0.0, False), ((30, 30), 0.0, False)],
)
def test_a_resolution_is_kept_where_pixels_are_the_photos(tmp_path, size, scale, kept):
    model = fixed_model((scale, 0.3, 0, 0))
    result = one(model, photo(tmp_path, dpi=(240, 240)), tmp_path / "out", size=size)
    with open(result.output, "rb") as file:
        assert decode_photo(file.read()).dpi == (240 if kept else None)


@pytest.mark.parametrize("metadata", ["drop", "keep", "keep-gps"])
def test_exif_is_copied_as_far_as_asked(tmp_path, metadata):
    path = photo(tmp_path, exif=exif())
    result = one(fixed_model(), path, tmp_path / "out", metadata=metadata)
    with Image.open(result.output) as image:
        kept = image.getexif()
    assert kept.get(MAKER) == (None if metadata == "drop" else "Maker")
    assert 274 not in kept and bool(kept.get_ifd(PLACE)) == (metadata == "keep-gps")


def test_a_format_without_a_place_for_it_is_an_error_that_names_the_options(tmp_path):
    path = photo(tmp_path, exif=exif())
    result = one(fixed_model(), path, tmp_path / "out", metadata="keep", format="bmp")
    assert result.status == "error" and "--metadata (metadata) or --format" in result.error
    plain = one(fixed_model(), photo(tmp_path, ".png"), tmp_path / "out", metadata="keep")
    assert plain.status == "done"


@pytest.mark.parametrize("times", ["new", "keep"])
def test_times_are_those_of_the_photo_if_wanted(tmp_path, times):
    path = photo(tmp_path)
    os.utime(path, ns=(1_000_000_000_000_000_000, 1_100_000_000_123_456_000))
    result = one(fixed_model(), path, tmp_path / "out", times=times, manifest=tmp_path / "m.jsonl")
    same = os.stat(result.output).st_mtime_ns == os.stat(path).st_mtime_ns
    assert same == (times == "keep")
    assert rows_of(tmp_path / "m.jsonl")[0]["status"] == "done"
