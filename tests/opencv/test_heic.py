"""HEIC: told by its content, upright by its own transforms, whole or refused; read only."""

import io
import subprocess
import sys

import numpy as np
import pytest
from support.commands import environment
from support.folder_cases import fixed_model, rows_of
from support.mutations import mutated
from support.picture_files import CORNERS, UPRIGHT, picture
from support.picture_files import saved as saved_png

from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, decode_photo, encode, format_of, header_of, quiet_and_serial

pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif (extra heic) is missing")


def saved(image, mode=None, **options):
    """The bytes of a file without loss."""
    mode = mode or {2: "L"}.get(image.ndim) or ("RGB", "RGBA")[image.shape[2] - 3]
    lossless = {"quality": -1, "chroma": 444, "matrix_coefficients": 0}
    size, buffer = image.shape[1::-1], io.BytesIO()
    pillow_heif.encode(mode, size, image.tobytes(), buffer, **{**lossless, **options})
    return buffer.getvalue()


def several(count, **options):
    file, buffer = pillow_heif.HeifFile(), io.BytesIO()
    for seed in range(count):
        file.add_frombytes("RGB", (64, 48), picture(seed=seed).tobytes())
    file.save(buffer, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return buffer.getvalue()


def exif(orientation):
    entry = b"\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0])
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_was_written_without_loss_is_read_without_loss(channels):
    image = picture(channels=channels)
    data = saved(image)
    assert format_of(data).name == "HEIC" and header_of(data).channels == channels
    assert np.array_equal(decode(data), image)


def test_ten_bits_come_as_sixteen():
    deep = picture().astype(np.uint16) * 4 + 1  # of 10 bits
    data = saved(deep << 6, "RGB;16")
    photo = decode_photo(data)
    assert header_of(data).dtype == "uint16" and photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels >> 6, deep)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photo_comes_upright_once(orientation):
    """Cameras say the turn twice: by the file's transforms, which hold, and in its EXIF block."""
    data = saved(CORNERS, exif=exif(orientation))  # the transforms are written with it
    assert np.array_equal(decode(data), UPRIGHT[orientation])
    only_said = saved(CORNERS, exif=exif(1)).replace(exif(1), exif(orientation))
    assert np.array_equal(decode(only_said), CORNERS)


def test_no_cut_is_accepted():
    data = saved(picture())
    for cut in (*range(0, len(data), max(len(data) // 99, 1)), len(data) - 1):
        with pytest.raises(InvalidInputError):
            decode(data[:cut])


def test_of_several_pictures_the_primary_one_is_taken_when_asked_for():
    data = several(3, primary_index=1)
    with pytest.raises(InvalidInputError, match="--first-page"):
        decode(data)
    assert np.array_equal(decode_photo(data, first_page=True).pixels, picture(seed=1))


def test_its_size_is_judged_before_it_is_decoded():
    with pytest.raises(InvalidInputError, match="megapixels"):
        decode_photo(saved(picture()), max_pixels=100)


def test_it_is_not_written_and_the_option_is_named_before_it_is_decoded(tmp_path):
    with pytest.raises(InvalidInputError, match="HEIC is only read"):
        encode(picture(), ".heic")
    with pytest.raises(InvalidInputError, match="format is 'heic'"):
        rectify_folder(fixed_model(), tmp_path, tmp_path / "out", format="heic")
    photos = tmp_path / "in"
    photos.mkdir()
    (photos / "a.HEIC").write_bytes(saved(picture()))
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=tmp_path / "m")
    assert len(summary.failures) == 1 and "HEIC is only read" in rows_of(tmp_path / "m")[0]["error"]
    assert "--format" in rows_of(tmp_path / "m")[0]["error"]
    (photos / "b.HEIC").write_bytes(saved_png(picture(), ".png"))  # told by its content
    assert rectify_folder(fixed_model(), photos, tmp_path / "png", format="png").done == 2
    a, b = ((tmp_path / "png" / f"{name}.png").read_bytes() for name in "ab")
    assert a == b


def test_damage_is_refused_in_a_line_or_harmless():
    data = saved(picture(), quality=80)
    with quiet_and_serial():
        for seed in range(200):
            try:
                pixels = decode_photo(mutated(data, [seed, 4]), max_pixels=10**6).pixels
            except InvalidInputError as error:
                assert "\n" not in str(error)
            else:
                assert pixels.size and pixels.dtype.name in ("uint8", "uint16")


def test_the_extra_is_named_where_it_is_missing(tmp_path):
    (tmp_path / "a.heic").write_bytes(saved(picture()))
    code = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from stn_cv import opencv\nfrom stn_cv.errors import MissingLibraryError\n"
        "try: opencv.read_image(sys.argv[1])\n"
        "except MissingLibraryError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.heic")],
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert "stn_cv[heic]" in done.stdout, done.stderr
