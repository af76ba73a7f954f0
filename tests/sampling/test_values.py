"""The values that sampling gives, against slow twins in float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.reference import PADDING_MODES

from stn_cv import (
    affine_grid,
    grid_sample,
    warp_affine,
)
from stn_cv.sampling import WarpRules, differentiable_warp

FLOAT32, FLOAT64 = 2e-6, 1e-12
sides = st.integers(1, 9)
entries = st.floats(-3, 3, width=32)
thetas = st.lists(entries, min_size=6, max_size=6).map(lambda t: np.reshape(t, (2, 3)))
RULES = st.fixed_dictionaries(
    {"padding_mode": st.sampled_from(PADDING_MODES), "align_corners": st.booleans()}
)


def image_of(seed, shape, dtype="float64"):
    values = np.random.default_rng(seed).random(shape)
    return values.astype(dtype) if dtype[0] == "f" else (values * np.iinfo(dtype).max).astype(dtype)


@given(st.integers(0, 99), st.tuples(sides, sides), thetas, st.tuples(sides, sides), RULES)
def test_warp_and_grid_sample_give_what_the_slow_twins_give(
    seed, shape, theta, output_shape, rules
):
    image = image_of(seed, (*shape, 3))
    grid = affine_grid(theta, output_shape, align_corners=rules["align_corners"])
    slow_grid = reference.affine_grid(theta, output_shape, rules["align_corners"])
    truth = reference.warp(image, theta, output_shape, fill=0.25, **rules)
    for dtype, tolerance in (("float64", FLOAT64), ("float32", FLOAT32)):
        single = image.astype(dtype)
        warped = warp_affine(single, theta, output_shape, fill_value=0.25, **rules)
        sampled = grid_sample(single, grid, fill_value=0.25, **rules)
        assert warped.dtype == sampled.dtype == dtype
        np.testing.assert_allclose(warped, truth, rtol=0, atol=tolerance)
        np.testing.assert_allclose(sampled, truth, rtol=0, atol=tolerance)
    np.testing.assert_allclose(grid, slow_grid, rtol=0, atol=FLOAT64)


@given(st.integers(0, 99), thetas, st.sampled_from(["uint8", "uint16"]), RULES)
def test_integers_are_within_one_level_of_the_truth(seed, theta, dtype, rules):
    image = image_of(seed, (7, 6, 3), dtype)
    fill = [0, 7.5, np.iinfo(dtype).max]
    truth = reference.warp(image, theta, (9, 8), fill=fill, **rules)
    grid = reference.affine_grid(theta, (9, 8), rules["align_corners"])
    for out in (
        warp_affine(image, theta, (9, 8), fill_value=fill, **rules),
        grid_sample(image, grid, fill_value=fill, **rules),
    ):
        assert out.dtype == dtype
        levels = np.abs(out - truth)  # half a level is rounding, the rest float32
        assert levels.max() <= 0.5 + np.iinfo(dtype).max * 5e-7


@given(
    st.integers(0, 99), thetas, RULES, st.sampled_from(["float32", "float64", "uint8", "uint16"])
)
def test_nearest_copies_pixels(seed, theta, rules, dtype):
    image = image_of(seed, (5, 6, 3), dtype)
    out = warp_affine(image, theta, (7, 4), mode="nearest", fill_value=3, **rules)
    assert out.dtype == dtype
    slow = reference.warp(image, theta, (7, 4), "nearest", **rules, fill=3)
    grid = reference.affine_grid(theta, (7, 4), rules["align_corners"])
    sampled = grid_sample(image, grid, mode="nearest", fill_value=3, **rules)
    clear = reference.kink_distance(grid, image.shape, rules["align_corners"]) > 1e-6
    np.testing.assert_array_equal(out[clear], slow[clear])
    np.testing.assert_array_equal(sampled[clear], slow[clear])
    pixels = {*map(tuple, image.reshape(-1, 3).tolist()), (3, 3, 3)}
    assert {*map(tuple, out.reshape(-1, 3).tolist())} <= pixels


def test_nearest_rounds_halves_to_even():
    image = np.arange(1.0, 7.0)[None]  # pixels 1 to 6
    grid = np.zeros((1, 7, 2))
    grid[0, :, 0] = np.arange(7) * 2 / 6 - 1  # coordinates -0.5, 0.5, ..., 5.5
    np.testing.assert_array_equal(grid_sample(image, grid, mode="nearest"), [[1, 1, 3, 3, 5, 5, 0]])
    half_a_pixel = [[1, 0, 1 / 6], [0, 1, 0]]
    np.testing.assert_array_equal(
        warp_affine(image, half_a_pixel, mode="nearest"), [[1, 3, 3, 5, 5, 0]]
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_round_halves_to_even(dtype):
    image = np.array([[0, 1, 2, 3, 4, 5]], dtype)
    half_a_pixel = [[1, 0, 1 / 6], [0, 1, 0]]
    out = warp_affine(image, half_a_pixel, padding_mode="border")
    np.testing.assert_array_equal(out, [[0, 2, 2, 4, 4, 5]])
    out = grid_sample(image, affine_grid(half_a_pixel, (1, 6)), padding_mode="border")
    np.testing.assert_array_equal(out, [[0, 2, 2, 4, 4, 5]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_largest_integer_stays_the_largest(dtype, padding_mode):
    largest = np.iinfo(dtype).max
    image = np.full((20, 30), largest, dtype)
    theta = [[0.83, -0.31, 0.4], [0.27, 1.1, -0.2]]
    out = warp_affine(image, theta, (41, 53), padding_mode=padding_mode, fill_value=largest)
    assert (out == largest).all()


@pytest.mark.compiled
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_float32_stays_near_the_truth_on_a_large_image(padding_mode):
    image = np.random.default_rng(0).random((4096, 4096), np.float32)
    theta = np.array([[0.93, -0.35, 0.013], [0.36, 0.91, -0.21]], np.float32)
    out = warp_affine(image, theta, padding_mode=padding_mode)
    grid_rows = np.random.default_rng(1).choice(4096, 12, replace=False)
    x, y = reference.centres(4096, False), reference.centres(4096, False)[grid_rows]
    grid = np.stack([*np.meshgrid(x, y), np.ones((12, 4096))], axis=-1) @ theta.T.astype(float)
    truth = reference.sample(image[..., None], grid, padding_mode=padding_mode)[..., 0]
    assert np.abs(out[grid_rows] - truth).max() <= FLOAT32
    sampled = grid_sample(image, grid, padding_mode=padding_mode)
    assert np.abs(sampled - truth).max() <= FLOAT32


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (1, 300), (1080, 1920), (4096, 4096)])
@pytest.mark.parametrize("align_corners", [False, True])
def test_points_located_in_float32_lose_nothing(shape, align_corners):
    """A float32 grid, many of its points a rounding beside a pixel centre or the edge."""
    rng = np.random.default_rng(5)
    image = rng.random((*shape, 1), np.float32)
    grid = rng.uniform(-1.2, 1.2, (60, 300, 2)).astype(np.float32)
    for axis, size in enumerate(shape[::-1]):
        centres = rng.choice(reference.centres(size, align_corners), (20, 300))
        grid[:20, :, axis] = np.nextafter(centres.astype(np.float32), grid[:20, :, axis])
    grid[40:] *= 0.7  # runs that lie inside
    truth = reference.sample(image, grid, align_corners=align_corners, fill=0.25)
    out = grid_sample(image, grid, align_corners=align_corners, fill_value=0.25)
    assert np.abs(out - truth).max() <= FLOAT32


@given(st.floats(-100, 100, width=32), thetas, st.sampled_from(["border", "reflection"]))
def test_a_constant_image_stays_constant(value, theta, padding_mode):
    for dtype in (np.float32, np.float64):
        image = np.full((6, 7), value, dtype)
        out = warp_affine(image, theta, (5, 300), padding_mode=padding_mode)
        np.testing.assert_array_equal(out, np.full((5, 300), value, dtype))


@given(st.integers(0, 99), thetas, RULES)
def test_no_value_leaves_the_range_of_the_image(seed, theta, rules):
    image = image_of(seed, (6, 7), "float64")
    out = warp_affine(image, theta, (8, 9), fill_value=image.min(), **rules)
    assert image.min() - 1e-15 <= out.min() and out.max() <= image.max() + 1e-15


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_rows_longer_than_a_block_and_images_in_a_batch(padding_mode, channels):
    """A row is worked on in blocks of 256 pixels, split again where the image ends."""
    images = image_of(4, (3, 4, 30, channels))
    theta = np.array(
        [[[1.2, 0.1, 0], [0.2, 0.8, 0.1]], [[0.3, 0, 0], [0, 0.5, 0]], np.eye(2, 3) * 2]
    )
    out = warp_affine(images, theta, (2, 600), padding_mode=padding_mode, fill_value=0.5)
    sampled = grid_sample(
        images, affine_grid(theta, (2, 600)), padding_mode=padding_mode, fill_value=0.5
    )
    for i in range(3):
        truth = reference.warp(images[i], theta[i], (2, 600), padding_mode=padding_mode, fill=0.5)
        np.testing.assert_allclose(out[i], truth, rtol=0, atol=FLOAT64)
        np.testing.assert_allclose(sampled[i], truth, rtol=0, atol=FLOAT64)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_one_image_of_many_rows_is_worked_on_in_pieces(mode):
    image, theta = image_of(8, (7, 5, 1)), np.array([[0.9, 0.2, 0.01], [-0.3, 1.2, 0.1]])
    truth = reference.warp(image, theta, (150, 2), mode)
    grid = affine_grid(theta, (150, 2))
    np.testing.assert_allclose(warp_affine(image, theta, (150, 2), mode=mode), truth, atol=FLOAT64)
    np.testing.assert_allclose(grid_sample(image, grid, mode=mode), truth, atol=FLOAT64)


def test_each_channel_has_its_own_fill_value():
    image = np.ones((3, 3, 2))
    far = [[1, 0, 10], [0, 1, 0]]
    np.testing.assert_array_equal(
        warp_affine(image, far, fill_value=[0.25, 4]), np.broadcast_to([0.25, 4], (3, 3, 2))
    )
    np.testing.assert_array_equal(warp_affine(image, far, fill_value=[2]), 2 * image)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_warp_of_networks_is_the_public_one(dtype, padding_mode):
    images = image_of(7, (2, 6, 5, 3), np.dtype(dtype).name)
    theta = np.array([[[0.7, 0.4, 0.3], [-0.3, 0.9, 0.1]], np.eye(2, 3)])
    Y, _ = differentiable_warp(images, theta, (4, 7), WarpRules(padding_mode, 0.5))
    public = warp_affine(images, theta, (4, 7), padding_mode=padding_mode, fill_value=0.5)
    assert Y.dtype == dtype
    np.testing.assert_allclose(Y, public, rtol=0, atol=4 * np.finfo(dtype).eps)
