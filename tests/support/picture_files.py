"""Image files for tests: whole, cut, lying, and bombs; written by Pillow and tifffile."""

import io
import struct
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

FORMATS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tiff": "TIFF", ".bmp": "BMP"}
# A picture that is different under each of the eight ways to turn and mirror it.
CORNERS = np.zeros((40, 60, 3), np.uint8)
CORNERS[:20, :30], CORNERS[:20, 30:], CORNERS[20:, :30] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
UPRIGHT = {  # what a viewer shows for each EXIF orientation
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.transpose(1, 0, 2),
    6: np.rot90(CORNERS, -1),
    7: CORNERS[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(CORNERS),
}


def picture(height=48, width=64, channels=3, seed=0):
    """A smooth picture with some noise."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + k) + np.cos(y / (7 + k)) for k in range(channels)]
    noise = np.random.default_rng(seed).random((height, width, channels)) / 4
    values = (np.stack(waves, axis=-1) / 4 + 0.375 + noise) * 255
    image = np.clip(values, 0, 255).astype(np.uint8)
    return image[..., 0] if channels == 1 else image


def saved(image, suffix, **options):
    """The bytes of a file that Pillow writes."""
    buffer = io.BytesIO()
    if suffix == ".webp":
        options.setdefault("lossless", True)
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(buffer, FORMATS[suffix], **options)
    return buffer.getvalue()


def turned(suffix, orientation):
    """`CORNERS` as a file with an EXIF orientation."""
    if suffix == ".tiff":
        return saved(CORNERS, suffix, tiffinfo={274: orientation})
    exif = Image.Exif()
    exif[274] = orientation
    return saved(CORNERS, suffix, exif=exif)


def pillow_profile(data):
    return Image.open(io.BytesIO(data)).info.get("icc_profile")


def png_chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def lying(suffix, width, height):
    """A small file whose header claims so many pixels."""
    data = bytearray(saved(picture(), suffix))
    if suffix == ".png":
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return bytes(data[:8]) + png_chunk(b"IHDR", header) + bytes(data[33:])
    if suffix == ".bmp":
        struct.pack_into("<ii", data, 18, width, height)
    elif suffix == ".jpg":
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    elif suffix == ".webp":  # VP8L: 14 bits each, less one
        bits = (width - 1) | (height - 1) << 14
        struct.pack_into("<I", data, 21, bits)
    else:
        for tag, value in ((256, width), (257, height)):
            place = data.index(struct.pack("<HH", tag, 4) + struct.pack("<I", 1))
            struct.pack_into("<I", data, place + 8, value)
    return bytes(data)


def bomb(side=12_000):
    """A PNG of some hundred kB that decodes to hundreds of MB."""
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(bytes(side * 3 + 1)) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", content + packer.flush()), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
