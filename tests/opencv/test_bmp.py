"""BMP: palettes behind the shortest header, runs that leave their rows."""

import io
import struct

import numpy as np
import pytest
from support.photo_cases import photo_case
from support.picture_files import Image

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo

RNG = np.random.default_rng(0)


def short_header(bits, width=13, height=5):
    """A file as OS/2 wrote it, and its pixels."""
    n = 1 << bits
    palette = RNG.integers(0, 256, (n, 3), np.uint8)
    numbers = RNG.integers(0, n, (height, width), np.uint8)
    digits = np.unpackbits(numbers[..., None], axis=2)[..., 8 - bits :].reshape(height, -1)
    row = -(-digits.shape[1] // 32) * 4
    packed = np.zeros((height, row), np.uint8)
    packed[:, : -(-digits.shape[1] // 8)] = np.packbits(digits, axis=1)
    start = 26 + 3 * n
    facts = struct.pack("<IHHIIHHHH", start + packed.size, 0, 0, start, 12, width, height, 1, bits)
    return b"BM" + facts + palette[:, ::-1].tobytes() + packed[::-1].tobytes(), palette[numbers]


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_palette_behind_the_shortest_header(bits):
    data, pixels = short_header(bits)
    assert np.array_equal(decode(data), pixels)


def test_the_palette_of_os2():
    data = photo_case("bmp_os2_palette.bmp")
    assert np.array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def run_lengths(runs, width=8, height=4):
    colours = b"".join(bytes([i, 255 - i, i // 2, 0]) for i in range(256))
    start = 54 + len(colours)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + info + colours + runs


def test_run_lengths():
    rows = b"".join(bytes([8, shade, 0, 0]) for shade in (40, 30, 20, 10))
    assert decode(run_lengths(rows + b"\0\1"))[:, 3, 2].tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize("first", [12, 9, 255])
def test_runs_that_leave_their_row_are_refused(first):
    rows = b"".join(
        bytes([n, shade, 0, 0]) for n, shade in ((first, 10), (8, 20), (8, 30), (8, 40))
    )
    with pytest.raises(InvalidInputError):
        decode(run_lengths(rows + b"\0\1"))


def test_a_profile_in_the_longest_header_is_not_lost():
    profile = saved_profile()
    rows = np.arange(24, dtype=np.uint8).tobytes()  # 2 x 4 pixels, from below
    start = 14 + 124
    facts = struct.pack("<IiiHHIIiiII", 124, 4, 2, 1, 24, 0, len(rows), 0, 0, 0, 0)
    facts += struct.pack("<4I4s", 0, 0, 0, 0, b"DEBM") + bytes(52)
    facts += struct.pack("<III", 124 + len(rows), len(profile), 0)
    size = start + len(rows) + len(profile)
    data = b"BM" + struct.pack("<IHHI", size, 0, 0, start) + facts + rows + profile
    photo = decode_photo(data)
    assert photo.profile == profile and photo.pixels[1, 0].tolist() == [2, 1, 0]
    assert decode_photo(data.replace(b"DEBM", b"BGRs")).profile is None


def saved_profile():
    ImageCms = pytest.importorskip("PIL.ImageCms")
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
