"""theta and OpenCV's pixel matrices, against cv2 itself."""

from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import reference

from stn_cv import (
    InvalidInputError,
    NonFiniteError,
    theta_from_cv2,
    theta_to_cv2,
    warp_affine,
)

DIRECTIONS = ("source_to_output", "output_to_source")
BORDERS = {
    "zeros": cv2.BORDER_CONSTANT, "border": cv2.BORDER_REPLICATE, "reflection": cv2.BORDER_REFLECT,
}  # fmt: skip
thetas = st.lists(st.floats(-2, 2), min_size=6, max_size=6).map(lambda t: np.reshape(t, (2, 3)))
shapes = st.tuples(st.integers(2, 40), st.integers(2, 40))


def regular(theta):
    return abs(np.linalg.det(theta[..., :2])) > 0.05


@given(thetas, shapes, shapes, st.sampled_from(DIRECTIONS), st.booleans())
def test_there_and_back_again(theta, input_shape, output_shape, direction, align_corners):
    assume(regular(theta))
    how = {"direction": direction, "align_corners": align_corners}
    matrix = theta_to_cv2(theta, input_shape, output_shape, **how)
    back = theta_from_cv2(matrix, input_shape, output_shape, **how)
    np.testing.assert_allclose(back, theta, rtol=0, atol=1e-11)
    again = theta_to_cv2(back, input_shape, output_shape, **how)
    np.testing.assert_allclose(again, matrix, rtol=1e-11, atol=1e-9)


@given(thetas, shapes, shapes, st.booleans())
def test_a_matrix_maps_pixels_as_theta_does(theta, input_shape, output_shape, align_corners):
    """Against the slow twin: the source pixel of every output pixel."""
    grid = reference.affine_grid(theta, output_shape, align_corners)
    x = reference.to_pixel(grid[..., 0], input_shape[1], align_corners)
    y = reference.to_pixel(grid[..., 1], input_shape[0], align_corners)
    how = {"direction": "output_to_source", "align_corners": align_corners}
    matrix = theta_to_cv2(theta, input_shape, output_shape, **how)
    rows, columns = np.indices(output_shape)
    mapped = np.einsum("ij,jhw->ihw", matrix, np.stack([columns, rows, np.ones_like(rows)]))
    np.testing.assert_allclose(mapped, [x, y], rtol=0, atol=1e-10)


@given(thetas, shapes, shapes)
def test_the_two_directions_are_inverses(theta, input_shape, output_shape):
    assume(regular(theta))
    there, back = (theta_to_cv2(theta, input_shape, output_shape, direction=d) for d in DIRECTIONS)
    row = [[0, 0, 1]]
    product_ = np.vstack([there, row]) @ np.vstack([back, row])
    np.testing.assert_allclose(product_, np.eye(3), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("padding_mode", "channels"), list(product(BORDERS, [(), (3,)])))
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_opencv_warps_alike(padding_mode, channels, dtype):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (13, 17, *channels)).astype(dtype)
    border = {"borderMode": BORDERS[padding_mode], "borderValue": (9, 9, 9)}
    for _ in range(5):
        theta = np.eye(2, 3) + rng.normal(0, 0.4, (2, 3))
        ours = warp_affine(image, theta, (11, 15), padding_mode=padding_mode, fill_value=9)
        for direction, flag in zip(DIRECTIONS, (0, cv2.WARP_INVERSE_MAP), strict=True):
            matrix = theta_to_cv2(theta, image.shape, (11, 15), direction=direction)
            theirs = cv2.warpAffine(
                image, matrix, (15, 11), flags=cv2.INTER_LINEAR | flag, **border
            )
            # theirs computes coordinates in float32
            np.testing.assert_allclose(
                ours.astype(float), theirs, atol=1 if dtype == "uint8" else 5e-3
            )
            ours_again = warp_affine(
                image, theta_from_cv2(matrix, image.shape, (11, 15), direction=direction), (11, 15),
                padding_mode=padding_mode, fill_value=9,
            )  # fmt: skip
            tolerance = 1 if dtype == "uint8" else 1e-3
            np.testing.assert_allclose(ours_again.astype(float), ours, atol=tolerance)


