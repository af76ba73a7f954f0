"""Images damaged at random: each is decoded or refused in a line, and nothing else is said."""

import io
import time

import numpy as np
import pytest
from support.mutations import mutated
from support.picture_files import Image, picture, saved

from stn_cv import InvalidInputError
from stn_cv.opencv import decode_photo, encode, quiet_and_serial

SHORT, LONG = 40, 900  # mutations of each file; of all files over 20,000 in the long run
SLOWEST = 10.0  # seconds of CPU for one
RGB, GREY, DEEP = picture(), picture(channels=1), picture().astype(np.uint16) * 257
RGBA = np.dstack([RGB, GREY])


def tiff(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "TIFF", **options)
    return buffer.getvalue()


FILES = {
    "jpeg": lambda: saved(RGB, ".jpg"),
    "jpeg, progressive": lambda: saved(RGB, ".jpg", progressive=True, subsampling=0),
    "jpeg, grey, with EXIF": lambda: saved(GREY, ".jpg", exif=exif()),
    "jpeg, restarts": lambda: saved(RGB, ".jpg", restart_marker_rows=1),
    "jpeg, inks": lambda: saved(Image.fromarray(RGB).convert("CMYK"), ".jpg"),
    "png": lambda: saved(RGB, ".png"),
    "png, alpha": lambda: saved(RGBA, ".png", exif=exif()),
    "png, 16 bits": lambda: encode(DEEP, ".png"),
    "png, palette": lambda: saved(Image.fromarray(RGB).quantize(16), ".png", transparency=3),
    "png, transparent shade": lambda: saved(GREY, ".png", transparency=9),
    "webp": lambda: saved(RGB, ".webp", quality=70, lossless=False),
    "webp, lossless, alpha": lambda: saved(RGBA, ".webp", exif=exif()),
    "bmp": lambda: saved(RGB, ".bmp"),
    "bmp, palette": lambda: saved(Image.fromarray(RGB).quantize(16), ".bmp"),
    "tiff": lambda: tiff(RGB),
    "tiff, LZW": lambda: tiff(RGB, compression="tiff_lzw"),
    "tiff, deflate": lambda: tiff(RGBA, compression="tiff_adobe_deflate"),
    "tiff, packbits": lambda: tiff(GREY, compression="packbits"),
    "tiff, jpeg": lambda: tiff(RGB, compression="jpeg"),
    "tiff, big": lambda: tiff(RGB, big_tiff=True),
    "tiff, floats": lambda: encode(GREY.astype(np.float32) / 255, ".tiff"),
    "avif": lambda: encode(RGB, ".avif", 60),
}


def exif():
    block = Image.Exif()
    block[274] = 6
    return block


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


def fuzzed(name, count, capfd):
    data = FILES[name]()
    with quiet_and_serial():
        assert judged(data)
        accepted = sum(judged(mutated(data, [seed, len(name)])) for seed in range(count))
    assert accepted < count  # some damage is seen
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_harmless(name, capfd):
    fuzzed(name, SHORT, capfd)


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_damage_is_refused_or_harmless_in_full_count(name, capfd):
    fuzzed(name, LONG, capfd)
