"""Images damaged at random: each is decoded, or refused in a line."""

import time

import pytest
from support.mutations import FILES, mutated

from stn_cv import InvalidInputError
from stn_cv.opencv import decode_photo, quiet_and_serial

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


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_harmless_in_full_count(name):
    fuzzed(name, LONG)
