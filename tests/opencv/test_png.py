"""PNG: profiles that fit, chunks without end."""

import struct
import zlib

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


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_shade_of_grey_is_transparent(bits):
    largest = 2**bits - 1
    shades = np.random.default_rng(0).integers(0, largest + 1, (6, 16))
    shade = int(shades[2, 3])
    rows = np.unpackbits(shades.astype(">u2")[..., None].view(np.uint8), axis=-1)
    rows = np.packbits(rows.reshape(6, 16, 16)[..., 16 - bits :].reshape(6, -1), axis=1)
    header = struct.pack(">IIBBBBB", 16, 6, bits, 0, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = [(b"IHDR", header), (b"tRNS", struct.pack(">H", shade)), (b"IDAT", content)]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*c) for c in [*chunks, (b"IEND", b"")])
    white = 65535 if bits == 16 else 255
    came = decode(data)
    for channel in range(3):
        assert np.array_equal(came[..., channel], shades * (white // largest))
    assert np.array_equal(came[..., 3], np.where(shades == shade, 0, white))
