"""PNG: profiles that fit, chunks without end."""

import numpy as np
import pytest
from support.photo_cases import photo_case
from support.picture_files import Image, picture, png_chunk, saved

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo

GREY_PROFILE = bytes(16) + b"GRAY" + bytes(108)


def test_a_profile_of_grey_is_not_written_to_colours():
    grey = Image.fromarray(picture(channels=1))
    both = decode_photo(saved(grey.convert("LA"), ".png", icc_profile=GREY_PROFILE))
    assert both.pixels.shape[2] == 4 and both.profile is None
    assert decode_photo(saved(grey, ".png", icc_profile=GREY_PROFILE)).profile == GREY_PROFILE
    assert decode_photo(photo_case("png_grey_alpha_grey_profile.png")).profile is None


def test_a_million_empty_chunks_are_refused():
    data = saved(picture(), ".png")
    many = data[:33] + png_chunk(b"teST", b"") * 100 + data[33:]
    assert np.array_equal(decode(many), picture())
    with pytest.raises(InvalidInputError, match="too many chunks"):
        decode(data[:33] + png_chunk(b"teST", b"") * 1_000_000 + data[33:])
