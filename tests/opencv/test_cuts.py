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
KINDS = {"strips": {"rowsperstrip": 16}, "tiles": {"tile": (32, 32)}}
NUMBERS = {"tiff_lzw": 5, "jpeg": 7, "packbits": 32773}
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


def tiff_of_pieces(kind, compression, **options):
    """A TIFF whose pieces Pillow has packed, since tifffile packs by deflate only."""
    planes = [RGB[..., k] for k in range(3)] if options.get("planarconfig") else [RGB]
    pieces = [piece for plane in planes for piece in cut_up(plane, kind)]
    is_jpeg, shape = compression == "jpeg", RGB.shape
    if len(planes) > 1:
        shape = (3, *shape[:2])
    elif is_jpeg:
        options.update(photometric="ycbcr", subsampling=(1, 1))
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        (packed(piece, compression) for piece in pieces),
        shape=shape,
        dtype=np.uint8,
        compression="zlib",
        **KINDS[kind],
        **{"photometric": "rgb", **options},
    )
    data = bytearray(buffer.getvalue())
    entry = struct.pack("<HHQ" if options["bigtiff"] else "<HHI", 259, 3, 1)
    struct.pack_into("<H", data, data.index(entry) + len(entry), NUMBERS[compression])
    return bytes(data)


def cut_up(plane, kind):
    """Strips or tiles of a plane, whose last ones are filled up."""
    if kind == "strips":
        return [plane[y : y + 16] for y in range(0, len(plane), 16)]
    filled = np.pad(plane, [(0, 16)] + [(0, 0)] * (plane.ndim - 1))
    return [filled[y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32)]


def packed(piece, compression):
    """The bytes of one piece, by Pillow."""
    piece = np.ascontiguousarray(piece)
    if compression == "jpeg":
        return saved(piece, ".jpg", subsampling=0)
    whole = saved(piece, ".tiff", compression=compression, tiffinfo={278: len(piece)})
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        (start,), (length,) = file.pages[0].dataoffsets, file.pages[0].databytecounts
    return whole[start : start + length]


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
        f"tiff, {'big, ' * big}{'planes, ' * bool(planes)}{kind}, {packing}": (
            lambda kind=kind, options={"bigtiff": big, **planes}, packing=packing: (
                tiff_of_pieces(kind, packing, **options)
                if packing in NUMBERS
                else tiff(compression=packing, **KINDS[kind], **options)
            )
        )
        for kind in KINDS
        for big in (False, True)
        for planes in ({}, {"planarconfig": "separate"})
        for packing in (None, "zlib", *NUMBERS)
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
