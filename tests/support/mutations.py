"""Files damaged at random, the same for a seed: what a fuzzer does to bytes."""

import io
import struct

import numpy as np

from stn_cv.opencv import encode
from support.picture_files import Image, picture, saved

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)


def flipped(rng, data):
    """Some bits."""
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        data[at] ^= 1 << int(rng.integers(8))


def overwritten(rng, data):
    """A run of noise, of zeros, or of what stands elsewhere."""
    length = int(rng.integers(1, min(len(data), 256)))
    to, source = (int(n) for n in rng.integers(0, len(data) - length + 1, 2))
    noise = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
    choices = (noise, bytes(length), bytes(data[source : source + length]))
    data[to : to + length] = choices[int(rng.integers(3))]


def numbered(rng, data):
    """A number of 1, 2 or 4 bytes that makes readers stumble, mostly in the header."""
    layout = "<>"[int(rng.integers(2))] + "BHI"[int(rng.integers(3))]
    size = struct.calcsize(layout)
    reach = len(data) if rng.random() < 0.3 else min(len(data), 200)
    number = NUMBERS[int(rng.integers(len(NUMBERS)))] & (256**size - 1)
    struct.pack_into(layout, data, int(rng.integers(0, reach - size + 1)), number)


def cut(rng, data):
    """The end, or a piece, left out."""
    first = int(rng.integers(0, len(data)))
    end = len(data) if rng.random() < 0.5 else min(first + int(rng.integers(1, 64)), len(data))
    del data[first:end]


def repeated(rng, data):
    """A piece, once more."""
    first = int(rng.integers(0, len(data)))
    piece = data[first : first + int(rng.integers(1, 128))]
    at = int(rng.integers(0, len(data) + 1))
    data[at:at] = piece


WAYS = (flipped, overwritten, numbered, cut, repeated)


def mutated(data, seed):
    """A file with one to three kinds of damage."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if len(damaged) > 8:
            WAYS[int(rng.integers(len(WAYS)))](rng, damaged)
    return bytes(damaged)


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
