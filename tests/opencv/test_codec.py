"""Image files as they come: turned, cut off, lying, deep, transparent, profiled, in pages."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import ROOT
from support.picture_files import (
    CORNERS,
    FORMATS,
    UPRIGHT,
    Image,
    bomb,
    lying,
    picture,
    pillow_profile,
    png_chunk,
    saved,
    turned,
)

from stn_cv import opencv
from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo, encode, format_named, format_of, header_of

PROFILE = np.random.default_rng(0).integers(0, 256, 70_001, dtype=np.uint8).tobytes()
WITH_PROFILE = [".jpg", ".png", ".webp", ".tiff"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_header_says_what_the_file_holds(suffix):
    for channels in (1, 3):
        data = saved(picture(40, 60, channels), suffix)
        header = header_of(data)
        assert format_of(data).suffix == suffix
        assert (header.width, header.height) == (60, 40)
        assert header.channels <= (3 if suffix == ".webp" else channels)
        assert (header.dtype, header.orientation, header.pages) == ("uint8", 1, 1)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_cut_file_is_refused_wherever_it_is_cut(suffix):
    data = saved(picture(), suffix)
    for cut in (*range(0, len(data), max(len(data) // 99, 1)), len(data) - 2, len(data) - 1):
        with pytest.raises(InvalidInputError):
            decode(data[:cut])


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 30}, {"subsampling": 0}])
def test_a_jpeg_whose_rest_never_arrived_is_refused(options):
    data = saved(picture(), ".jpg", **options)
    for share in (0.3, 0.6, 0.9):
        kept = int(len(data) * share)
        with pytest.raises(InvalidInputError):
            decode(data[:kept] + bytes(len(data) - kept))


@pytest.mark.parametrize("suffix", FORMATS)
@given(place=st.floats(0, 1), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_decoded_but_never_more(suffix, place, value):
    data = bytearray(saved(picture(), suffix))
    data[int(place * (len(data) - 1))] = value
    with opencv.quiet_and_serial():
        try:
            pixels = decode_photo(bytes(data), 10_000).pixels
        except InvalidInputError:
            return
    assert pixels.shape[0] * pixels.shape[1] <= 10_000


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photo_comes_upright(suffix, orientation):
    if suffix == ".bmp":
        pytest.skip("BMP has no EXIF")
    pixels = decode(turned(suffix, orientation))
    assert pixels.shape == UPRIGHT[orientation].shape
    rows, columns = (np.array([1, 3]) * side // 4 for side in pixels.shape[:2])
    difference = pixels.astype(int) - UPRIGHT[orientation]  # in the middle of each quarter
    assert np.abs(difference[np.ix_(rows, columns)]).max() < 20


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_orientation_of_either_byte_order_and_nonsense(order):
    start = b"II*\0" if order == "<" else b"MM\0*"
    block = start + struct.pack(order + "IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)
    data = saved(CORNERS, ".png")
    for content, wanted in ((block, 6), (block[:18], 1), (b"nonsense", 1), (start, 1)):
        turned = data[:33] + png_chunk(b"eXIf", content) + data[33:]
        assert header_of(turned).orientation == wanted


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_is_refused_by_its_header_before_it_is_decoded(suffix):
    side = 16_000  # 256 megapixels: more than the default allows
    with pytest.raises(InvalidInputError, match=r"256\.0 megapixels.*--max-pixels"):
        decode(lying(suffix, side, side))
    with pytest.raises(InvalidInputError, match="megapixels"):
        decode_photo(saved(picture(), suffix), max_pixels=48 * 64 - 1)
    assert decode_photo(saved(picture(), suffix), max_pixels=48 * 64).pixels.size == 48 * 64 * 3


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("sides", [(640, 480), (8, 8), (0, 5), (64, 47), (65, 48)])
def test_a_header_that_lies_is_refused_or_makes_no_more_than_it_says(suffix, sides):
    if suffix == ".webp" and 0 in sides:
        pytest.skip("a WebP header stores each side less one, so it cannot say 0")
    try:
        pixels = decode(lying(suffix, *sides))
    except InvalidInputError:
        return
    assert pixels.shape[:2] == sides[::-1]


def test_a_bomb_costs_no_memory(tmp_path):
    (tmp_path / "bomb.png").write_bytes(bomb())
    code = (
        "import resource, sys; from stn_cv import opencv\n"
        "from stn_cv.errors import InvalidInputError\n"
        "import numpy as np; opencv.decode(opencv.encode(np.zeros((9, 9), np.uint8), '.png'))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: opencv.read_image(sys.argv[1])\n"
        "except InvalidInputError: print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb.png")],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    kilobytes = int(done.stdout) / (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 64 * 1024, done.stderr


# --- depth, channels, alpha


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_transparency_stays(suffix):
    rgba = np.dstack([picture(), picture(channels=1, seed=1)])
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    assert np.array_equal(decode(saved(rgba, suffix, **options)), rgba)
    assert np.array_equal(decode(encode(rgba, suffix)), rgba)


def test_sixteen_bits_stay():
    deep = picture(channels=1).astype(np.uint16) * 257 + 3
    for suffix in (".png", ".tiff"):
        assert np.array_equal(decode(saved(deep, suffix)), deep)


def test_a_grey_png_with_transparency_comes_as_rgba():
    grey = Image.fromarray(picture(channels=1))
    both = decode(saved(grey.convert("LA"), ".png"))
    assert both.shape[2] == 4 and np.array_equal(both[..., 0], picture(channels=1))
    with pytest.raises(InvalidInputError, match="would be lost. Convert it to a PNG of RGB or"):
        decode(saved(grey.convert("LA"), ".tiff"))
    palette = Image.fromarray(picture()).convert("P")
    assert decode(saved(palette, ".png", transparency=3)).shape[2] == 4
    assert decode(saved(palette, ".bmp")).shape[2] == 3


@pytest.mark.parametrize("suffix", [".jpg", ".tiff"])
def test_four_inks_come_as_viewers_show_them(suffix):
    data = saved(Image.fromarray(picture()).convert("CMYK"), suffix)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(decode(data), shown)


@pytest.mark.parametrize("suffix", [".jpg", ".tiff"])
def test_inks_with_a_profile_that_is_none_are_refused_or_taken_without_it(suffix):
    inks = Image.fromarray(picture()).convert("CMYK")
    data = saved(inks, suffix, icc_profile=b"\0" * 200)
    with pytest.raises(InvalidInputError, match="its colour profile cannot be used"):
        decode(data)
    kept = decode_photo(data, keep_damaged=True)
    assert kept.profile is None and "profile" in kept.damage
    assert np.array_equal(kept.pixels, decode(saved(inks, suffix)))


def test_numbers_that_no_output_can_hold_are_refused():
    with pytest.raises(InvalidInputError, match="32 bits"):
        decode(saved(Image.fromarray(picture(channels=1)).convert("I"), ".tiff"))
    floats = Image.fromarray(np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8))
    assert np.array_equal(decode(saved(floats, ".tiff")), np.asarray(floats))


@pytest.mark.parametrize("options", [{"bigtiff": True}, {"planarconfig": "separate"}, {}])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiffs_of_other_writers(options, order):
    tifffile = pytest.importorskip("tifffile")
    buffer, image = io.BytesIO(), picture()
    planes = np.moveaxis(image, -1, 0) if options.get("planarconfig") else image
    tifffile.imwrite(buffer, planes, photometric="rgb", byteorder=order, **options)
    assert np.array_equal(decode(buffer.getvalue()), image)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("options", [{"bigtiff": True}, {"byteorder": ">"}, {"byteorder": "<"}])
def test_the_alpha_of_other_writers_comes_straight(dtype, options):
    tifffile = pytest.importorskip("tifffile")
    white = np.iinfo(dtype).max
    rgba = np.dstack([picture(), picture(channels=1, seed=1)]).astype(dtype) * (white // 255)
    rgba[:9, :, 3] = 0
    shares = rgba[..., 3:] / white
    multiplied = np.dstack([np.rint(rgba[..., :3] * shares).astype(dtype), rgba[..., 3]])
    for kind, stored in (("unassalpha", rgba), ("assocalpha", multiplied)):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, stored, photometric="rgb", extrasamples=[kind], **options)
        came = decode(buffer.getvalue())
        if kind == "unassalpha":
            assert np.array_equal(came, rgba)
            continue
        colours = np.divide(multiplied[..., :3], shares, out=np.zeros(picture().shape),
                            where=shares > 0)  # fmt: skip
        assert np.abs(came[..., :3] - np.clip(colours, 0, white)).max() < 0.51
        assert np.array_equal(came[..., 3], rgba[..., 3])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_opencv_misreads_of_a_tiff_is_refused(dtype):
    tifffile = pytest.importorskip("tifffile")
    image = picture().astype(dtype)
    planes, negative = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(planes, np.moveaxis(image, -1, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(negative, image[..., 0], photometric="miniswhite")
    if dtype == "uint8":
        assert np.array_equal(decode(planes.getvalue()), image)
        assert np.array_equal(decode(negative.getvalue()), 255 - image[..., 0])
        return
    with pytest.raises(InvalidInputError, match=f"{dtype} in a plane for each channel"):
        decode(planes.getvalue())
    if dtype == "uint16":
        assert np.array_equal(decode(negative.getvalue()), 65535 - image[..., 0].astype(dtype))
        return
    with pytest.raises(InvalidInputError, match="float32 of which 0 is white"):
        decode(negative.getvalue())


@pytest.mark.parametrize("padding", [0, 255, 7])
def test_a_bmp_of_32_bits_has_alpha_only_if_it_says_so(padding):
    """As written with masks for three colours, behind the shortest header that may have them."""
    image = picture()
    pixels = np.dstack([image[::-1, :, ::-1], np.full(image.shape[:2], padding, np.uint8)])
    height, width = image.shape[:2]
    facts = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 32, 3, pixels.size, 0, 0, 0, 0)
    start = b"BM" + struct.pack("<IHHI", 66 + pixels.size, 0, 0, 66) + facts
    masks = (0xFF0000, 0xFF00, 0xFF)
    data = start + struct.pack("<III", *masks) + pixels.tobytes()
    assert np.array_equal(decode(data), image)
    with pytest.raises(InvalidInputError, match="another order"):
        decode(start + struct.pack("<III", *masks[::-1]) + pixels.tobytes())


def test_a_bmp_of_16_bits_is_refused_as_it_would_come_too_dark():
    facts = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 0, 4, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + facts + b"\xff\x7f\xff\x7f"
    with pytest.raises(InvalidInputError, match="16 bits a pixel"):
        decode(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_an_orientation_that_makes_no_sense_is_none(suffix):
    assert decode(turned(suffix, 9)).shape[:2] == CORNERS.shape[:2]


# --- pages and profiles


@pytest.mark.parametrize("suffix", [".tiff", ".webp", ".png"])
def test_of_several_pages_none_is_taken_unasked(suffix):
    pages = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    data = saved(pages[0], suffix, save_all=True, append_images=pages[1:])
    with pytest.raises(InvalidInputError, match="--first-page"):
        decode(data)
    first = decode_photo(data, first_page=True).pixels
    assert np.array_equal(first[..., :3], picture(seed=0))


@pytest.mark.parametrize("suffix", WITH_PROFILE)
@pytest.mark.parametrize("size", [128, 561, 70_001])
def test_a_profile_is_read_and_written(suffix, size):
    profile = PROFILE[:size]
    read = decode_photo(saved(picture(), suffix, icc_profile=profile))
    assert read.profile == profile
    written = encode(read.pixels, suffix, profile=profile)
    assert pillow_profile(written) == profile
    again = decode_photo(written)
    assert again.profile == profile
    assert np.array_equal(again.pixels, decode(encode(read.pixels, suffix)))


@pytest.mark.parametrize("suffix", WITH_PROFILE)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("quality", [None, 60])
def test_a_profile_disturbs_no_pixel(suffix, channels, quality):
    if channels not in format_named(suffix).channels:
        pytest.skip(f"{suffix} does not hold {channels} channels")
    image = picture(channels=channels)
    plain = decode(encode(image, suffix, quality))
    written = encode(image, suffix, quality, PROFILE)
    assert np.array_equal(decode(written), plain)
    assert pillow_profile(written) == PROFILE
    assert Image.open(io.BytesIO(written)).size == (64, 48)


def test_a_profile_that_cannot_be_kept_is_an_error():
    with pytest.raises(InvalidInputError, match=r"\.bmp cannot hold a colour profile"):
        encode(picture(), ".bmp", profile=PROFILE)


def test_a_profile_that_is_a_bomb_is_no_profile():
    data = saved(picture(), ".png")
    chunk = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**25)))
    assert header_of(data[:33] + chunk + data[33:]).profile is None
