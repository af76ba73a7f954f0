"""Letterboxes and sizes: what theta means for a photo of any proportions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.folder_cases import fixed_model, quarter_turn
from support.picture_files import picture

from stn_cv.arrays import INTEGER_MAXIMA
from stn_cv.errors import InvalidInputError, InvalidTypeError
from stn_cv.geometry import theta_from_cv2, theta_to_cv2
from stn_cv.geometry.letterbox import (
    LARGEST_GROWTH,
    SMALL,
    letterbox_sides,
    native_shape,
    pose_of,
    shrinkage,
    theta_of_photo,
)
from stn_cv.model.image_spec import ImageSpec
from stn_cv.model.photos import find, small_copy, warped
from stn_cv.opencv import resize_area

IDENTITY = np.eye(2, 3)
SIDES = st.integers(1, 3000)
SHAPES = st.tuples(SIDES, SIDES)
LIMIT = 10**9
MAXIMA = {**INTEGER_MAXIMA, "float32": 1.0}


def rectified(model, pixels, size="native"):
    return warped(model, pixels, find(model, pixels).theta, size, LIMIT)


def deep(pixels, dtype):
    values = pixels * (MAXIMA[dtype] / 255)
    return values.astype(dtype) if dtype == "float32" else np.rint(values).astype(dtype)


# --- theta


@given(photo=SHAPES, model=SHAPES, angle=st.floats(-4, 4), log_scale=st.floats(-1, 1))
def test_a_rotation_is_a_rotation_on_a_photo_of_any_proportions(photo, model, angle, log_scale):
    family = fixed_model((log_scale, angle, 0.2, -0.1)).family
    parameters = np.array([[log_scale, angle, 0.2, -0.1]])
    theta = theta_of_photo(family.theta(parameters, model)[0][0], photo, model)
    output = native_shape(theta, photo, model, LIMIT)
    ideal = np.sqrt(np.prod(output) * model[0] / model[1])  # height before rounding
    matrix = theta_to_cv2(theta, photo, photo, direction="output_to_source")[:, :2]
    pixels = matrix @ np.diag([photo[1] / (ideal * model[1] / model[0]), photo[0] / ideal])
    assert np.allclose(pixels @ pixels.T, np.eye(2) * (pixels @ pixels.T)[0, 0], rtol=1e-9)


@given(photo=SHAPES, model=SHAPES)
def test_an_identity_at_the_photos_own_size_is_the_photo(photo, model):
    theta = theta_of_photo(IDENTITY, photo, model, photo)
    assert np.allclose(theta, IDENTITY, atol=1e-12)
    assert shrinkage(theta, photo, photo) == pytest.approx(1)


@given(photo=SHAPES, model=SHAPES)
def test_a_canvas_surrounds_its_photo_closely(photo, model):
    x, y = letterbox_sides(photo, model)
    assert min(x, y) == 1
    assert (x * photo[1]) / (y * photo[0]) == pytest.approx(model[1] / model[0], rel=1e-9)


@given(photo=SHAPES, model=SHAPES, limit=st.integers(1, 10**7))
def test_a_native_size_covers_a_pixel_with_a_pixel_and_is_bounded(photo, model, limit):
    theta = theta_of_photo(IDENTITY / 2, photo, model)
    height, width = native_shape(theta, photo, model, limit)
    assert min(height, width) >= 1
    assert height * width <= max(limit, height, width)  # a line of pixels cannot be shorter
    limit = min(limit, max(LARGEST_GROWTH * photo[0] * photo[1], SMALL))
    assert height * width <= max(limit, height, width)
    if min(height, width) > 50 and height * width < 0.9 * limit:
        assert shrinkage(theta, photo, (height, width)) == pytest.approx(1, rel=0.02)


def test_a_strip_makes_no_picture_out_of_proportion():
    theta = theta_of_photo(IDENTITY, (60_000, 1), (16, 16))
    height, width = native_shape(theta, (60_000, 1), (16, 16), 89_478_485)
    assert height == width and height * width <= LARGEST_GROWTH * 60_000


@given(
    photo=st.tuples(st.integers(20, 900), st.integers(20, 900)),
    angle=st.floats(-179, 179),
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
def test_a_pose_says_what_was_done_to_the_content(photo, angle, scale, shift):
    """Against a matrix made of the words: turn counter-clockwise, enlarge, bring to the centre."""
    turn = math.radians(angle)
    forward = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    centre = np.array([photo[1] - 1, photo[0] - 1]) / 2
    offset = centre - forward @ (centre + shift)
    theta = theta_from_cv2(np.column_stack([forward, offset]), photo, photo)
    pose = pose_of(theta, photo, photo)
    assert pose["angle"] == pytest.approx(angle, abs=1e-6)
    assert pose["scale"] == pytest.approx(scale, rel=1e-9)
    assert np.allclose(pose["shift"], shift, atol=1e-6)


def test_a_pose_without_inverse_has_no_angle():
    pose = pose_of(np.zeros((2, 3)), (20, 30), (20, 30))
    assert pose["angle"] is None and pose["scale"] is None
    assert np.allclose(pose["shift"], 0)


# --- the warp of a photo


@pytest.mark.parametrize("dtype", MAXIMA)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("shape", [(30, 40), (41, 17), (16, 16)])
def test_an_identity_gives_the_photo_back_in_its_own_depth(dtype, channels, shape):
    pixels = deep(picture(*shape, channels), dtype)
    if channels == 4:
        pixels[..., 3] = np.maximum(pixels[..., 3], MAXIMA[dtype] / 50)
    out, theta = rectified(fixed_model(), pixels, "input")
    assert out.dtype == pixels.dtype and np.allclose(theta, IDENTITY, atol=1e-12)
    if channels == 4 and dtype == "float32":
        assert np.allclose(out, pixels, atol=1e-6)
    else:
        assert np.array_equal(out, pixels)


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (32, 32)])
def test_a_right_angle_turns_a_photo_that_is_no_square(shape):
    pixels = picture(*shape)
    out, theta = rectified(quarter_turn(), pixels)
    side = max(shape)
    assert out.shape == (side, side, 3)
    top, left = (side - shape[1]) // 2, (side - shape[0]) // 2
    inside = out[top : top + shape[1], left : left + shape[0]]
    assert np.array_equal(inside, np.rot90(pixels))
    assert pose_of(theta, shape, out.shape[:2])["angle"] == pytest.approx(90)
    assert (out.sum() - inside.astype(int).sum()) == 0


def test_two_steps_turn_a_photo_at_once():
    pixels = picture(30, 40)
    twice = fixed_model((0, np.pi / 4, 0, 0), n_steps=2)
    for out, wanted in zip(
        rectified(twice, pixels), rectified(quarter_turn(), pixels), strict=True
    ):
        assert np.allclose(out, wanted, atol=1e-12)


def test_of_another_proportion_the_middle_is_shown_and_nothing_squashed():
    pixels = picture(60, 60)
    out, _ = rectified(fixed_model(), pixels, (30, 60))
    assert np.array_equal(out, pixels[15:45])
    wide = picture(60, 120)
    out, _ = rectified(fixed_model(), wide, (60, 60))
    assert np.array_equal(out[15:45], resize_area(wide[None], (30, 60))[0])
    assert not out[:15].any() and not out[45:].any()


def test_a_smaller_output_is_averaged_not_picked():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    out, _ = rectified(fixed_model(), stripes, (8, 8))
    assert np.abs(out.astype(int) - 127).max() <= 1
    moderate, _ = rectified(fixed_model(), stripes, (32, 32))
    assert np.abs(moderate.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("channels", [1, 4])
def test_an_antialiased_model_averages_what_it_squeezes(channels):
    """Four times narrower and four times as high: as many pixels as before, so not coarse."""
    columns = np.random.default_rng(0).integers(0, 2, 64).astype(np.uint8) * 255
    pixels = np.tile(columns, (64, 1))
    if channels == 4:
        pixels = np.stack([pixels, pixels, pixels, np.full_like(pixels, 255)], axis=2)
    squeezed = {
        antialias: rectified(
            fixed_model((3, 0, 0, 0, -0.75, 0), "affine", antialias=antialias), pixels, "input"
        )[0].reshape(64, 64, -1)[:, 24:40, 0]
        for antialias in (False, True)
    }
    means = np.rint(columns.reshape(16, 4).mean(axis=1))
    assert np.array_equal(squeezed[True], np.tile(means, (64, 1)))
    assert not np.array_equal(squeezed[False], squeezed[True])


def test_outside_is_the_models_fill_in_the_photos_depth():
    model = fixed_model((0, 0, 1, 0), fill_value=1.0)  # looks half a picture to the right
    for dtype, maximum in MAXIMA.items():
        out, _ = rectified(model, deep(picture(20, 20), dtype), "input")
        assert (out[:, 10:] == np.array(maximum, dtype)).all()
    rgba = picture(20, 20, 4)
    out, _ = rectified(model, rgba, "input")
    assert not out[:, 10:].any()  # transparent
    border = fixed_model((0, 0, 1, 0), padding_mode="border")
    out, _ = rectified(border, picture(20, 20), "input")
    assert np.array_equal(out[:, 10:], np.repeat(picture(20, 20)[:, -1:], 10, axis=1))


def test_transparent_pixels_lend_no_colour_to_their_neighbours():
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[:, :10] = (200, 100, 50, 255)
    rgba[:, 10:] = (0, 255, 0, 0)  # green that nobody sees
    out, _ = rectified(fixed_model((0, 0.3, 0.03, 0.02)), rgba, "input")
    seen = out[out[..., 3] > 8][:, :3].astype(int)
    assert np.abs(seen - (200, 100, 50)).max() <= 8
    half = out[(out[..., 3] > 60) & (out[..., 3] < 200)]
    assert len(half) and np.abs(half[:, :3].astype(int) - (200, 100, 50)).max() <= 2


# --- the small copy


def test_a_small_copy_is_letterboxed_never_squashed():
    spec = ImageSpec(12, 12, 3, "uint8")
    pixels = picture(48, 96)
    small = small_copy(pixels, spec)
    assert small.shape == (12, 12, 3) and not small[:3].any() and not small[9:].any()
    blocks = pixels.reshape(6, 8, 12, 8, 3).mean(axis=(1, 3))
    assert np.abs(small[3:9] - blocks).max() <= 1.5  # two halves and the rest, each rounded
    tall = small_copy(pixels.transpose(1, 0, 2), spec, fill=0.5)
    assert (tall[:, :3] == 128).all()
    assert np.abs(tall[:, 3:9] - blocks.transpose(1, 0, 2)).max() <= 1.5


@given(height=st.integers(1, 60), width=st.integers(1, 60))
def test_a_small_copy_shows_things_where_theta_says(height, width):
    """The middle of a photo's bright part, found on the copy, is its middle on the photo."""
    pixels = np.zeros((height * 20, width * 20), np.uint8)
    pixels[height * 10 :, : width * 10] = 255
    small = small_copy(pixels, ImageSpec(64, 48, 1, "uint8"))[..., 0].astype(float)
    canvas = np.array(letterbox_sides(pixels.shape, (64, 48)))
    rows, columns = np.mgrid[:64, :48]
    middle = [(columns * small).sum() / small.sum(), (rows * small).sum() / small.sum()]
    normalized = (2 * np.array(middle) + 1) / (48, 64) - 1
    assert np.abs(normalized * canvas - (-0.5, 0.5)).max() < 0.06 * canvas.max()


