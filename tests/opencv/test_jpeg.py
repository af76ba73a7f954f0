"""JPEG: damage that a decoder knows of, stray bytes, scans without end, sampling of colours."""

import io
import struct

import numpy as np
import pytest
from support.photo_cases import photo_case
from support.picture_files import Image, picture, saved

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo, encode

LARGE = picture(160, 240)


def without(data, start, end):
    return data[:start] + data[end:]


def restarted():
    data = saved(LARGE, ".jpg", restart_marker_blocks=4)
    return data, data.index(b"\xff\xd3")


def damaged():
    whole = saved(LARGE, ".jpg")
    data, marker = restarted()
    third = len(whole) // 3
    noise = np.random.default_rng(0).integers(0, 255, 500, dtype=np.uint8).tobytes()
    return {
        "the rest lost, but for the end": whole[:third] + whole[-2:],
        "a restart marker lost": without(data, marker, marker + 2),
        "zeros": whole[:third] + bytes(500) + whole[third + 500 :],
        "noise": whole[:third] + noise + whole[third + 500 :],
        "a second image behind a cut one": whole[:third] + whole,
    }


@pytest.mark.parametrize("kind", damaged())
def test_damaged_data_are_refused_with_the_decoders_reason_or_kept_if_wanted(kind):
    data = damaged()[kind]
    with pytest.raises(InvalidInputError, match=r"data are damaged \(.+\); .*--damaged keep"):
        decode(data)
    try:
        kept = decode_photo(data, keep_damaged=True)
    except InvalidInputError:  # no more can be made of a file with two starts
        assert kind.startswith("a second image")
        return
    assert kept.damage and kept.pixels.shape == LARGE.shape


def test_a_cut_jpeg_is_kept_if_wanted():
    whole = saved(LARGE, ".jpg")
    data = whole[: len(whole) // 2]
    with pytest.raises(InvalidInputError, match="its end is missing"):
        decode(data)
    kept = decode_photo(data, keep_damaged=True)
    assert "end is missing" in kept.damage
    assert np.array_equal(kept.pixels[:40], decode(whole)[:40])


def test_the_middle_lost():
    with pytest.raises(InvalidInputError, match="premature end"):
        decode(photo_case("jpeg_middle_lost.jpg"))


def test_bytes_between_markers_are_passed_over_as_by_every_viewer():
    data = saved(LARGE, ".jpg")
    first = 4 + struct.unpack_from(">H", data, 4)[0]
    for stray in (b"\0", b"stray", b"\xff\xff", b"\xff\0\xff"):
        assert np.array_equal(decode(data[:first] + stray + data[first:]), decode(data))


def test_decoding_is_that_of_opencv_and_others():
    for options in ({}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 3}):
        data = saved(LARGE, ".jpg", **options)
        assert np.array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data))))
    grey = saved(LARGE[..., 0], ".jpg")
    assert np.array_equal(decode(grey), np.asarray(Image.open(io.BytesIO(grey))))


def test_a_jpeg_of_thousands_of_scans_is_refused():
    data = saved(LARGE, ".jpg", progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    assert decode(data).shape == LARGE.shape
    with pytest.raises(InvalidInputError, match=r"20\d\d scans"):
        decode(data[:last] + scan * 2000 + data[-2:])


# --- sampling of colours


@pytest.mark.parametrize(("number", "name"), [(0, "444"), (1, "422"), (2, "420")])
def test_the_sampling_of_colours_is_kept(number, name):
    read = decode_photo(saved(LARGE, ".jpg", subsampling=number))
    assert read.sampling == name
    written = encode(read.pixels, ".jpg", sampling=read.sampling)
    assert decode_photo(written).sampling == name
    assert decode_photo(encode(LARGE, ".jpg")).sampling == "420"


def test_a_turned_photo_turns_its_sampling():
    exif = Image.Exif()
    exif[274] = 6
    assert decode_photo(saved(LARGE, ".jpg", subsampling=1, exif=exif)).sampling == "440"


def test_red_print_stays_red():
    read = decode_photo(photo_case("jpeg_444_red_text.jpg"))
    written = decode(encode(read.pixels, ".jpg", sampling=read.sampling))
    assert read.sampling == "444"
    assert np.abs(written.astype(int) - read.pixels).mean() < 1


@pytest.mark.parametrize("factors", [(0x22, 0x21, 0x12), (0x42, 0x11, 0x11)])
def test_samplings_that_are_not_read_are_not_called_damage(factors):
    data = bytearray(saved(LARGE, ".jpg", subsampling=0))
    frame = data.index(b"\xff\xc0") + 11  # behind the number, the factors and the table of one
    data[frame : frame + 9 : 3] = bytes(factors)
    with pytest.raises(InvalidInputError, match=r"a JPEG of a rare kind \(.+\); write it anew"):
        decode_photo(bytes(data), keep_damaged=True)
