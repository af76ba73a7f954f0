"""TIFF: pieces that are missing, damaged or misread; directories without end."""

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from support.photo_cases import photo_case
from support.picture_files import Image, picture, saved

from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo, encode, header_of

tifffile = pytest.importorskip("tifffile")
IMAGE = picture(64, 96)
LAYOUTS = {
    "strips": {"rowsperstrip": 16},
    "planes": {"planarconfig": "separate"},
    "tiles": {"tile": (32, 32)},
    "big": {"bigtiff": True, "rowsperstrip": 8},
    "deflate": {"compression": "zlib", "rowsperstrip": 16},
}


def written(image=IMAGE, photometric="rgb", **options):
    buffer = io.BytesIO()
    if options.get("planarconfig") == "separate":
        image = np.moveaxis(image, -1, 0)
    tifffile.imwrite(buffer, image, photometric=photometric, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_cut_is_accepted_in_any_layout(layout):
    whole = written(**LAYOUTS[layout])
    assert np.array_equal(decode(whole), IMAGE)
    for cut in range(1, len(whole) - 1, len(whole) // 99):
        with pytest.raises(InvalidInputError):
            decode(whole[:cut])


COMPRESSIONS = ["packbits", "jpeg", "tiff_lzw", "tiff_adobe_deflate"]
FLAT = np.repeat(np.arange(64, dtype=np.uint8)[:, None, None], 96, 1).repeat(3, 2)  # runs


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_damaged_pieces_are_refused_or_kept_if_wanted(compression, capfd):
    image = FLAT if compression == "packbits" else IMAGE
    data = bytearray(saved(image, ".tiff", compression=compression))
    middle = len(data) // 3
    data[middle : middle + 40] = bytes(np.random.default_rng(0).integers(0, 255, 40, np.uint8))
    with pytest.raises(InvalidInputError, match="data are damaged"):
        decode(bytes(data))
    assert not capfd.readouterr().err  # a library's line would name no photo
    kept = decode_photo(bytes(data), keep_damaged=True)
    assert kept.damage and kept.pixels.shape == image.shape


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate", "raw"])
def test_the_last_strip_may_have_fewer_rows(compression, dtype):
    image = IMAGE[..., 0].astype(dtype) * (257 if dtype == np.uint16 else 1)
    data = saved(image, ".tiff", compression=compression, tiffinfo={278: 30})
    assert np.array_equal(decode(data), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_reach_over_the_edge(dtype):
    assert np.array_equal(
        decode(written(IMAGE.astype(dtype), compression="zlib", tile=(48, 80))), IMAGE
    )


def with_values(data, values):
    """A file with other single values of some tags."""
    data = bytearray(data)
    for tag, value in values.items():
        starts = (struct.pack("<HHI", tag, kind, 1) for kind in (3, 4))
        place = next(data.index(start) for start in starts if start in data)
        struct.pack_into("<HII", data, place + 2, 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "raw"])
def test_a_piece_that_ends_too_early_is_refused(compression):
    """Its bytes are all in the file and say nothing wrong, but they are too few."""
    whole, less = (saved(IMAGE[:rows], ".tiff", compression=compression) for rows in (64, 60))
    data = with_values(less, {257: 64, 278: 64})
    assert decode(whole).shape == IMAGE.shape
    with pytest.raises(InvalidInputError, match="less than its"):
        decode(data)


def test_a_piece_that_unpacks_to_gigabytes_costs_no_memory():
    """Deflate packs zeros a thousand times smaller."""
    data = saved(IMAGE, ".tiff", compression="tiff_adobe_deflate")
    bomb = zlib.compress(bytes(2**28), 9)
    data = with_values(data, {273: len(data), 279: len(bomb)}) + bomb
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="more than its"):
        decode(data)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def test_noise_in_lzw():
    with pytest.raises(InvalidInputError, match="data are damaged"):
        decode(photo_case("tif_lzw_uint8_noise.tif"))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_whole_pieces_of_every_compression_are_decoded(compression):
    assert decode(saved(IMAGE, ".tiff", compression=compression)).shape == IMAGE.shape


def test_a_fourth_sample_without_a_meaning_is_refused():
    rgba = np.dstack([IMAGE, np.zeros(IMAGE.shape[:2], np.uint8)])
    for data in (written(rgba, extrasamples=["unspecified"]), photo_case("tiff_rgb_extra0.tif")):
        with pytest.raises(InvalidInputError, match="does not say whether it is an alpha"):
            decode(data)
    with Image.open(io.BytesIO(encode(rgba, ".tiff"))) as image:
        assert image.mode == "RGBA" and np.array_equal(np.asarray(image), rgba)


def test_colours_that_come_otherwise_are_refused():
    for data in (written(photometric="cielab"), photo_case("lab_white.tif")):
        with pytest.raises(InvalidInputError, match="not grey, RGB or RGBA"):
            decode(data)
    two = np.zeros((8, 8, 2), np.uint8)
    data = bytearray(written(two, "minisblack", extrasamples=["unassalpha"]))
    struct.pack_into("<H", data, data.index(struct.pack("<HHI", 262, 3, 1)) + 8, 3)  # a palette
    with pytest.raises(InvalidInputError, match="not grey, RGB or RGBA"):
        decode(bytes(data))


def ring(n_entries=4000):
    """Two directories that point at each other, each of many entries, behind a picture."""
    data = bytearray(saved(IMAGE, ".tiff"))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    starts = len(data), len(data) + 6 + 12 * n_entries
    struct.pack_into("<I", data, first + 2 + 12 * count, starts[0])
    entries = struct.pack("<HHII", 254, 4, 1, 1) + bytes(12) * (n_entries - 1)
    for other in (starts[1], starts[0]):
        data += struct.pack("<H", n_entries) + entries + struct.pack("<I", other)
    return bytes(data)


def test_directories_in_a_ring_are_refused_at_no_cost():
    start = time.process_time()
    with pytest.raises(InvalidInputError, match="ring"):
        decode(ring())
    assert time.process_time() - start < 1  # of the processor, whatever else it does


def test_an_offset_that_no_file_has_is_a_plain_reason():
    data = bytearray(written(bigtiff=True))
    for position, value in ((8, 2**64 - 1), (8, 2**63), (8, len(data) - 1)):
        struct.pack_into("<Q", data, position, value)
        with pytest.raises(InvalidInputError, match="cut off"):
            header_of(bytes(data))


def of_few_bits(shades, bits, photometric, colours=None, scale=257):
    """A TIFF of one strip, numbers of so many bits packed."""
    rows = np.unpackbits(shades.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
    pixels = np.packbits(rows.reshape(len(shades), -1), axis=1).tobytes()
    height, width = shades.shape
    values = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric)]
    table = b"" if colours is None else (colours * scale).T.astype("<u2").tobytes()
    entries = len(values) + 4 + (colours is not None)
    behind = 8 + 2 + 12 * entries + 4
    values += [(273, behind + len(table)), (277, 1), (278, height), (279, len(pixels))]
    packed = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in values]
    if colours is not None:
        packed.append(struct.pack("<HHII", 320, 3, 3 * len(colours), behind))
    directory = struct.pack("<H", entries) + b"".join(packed) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + table + pixels


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_read(bits):
    largest = 2**bits - 1
    shades = np.random.default_rng(0).integers(0, largest + 1, (9, 13))
    assert np.array_equal(decode(of_few_bits(shades, bits, 1)), shades * (255 // largest))
    assert np.array_equal(decode(of_few_bits(shades, bits, 0)), 255 - shades * (255 // largest))
    colours = np.random.default_rng(1).integers(0, 256, (largest + 1, 3))
    data = of_few_bits(shades, bits, 3, colours)
    assert np.array_equal(decode(data), colours[shades])
    assert np.array_equal(decode(of_few_bits(shades, bits, 3, colours, scale=1)), colours[shades])
    with pytest.raises(InvalidInputError):
        decode(data[:-5])


def test_a_palette_that_is_missing_is_refused():
    data = of_few_bits(np.zeros((9, 13), int), 4, 3, np.full((16, 3), 255))
    place = data.index(struct.pack("<HHI", 320, 3, 48))
    with pytest.raises(InvalidInputError, match="palette is missing"):
        decode(data[: place + 4] + struct.pack("<I", 24) + data[place + 8 :])


@pytest.mark.parametrize("compression", ["packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_bits_of_bytes_the_other_way_round(compression):
    data = saved(IMAGE, ".tiff", compression=compression)
    other = saved(IMAGE, ".tiff", compression=compression, tiffinfo={266: 2})
    assert other != data
    assert np.array_equal(decode(other), IMAGE)


def test_samples_that_are_no_colours_are_refused():
    inks = np.dstack([IMAGE, IMAGE[..., 0]])
    data = written(inks, "separated", extratags=[(332, 3, 1, 2, True)])
    with pytest.raises(InvalidInputError, match="inks other than cyan"):
        decode(data)
    for image in (IMAGE, IMAGE.astype(np.float32), inks.astype(np.uint16)):
        with pytest.raises(InvalidInputError, match="not grey, RGB or RGBA"):
            decode(written(image, "minisblack", planarconfig="contig"))


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0]], ids=["colours", "grey"])
@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}])
def test_small_tiles_that_are_not_packed(image, options):
    """OpenCV reads none of less than 1,024 bytes."""
    photometric = "rgb" if image.ndim == 3 else "minisblack"
    data = written(image, photometric, tile=(16, 16), **options)
    assert np.array_equal(decode(data), image)
    with pytest.raises(InvalidInputError):
        decode(data[:-1])


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
def test_what_only_pillow_unpacks(compression):
    try:
        data = saved(IMAGE, ".tiff", compression=compression)
    except OSError:
        pytest.skip(f"this Pillow knows no {compression}")
    assert np.array_equal(decode(data), IMAGE)
    for damaged in (data[: len(data) // 2], data[:8] + bytes(20) + data[28:]):
        with pytest.raises(InvalidInputError):
            decode(damaged)


def test_a_volume_is_no_picture():
    data = written(np.stack([IMAGE[..., 0]] * 3), "minisblack", volumetric=True, tile=(1, 32, 32))
    with pytest.raises(InvalidInputError, match="a volume of several slices"):
        decode(data)
