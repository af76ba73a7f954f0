"""Resolution and EXIF blocks: read from a photo, written to what comes of it."""

import io

import numpy as np
import pytest
from support.picture_files import Image, picture, saved

from stn_cv import InvalidInputError
from stn_cv.opencv import FORMATS, decode, decode_photo, descriptive_exif, encode
from stn_cv.opencv.format import HoldsExif

WITH_DPI = [".jpg", ".png", ".tiff", ".bmp"]
WITH_EXIF = [".jpg", ".png", ".webp"]
ORIENTATION, MAKER, TIME, PHOTO, PLACE, NOTE, WIDTH = 274, 271, 306, 34665, 34853, 37500, 40962


def block(orientation=6):
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER], exif[TIME] = orientation, "Maker", "2026:11:28 12:00:00"
    exif[PHOTO] = {33434: 0.01, NOTE: b"where it was", WIDTH: 4000, 40963: 3000}
    exif[PLACE] = {1: "N", 2: (48.0, 7.0, 30.0)}
    return exif


def raw(exif):
    return exif.tobytes().removeprefix(b"Exif\0\0")


def read(data):
    return Image.open(io.BytesIO(data)).getexif()


@pytest.mark.parametrize("dpi", [72, 300, 599.5])
@pytest.mark.parametrize("suffix", WITH_DPI)
def test_a_resolution_is_written_as_others_read_it(suffix, dpi):
    data = encode(picture(), suffix, dpi=dpi)
    off = 1 if suffix == ".jpg" else 0.02
    assert np.allclose(np.asarray(Image.open(io.BytesIO(data)).info["dpi"], float), dpi, atol=off)
    came = decode_photo(data)
    assert came.dpi == pytest.approx(dpi, abs=off)
    assert np.array_equal(came.pixels, decode(encode(picture(), suffix)))


@pytest.mark.parametrize("suffix", WITH_DPI)
def test_a_resolution_is_read_as_others_write_it(suffix):
    assert decode_photo(saved(picture(), suffix, dpi=(200, 200))).dpi == pytest.approx(200, abs=0.1)
    assert decode_photo(saved(picture(), suffix, dpi=(200, 100))).dpi is None
    assert decode_photo(encode(picture(), suffix)).dpi in (None, pytest.approx(96))


def test_units_and_places_of_a_resolution():
    exif = Image.Exif()
    exif[282] = exif[283] = 118.11
    exif[296] = 3
    for suffix in (".jpg", ".webp"):
        assert decode_photo(saved(picture(), suffix, exif=exif)).dpi == pytest.approx(300, abs=0.1)
    data = bytearray(saved(picture(), ".jpg", dpi=(50, 50)))
    data[13] = 2  # a centimetre
    assert decode_photo(bytes(data)).dpi == pytest.approx(127)


@pytest.mark.parametrize("place", [False, True])
@pytest.mark.parametrize("suffix", WITH_EXIF)
def test_exif_goes_along_without_orientation_notes_and_place(suffix, place):
    photo = decode_photo(saved(picture(), suffix, exif=block()))
    kept = descriptive_exif(photo.exif, (30, 20, 3), place)
    for target in WITH_EXIF:
        data = encode(picture(), target, exif=kept, dpi=300, profile=b"\0" * 200)
        exif = read(data)
        assert exif[MAKER] == "Maker" and exif[TIME].startswith("2026") and ORIENTATION not in exif
        of_photo = exif.get_ifd(PHOTO)
        assert float(of_photo[33434]) == pytest.approx(0.01)
        assert (of_photo[40963], of_photo[WIDTH]) == (30, 20) and NOTE not in of_photo
        assert (exif.get_ifd(PLACE) != {}) == place
        assert (b"N" in str(exif.get_ifd(PLACE)).encode()) == place
        assert b"where it was" not in data
        assert decode_photo(data).pixels.shape == picture().shape


def test_exif_of_a_tiff_is_read():
    photo = decode_photo(saved(picture(), ".tiff", tiffinfo={MAKER: "Maker"}))
    kept = descriptive_exif(photo.exif, (4, 5), True)
    assert read(encode(picture(), ".png", exif=kept))[MAKER] == "Maker"
    assert decode_photo(saved(picture(), ".tiff")).exif is None


def test_where_nothing_is_left_nothing_is_written():
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    assert descriptive_exif(raw(exif), (4, 5), True) is None


def test_a_block_that_is_none_is_refused_only_where_it_is_wanted():
    for bad in (b"II*\0\xff\xff\xff\xff", b"nothing", raw(block())[:-30], b""):
        data = saved(picture(), ".jpg", exif=b"Exif\0\0" + bad)
        exif = decode_photo(data).exif
        with pytest.raises(InvalidInputError, match="EXIF block cannot be read.*--metadata drop"):
            descriptive_exif(exif, (4, 5), False)


def test_formats_without_a_place_for_exif_refuse_it():
    for suffix in (f.suffix for f in FORMATS if f.is_written and not isinstance(f, HoldsExif)):
        with pytest.raises(
            InvalidInputError, match=r"cannot hold an EXIF block; write one of .jpg"
        ):
            encode(picture(), suffix, exif=raw(block()))
