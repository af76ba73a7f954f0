"""AVIF: told by its content, upright, whole or refused, and written without loss."""

import io

import numpy as np
import pytest
from support.picture_files import CORNERS, UPRIGHT, Image, picture

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo, encode, format_of, header_of, quiet_and_serial

features = pytest.importorskip("PIL.features")
if not features.check("avif"):
    pytest.skip("this Pillow writes no AVIF", allow_module_level=True)


def saved(*images, **options):
    buffer = io.BytesIO()
    first, *others = map(Image.fromarray, images)
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(buffer, "AVIF", **more, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photo_comes_upright(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    pixels = decode(saved(CORNERS, exif=exif, quality=95))
    assert pixels.shape == UPRIGHT[orientation].shape
    difference = pixels[5::20, 5::20].astype(int) - UPRIGHT[orientation][5::20, 5::20]
    assert np.abs(difference).max() < 30


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_another_wrote_is_read_and_what_is_written_loses_nothing(channels):
    image = picture(channels=channels)
    data = saved(image)
    assert format_of(data).name == "AVIF" and header_of(data).channels == channels
    assert np.array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data))))
    assert np.array_equal(decode(encode(image, ".avif")), image)
    assert len(encode(image, ".avif", 40)) < len(encode(image, ".avif"))


def test_no_cut_is_accepted():
    data = saved(picture())
    with quiet_and_serial():
        for cut in range(0, len(data), max(len(data) // 99, 1)):
            with pytest.raises(InvalidInputError):
                decode(data[:cut])


def test_sequences_and_profiles():
    with pytest.raises(InvalidInputError, match="--first-page"):
        decode(saved(*(picture(seed=seed) for seed in range(3))))
    profile = bytes(range(200))
    assert decode_photo(saved(picture(), icc_profile=profile)).profile == profile
    with pytest.raises(InvalidInputError, match="cannot hold a colour profile"):
        encode(picture(), ".avif", profile=profile)
