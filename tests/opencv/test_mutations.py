"""Images damaged at random: each is decoded, or refused in a line."""

import io
import time

import pytest
from support.mutations import FILES, mutated
from support.picture_files import Image, picture

from stn_cv import InvalidInputError
from stn_cv.opencv import count_pages, decode_photo, page_alone, quiet_and_serial

SHORT, LONG = 40, 900  # mutations of each file; of all files over 20,000 in the long run
SLOWEST = 10.0  # seconds of CPU for one


def judged(data):
    """Whether it is decoded; what else than a refusal happens goes on."""
    start = time.process_time()
    try:
        pixels = decode_photo(data, max_pixels=10**7).pixels
    except InvalidInputError as error:
        assert str(error).strip() and "\n" not in str(error)
        pixels = None
    assert time.process_time() - start < SLOWEST
    if pixels is not None:
        assert pixels.size and pixels.dtype.name in ("uint8", "uint16", "float32")
    return pixels is not None


def fuzzed(name, count):
    data = FILES[name]()
    with quiet_and_serial():
        assert judged(data)
        accepted = sum(judged(mutated(data, [seed, len(name)])) for seed in range(count))
    assert accepted < count  # some damage is seen


@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_harmless(name):
    fuzzed(name, SHORT)


def fuzzed_pages(count):
    data = several()
    with quiet_and_serial():
        told = sum(judged_pages(mutated(data, [seed, 9])) for seed in range(count))
    assert 0 < told < 3 * count


def several():
    """A TIFF of three pages."""
    buffer = io.BytesIO()
    first, *others = (Image.fromarray(picture(seed=seed)) for seed in range(3))
    first.save(buffer, "TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def judged_pages(data):
    """How many pages are told, each of which is decoded or refused."""
    start, file = time.process_time(), io.BytesIO(data)
    try:
        count = count_pages(file)
    except InvalidInputError as error:
        assert str(error).strip()
        return 0
    for number in range(1, min(count, 5) + 1):
        try:
            page = page_alone(file, number, 10**8)
        except InvalidInputError as error:
            assert str(error).strip()
        else:
            assert len(page) < 4 * len(data) + 10**6
            judged(page)
    assert time.process_time() - start < SLOWEST
    return count


def test_pages_of_damaged_files_are_refused_or_harmless():
    fuzzed_pages(4 * SHORT)


@pytest.mark.long
def test_pages_of_damaged_files_are_refused_or_harmless_in_full_count():
    fuzzed_pages(4 * LONG)


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_harmless_in_full_count(name):
    fuzzed(name, LONG)