@pytest.mark.parametrize("dtype", MAXIMA)
@pytest.mark.parametrize("range", ["uint8", "uint16", "float"])
def test_depths_are_brought_to_the_models_range(dtype, range):
    small = small_copy(deep(picture(32, 32), dtype), ImageSpec(16, 16, 3, range))
    wanted = small_copy(picture(32, 32), ImageSpec(16, 16, 3, "uint8"))
    maximum = {"uint8": 255, "uint16": 65535, "float": 1}[range]
    assert small.dtype.name == {"float": "float32"}.get(range, range)
    assert np.abs(small / maximum - wanted / 255).max() < 1.01 / 255


def test_grey_models_see_colours_as_grey_and_grey_photos_have_all_channels():
    grey = small_copy(picture(32, 32), ImageSpec(16, 16, 1, "uint8"))
    colour = small_copy(picture(32, 32), ImageSpec(16, 16, 3, "uint8"))
    assert np.abs(grey[..., 0] - colour @ [0.299, 0.587, 0.114]).max() <= 1
    three = small_copy(picture(32, 32, 1), ImageSpec(16, 16, 3, "uint8"))
    assert (three == three[..., :1]).all()
    rgba = np.dstack([picture(32, 32), np.zeros((32, 32), np.uint8)])
    assert (small_copy(rgba, ImageSpec(16, 16, 3, "uint8"), fill=1.0) == 255).all()


