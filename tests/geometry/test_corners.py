"""Corners to theta and back, what is refused, and the errors of a pose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stn_cv import (
    InvalidInputError,
    angle_error,
    corner_error,
    corners_from_theta,
    theta_from_corners,
    warp_affine,
)
from stn_cv.families import FAMILIES

FITTED = ("translation", "attention", "similarity", "affine", "projective")
SQUARE = np.array([[20.0, 10], [80, 10], [80, 70], [20, 70]])
IDENTITY = np.eye(2, 3)
seeds = st.integers(0, 2**32 - 1)
sides = st.builds(
    lambda side, ratio: (side, round(side * ratio)), st.integers(8, 4000), st.floats(0.5, 2)
)


def own_parameters(family, seed):
    """Parameters that leave the frame inside of a photo twice as long as wide."""
    rng = np.random.default_rng(seed)
    shift, scale, angle = rng.uniform(-0.02, 0.02, 2), rng.uniform(-3, -1.2), rng.uniform(-3, 3)
    if family == "translation":
        return [*shift]
    if family == "attention":
        return [scale, *shift * 5]
    if family == "similarity":
        return [scale, angle, *shift * 5]
    linear = [-0.7, 0, shift[0], 0, -0.7, shift[1]] + rng.uniform(-0.1, 0.1, 6)
    return [*linear] if family == "affine" else [*linear, *rng.uniform(-0.2, 0.2, 2)]


@given(st.sampled_from(FITTED), sides, seeds)
def test_corners_to_theta_to_corners(family, shape, seed):
    parameters = np.array([own_parameters(family, seed)])
    theta, _ = FAMILIES[family].theta(parameters, shape)
    corners = corners_from_theta(theta, shape)
    found = theta_from_corners(corners, shape, family=family)
    np.testing.assert_allclose(corners_from_theta(found, shape), corners, atol=1e-9 * shape[1])
    np.testing.assert_allclose(found, theta, rtol=0, atol=1e-11)


@given(sides, seeds)
def test_a_homography_passes_through_any_four_corners(shape, seed):
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    places = 0.2 + 0.6 * unit + np.random.default_rng(seed).uniform(-0.14, 0.14, (5, 4, 2))
    corners = places * shape[::-1]
    back = corners_from_theta(theta_from_corners(corners, shape), shape)
    np.testing.assert_allclose(back, corners, rtol=0, atol=1e-9 * shape[1])


@pytest.mark.parametrize("family", FITTED[:-1])
def test_a_fit_is_the_nearest_of_its_family(family):
    """No other parameters near come nearer, on a photo and for an output of other aspects."""
    rng = np.random.default_rng(0)
    shape, output_shape = (300, 500), (300, 500)
    corners = np.array([[100.0, 60], [390, 90], [420, 260], [90, 230]])
    theta = theta_from_corners(corners, shape, output_shape, family=family)
    least = np.square(corners_from_theta(theta, shape) - corners).sum()
    for _ in range(200):
        parameters = rng.normal(0, 0.02, (1, FAMILIES[family].n_parameters))
        other, _ = FAMILIES[family].theta(parameters, shape)
        near = theta + other[0] - IDENTITY
        if family != "translation":
            near = theta_times(theta, other[0])
        assert np.square(corners_from_theta(near, shape) - corners).sum() >= least


def theta_times(one, other):
    row = [[0, 0, 1]]
    return (np.vstack([one, row]) @ np.vstack([other, row]))[:2]


@pytest.mark.parametrize("family", ["similarity", "affine", "projective"])
def test_the_output_shows_what_lies_between_the_corners(family):
    picture = np.zeros((40, 60, 3), np.float32)
    picture[10:30, 15:45] = np.random.default_rng(0).random((20, 30, 3))
    corners = [[15, 30], [15, 10], [45, 10], [45, 30]]  # a quarter turn
    theta = theta_from_corners(corners, picture.shape, (30, 20), family=family)
    shown = warp_affine(picture, theta[:2], (30, 20))
    np.testing.assert_allclose(shown, np.rot90(picture[10:30, 15:45], -1), atol=1e-5)


def test_each_photo_may_have_its_own_shape():
    corners = np.stack([SQUARE, SQUARE])
    theta = theta_from_corners(corners, [(100, 100), (200, 400)])
    for own, shape in zip(theta, [(100, 100), (200, 400)], strict=True):
        np.testing.assert_array_equal(own, theta_from_corners(SQUARE, shape))
    back = corners_from_theta(theta, [(100, 100), (200, 400)])
    np.testing.assert_allclose(back, corners, atol=1e-10)


MIRRORED, CROSSED, INWARD, IN_LINE, OUTSIDE = (
    SQUARE[::-1],
    SQUARE[[0, 2, 1, 3]],
    np.array([[20, 10], [80, 10], [40, 30], [20, 70.0]]),
    np.array([[20, 10], [50, 10], [80, 10], [20, 70.0]]),
    SQUARE + [30, 0],
)


@pytest.mark.parametrize(
    "corners, reason",
    [
        (MIRRORED, "counter-clockwise"),
        (CROSSED, "cross"),
        (INWARD, "inwards"),
        (IN_LINE, "in a line"),
        (SQUARE[[0, 0, 2, 3]], "in a line"),
        (OUTSIDE, "outside"),
    ],
)
@pytest.mark.parametrize("family", FITTED)
def test_corners_that_are_no_frame_are_refused_by_row(corners, reason, family):
    with pytest.raises(InvalidInputError, match=rf"(?s)corners\[2\].*{reason}"):
        theta_from_corners([SQUARE, SQUARE, corners], (100, 100), family=family)


def test_a_corner_a_little_past_the_edge_is_kept():
    theta = theta_from_corners(SQUARE + [23, 0], (100, 100))
    np.testing.assert_allclose(corners_from_theta(theta, (100, 100)), SQUARE + [23, 0], atol=1e-9)


@pytest.mark.parametrize(
    "corners, shape, how, reason",
    [
        (SQUARE[:3], (100, 100), {}, r"shape \(3, 2\)"),
        ([SQUARE, SQUARE * np.nan], (100, 100), {}, r"corners\[1\] holds NaN"),
        (SQUARE, (100, 100), {"family": "tps"}, "'tps'; wanted one of"),
        ([SQUARE, SQUARE], [(100, 100)], {}, "each of 2"),
        (SQUARE, (0, 100), {}, "input_shape"),
        (SQUARE[[2, 3, 0, 1]], (100, 100), {"family": "attention"}, "cannot turn"),
    ],
)
def test_other_bad_input_is_refused(corners, shape, how, reason):
    with pytest.raises(InvalidInputError, match=reason):
        theta_from_corners(corners, shape, **how)


def turned(degrees, shift=(0, 0)):
    angle = np.deg2rad(degrees)
    return np.array(
        [[np.cos(angle), -np.sin(angle), shift[0]], [np.sin(angle), np.cos(angle), shift[1]]]
    )


@given(seeds)
def test_an_error_is_measured_in_the_upright_frame(seed):
    """It does not change where the photo is warped, or with the thing's place in it."""
    rng = np.random.default_rng(seed)
    true, found = (IDENTITY + rng.normal(0, 0.2, (2, 3)) for _ in range(2))
    other = IDENTITY + rng.normal(0, 0.2, (2, 3))
    error = corner_error(found, true, (20, 30))
    again = corner_error(theta_times(other, found), theta_times(other, true), (20, 30))
    np.testing.assert_allclose(again, error, rtol=1e-9)
    both = (theta_times(other, found), theta_times(other, true), (20, 30))
    np.testing.assert_allclose(angle_error(*both), angle_error(found, true, (20, 30)), atol=1e-7)