@pytest.mark.parametrize(
    ("padding_mode", "mode"),
    [("zeros", "constant"), ("border", "edge"), ("reflection", "symmetric")],
)
def test_scikit_image_warps_alike(padding_mode, mode):
    transform = pytest.importorskip("skimage.transform")
    image = np.random.default_rng(4).random((13, 17))
    theta = np.array([[0.9, 0.5, 0.3], [-0.4, 1.2, -0.2]])
    ours = warp_affine(image, theta, (11, 15), padding_mode=padding_mode, fill_value=0.25)
    matrix = theta_to_cv2(theta, image.shape, (11, 15), direction="output_to_source")
    matrix = np.vstack([matrix, [0, 0, 1]])
    theirs = transform.warp(image, matrix, output_shape=(11, 15), order=1, mode=mode, cval=0.25)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_opencvs_own_rotation_is_understood():
    image = np.random.default_rng(1).random((20, 30), np.float32)
    matrix = cv2.getRotationMatrix2D((12, 7), 30, 1.2)
    theirs = cv2.warpAffine(image, matrix, (25, 18))
    theta = theta_from_cv2(matrix, (20, 30), (18, 25))
    np.testing.assert_allclose(warp_affine(image, theta, (18, 25)), theirs, atol=1e-4)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_integer_shifts_and_turns_are_exact(direction):
    for matrix in ([[1, 0, -3], [0, 1, 5]], [[0, -1, 8], [1, 0, 0]], [[-1, 0, 6], [0, -1, 8]]):
        theta = theta_from_cv2(matrix, (9, 7), (9, 7), direction=direction)
        back = theta_to_cv2(theta, (9, 7), (9, 7), direction=direction)
        np.testing.assert_array_equal(back, matrix)
        assert not np.signbit(back[back == 0]).any()


def test_a_batch_is_converted_one_by_one():
    theta = np.eye(2, 3) + np.random.default_rng(2).normal(0, 0.3, (4, 2, 3))
    for convert in (theta_to_cv2, theta_from_cv2):
        batch = convert(theta, (9, 7, 3), (5, 6))
        assert batch.dtype == np.float64
        for one, each in zip(batch, theta, strict=True):
            np.testing.assert_array_equal(one, convert(each, (9, 7), (5, 6, 1)))
        assert convert(theta[:0], (9, 7), (5, 6)).shape == (0, 2, 3)


EYE = np.eye(2, 3)
BAD = {
    "an unknown direction": (
        lambda f: f(EYE, (4, 4), (4, 4), direction="inverse"),
        "output_to_source",
    ),
    "a wrong shape": (lambda f: f(np.eye(3), (4, 4), (4, 4)), r"(theta|matrix) has shape \(3, 3\)"),
    "a singular matrix": (lambda f: f([[1, 2, 0], [2, 4, 0]], (4, 4), (4, 4)), "singular"),
    "zeros": (lambda f: f(np.zeros((3, 2, 3)), (4, 4), (4, 4)), "singular"),
    "singular up to rounding": (
        lambda f: f([[0.1, 0.3, 0], [0.7, 0.1 * 0.7 / 0.1 * 3, 0]], (4, 4), (4, 4)),
        "singular",
    ),
    "no source": (lambda f: f(EYE, (0, 4), (4, 4)), "input_shape is .0, 4."),
    "no output": (lambda f: f(EYE, (4, 4), (4, 0)), "output_shape is .4, 0."),
    "one side": (lambda f: f(EYE, (4,), (4, 4)), "height, width"),
    "a number": (lambda f: f(EYE, 4, (4, 4)), "height, width"),
    "a pixel that spans nothing": (
        lambda f: f(EYE, (1, 4), (4, 4), align_corners=True),
        "spans nothing|singular",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("function", [theta_to_cv2, theta_from_cv2])
def test_bad_input_is_a_clear_error(function, case):
    call, message = BAD[case]
    with pytest.raises(InvalidInputError, match=message):
        call(function)


@pytest.mark.parametrize("function", [theta_to_cv2, theta_from_cv2])
def test_not_finite_is_refused(function):
    with pytest.raises(NonFiniteError, match="first at .1, 0."):
        function([[1, 0, 0], [np.inf, 1, 0]], (4, 4), (4, 4))