def test_a_grey_model_warps_colours():
    model = fixed_model((0, np.pi / 2, 0, 0), shape=(16, 16, 1))
    out, _ = rectified(model, picture(24, 24))
    assert np.array_equal(out, np.rot90(picture(24, 24)))


@pytest.mark.parametrize("value", [np.nan, np.inf, 200.0, -7.0])
def test_floats_that_are_no_shades_are_refused(value):
    pixels = np.zeros((8, 8), np.float32)
    pixels[3, 3] = value
    with pytest.raises(InvalidInputError, match="white at 1"):
        find(fixed_model(), pixels)


@pytest.mark.parametrize("size", ["native", "input", (31, 17)])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_photo_is_rectified_in_python_as_by_the_command(size, channels, dtype):
    rectifier = quarter_turn()
    photo = picture(30, 44, channels)
    photo = photo / np.float32(255) if dtype == "float32" else photo.astype(dtype)
    wanted, _ = warped(rectifier, photo, find(rectifier, photo).theta, size, 10**8)
    came = rectifier.rectify_photo(photo, size)
    assert came.dtype == photo.dtype and came.shape[2:] == photo.shape[2:]
    assert (came == wanted).all()


@pytest.mark.parametrize(
    ("photo", "size", "message"),
    [
        (np.zeros((4, 4), np.int32), "native", "the photo is int32; wanted an array of uint8"),
        ([[1, 2]], "native", "the photo is list"),
        (np.zeros((4, 4, 2), np.uint8), "native", "wanted .h, w., .h, w, 3. or .h, w, 4."),
        (np.zeros((0, 4), np.uint8), "native", "has shape .0, 4."),
        (np.zeros((4, 4), np.uint8), "large", "size is 'large'"),
        (np.zeros((4, 4), np.uint8), (0, 5), "size is .0, 5."),
        (np.full((4, 4), np.nan, np.float32), "native", "wanted finite numbers"),
    ],
)
def test_what_is_no_photo_is_said(photo, size, message):
    with pytest.raises((InvalidInputError, InvalidTypeError), match=message):
        quarter_turn().rectify_photo(photo, size)


def test_a_rectifier_says_what_it_is():
    assert repr(quarter_turn()) == (
        "<Rectifier: similarity; fitted on 16x16 pixels, 3 channels, uint8; gives 16x16 pixels; "
        "2 classes>"
    )