def test_widths_are_the_unit_of_both_directions():
    assert corner_error(turned(0, (0.2, 0)), IDENTITY, (20, 40)) == pytest.approx(0.1)
    assert corner_error(turned(0, (0, 0.2)), IDENTITY, (20, 40)) == pytest.approx(0.05)


@pytest.mark.parametrize("degrees", [-170, -91, -30, 0, 12, 89, 180])
@pytest.mark.parametrize("symmetry", [1, 2, 4])
def test_angles_of_symmetric_things_are_compared_modulo_a_turn(degrees, symmetry):
    left = angle_error(turned(degrees + 25), turned(25), (30, 30), symmetry=symmetry)
    period = 360 / symmetry
    assert abs(left) <= period / 2 + 1e-9
    assert (left - degrees) % period == pytest.approx(0, abs=1e-9) or (
        (left - degrees) % period == pytest.approx(period, abs=1e-9)
    )
    right = corner_error(turned(degrees), IDENTITY, (30, 30), symmetry=symmetry)
    chord = np.sqrt(2) * np.sin(np.deg2rad(abs(left)) / 2)
    assert right == pytest.approx(chord, abs=1e-9)


def test_a_turn_of_a_long_picture_is_a_turn():
    """Theta of a turn about the middle of a photo twice as wide as high."""
    angle, (height, width) = np.deg2rad(30), (40, 80)
    theta = np.array(
        [[np.cos(angle), -np.sin(angle) * height / width, 0],
         [np.sin(angle) * width / height, np.cos(angle), 0]]
    )  # fmt: skip
    assert angle_error(theta, IDENTITY, (height, width)) == pytest.approx(30)
    half = corner_error(-np.array(IDENTITY), IDENTITY, (height, width), symmetry=2)
    assert half == pytest.approx(0, abs=1e-12)


def test_homographies_and_splines_have_corner_errors():
    frame = theta_from_corners(SQUARE, (100, 100))
    skewed = theta_from_corners(SQUARE + [[6, 0], [0, 0], [0, 0], [0, 0]], (100, 100))
    assert corner_error(skewed, frame, (10, 10)) == pytest.approx(0.1 / 4)
    spline = np.zeros((1, 4, 2))
    assert corner_error(spline, np.eye(3)[None], (10, 10)) == pytest.approx(0)
    with pytest.raises(InvalidInputError, match="spline"):
        angle_error(spline, IDENTITY, (10, 10))
    with pytest.raises(InvalidInputError, match="singular"):
        corner_error(IDENTITY, np.zeros((2, 3)), (10, 10))
    with pytest.raises(InvalidInputError, match="symmetry is 0"):
        corner_error(IDENTITY, IDENTITY, (10, 10), symmetry=0)
    with pytest.raises(InvalidInputError, match="3 poses and true_theta 2"):
        corner_error(np.stack([IDENTITY] * 3), np.stack([IDENTITY] * 2), (10, 10))


def test_a_corner_behind_the_camera_of_the_true_pose_is_infinitely_far():
    true = np.array([[1, 0, 0], [0, 1, 0], [0.9, 0, 1]])
    assert corner_error(turned(0, (30, 0)), true, (10, 10)) == np.inf
