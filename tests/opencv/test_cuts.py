"""Cut files of every layout of every format: refused, or no pixel is lost."""

import io
import struct
import zlib

import numpy as np
import pytest
from support.mutations import FILES
from support.picture_files import picture, png_chunk, saved

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode_photo, quiet_and_serial

tifffile = pytest.importorskip("tifffile")
CUTS = 99  # of each file, evenly
RGB = picture()
ADAM7 = [
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
]  # fmt: skip  (first row, first column, steps down and right of a pass)
RUNS = np.repeat(np.arange(48, dtype=np.uint8)[:, None], 64, 1)  # a shade for each row


def interlaced(image):
    """A PNG in seven passes."""
    rows = []
    for top, left, down, right in ADAM7:
        rows += [b"\0" + row.tobytes() for row in image[top::down, left::right]]
    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def tiff(**options):
    """As other writers lay it out."""
    buffer = io.BytesIO()
    image = np.moveaxis(RGB, -1, 0) if options.get("planarconfig") else RGB
    tifffile.imwrite(buffer, image, photometric="rgb", **options)
    return buffer.getvalue()


def run_lengths(image):
    """A BMP of 8 bits whose rows are run-length encoded."""
    height, width = image.shape
    rows = (b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in image[::-1])
    data = b"".join(rows) + b"\0\1"
    palette = b"".join(bytes([value, value, value, 0]) for value in range(256))
    start = 54 + len(palette)
    facts = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + facts + palette + data


LAYOUTS = {
    **FILES,
    "jpeg, progressive, 4:2:0": lambda: saved(RGB, ".jpg", progressive=True, quality=50),
    "png, interlaced": lambda: interlaced(RGB),
    "png, several chunks": lambda: saved(picture(200, 300), ".png"),
    "bmp, run lengths": lambda: run_lengths(RUNS),
    **{
        f"tiff, {'big, ' * big}{'planes, ' * planes}{kind}{', deflate' * packed}": (
            lambda layout=layout, big=big, planes=planes, packed=packed: tiff(
                **layout,
                bigtiff=big,
                **({"planarconfig": "separate"} if planes else {}),
                **({"compression": "zlib"} if packed else {}),
            )
        )
        for kind, layout in {
            "strips": {"rowsperstrip": 16},
            "tiles": {"tile": (32, 32)},
        }.items()
        for big in (False, True)
        for planes in (False, True)
        for packed in (False, True)
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_pixel_is_lost_by_a_cut_that_is_accepted(name):
    data = LAYOUTS[name]()
    whole = decode_photo(data).pixels
    accepted = 0
    with quiet_and_serial():
        for cut in range(CUTS):
            try:
                pixels = decode_photo(data[: len(data) * cut // CUTS]).pixels
            except InvalidInputError:
                continue
            accepted += 1
            assert np.array_equal(pixels, whole), f"at {cut} of {CUTS}"
    assert accepted < CUTS // 3  # tables may stand behind the picture, but no more
