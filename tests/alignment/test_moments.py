"""Poses by moments: what they undo, and what they leave alone."""

import numpy as np
import pytest

from stn_cv import (
    InvalidInputError,
    NonFiniteError,
    angle_error,
    corner_error,
    theta_from_moments,
    warp_affine,
)


def bar(ground=0.0):
    """A smooth bar that is long upright, on a plain ground."""
    y, x = (np.indices((48, 48)) - 23.5) / 24
    return ground + (1 - ground) * np.exp(-((x / 0.12) ** 2) - (y / 0.3) ** 2)[None]


def placed(image, degrees, scale, shift):
    """The picture turned clockwise, enlarged and shifted, and the theta that undoes it."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    undo = np.column_stack([turn * scale, shift])
    back = np.linalg.inv(np.vstack([undo, [0, 0, 1]]))[:2]
    return warp_affine(image, back[None], (48, 48), padding_mode="border"), undo[None]


@pytest.mark.parametrize("ground", [0.0, 0.7])
@pytest.mark.parametrize("degrees, scale, shift", [(40, 1.2, (0.1, -0.2)), (-85, 0.7, (0.3, 0))])
def test_turn_size_and_place_are_undone(ground, degrees, scale, shift):
    image = bar(ground)
    moved, undo = placed(image, degrees, scale, shift)
    start = np.vstack([theta_from_moments(image)[0], [0, 0, 1]])
    wanted = (np.vstack([undo[0], [0, 0, 1]]) @ start)[:2]
    assert corner_error(theta_from_moments(moved)[0], wanted, (48, 48)) < 0.01


def test_a_thing_upside_down_stays_so():
    moved, undo = placed(bar(), 180, 1, (0, 0))
    assert abs(angle_error(theta_from_moments(moved), undo, (48, 48))[0]) == pytest.approx(180)


def test_without_turn_only_place_and_size_change():
    moved, _ = placed(bar(), 30, 1, (0.2, 0.1))
    theta = theta_from_moments(moved, turn=False)[0]
    assert theta[0, 1] == theta[1, 0] == 0
    np.testing.assert_allclose(theta[:, 2], [0.2, 0.1], atol=0.01)


def test_the_extent_is_the_size_shown():
    one, half = (theta_from_moments(bar(), extent=extent)[0, 0, 0] for extent in (1.0, 0.5))
    assert half == pytest.approx(2 * one)


def test_integers_channels_and_long_pictures():
    grey = (255 * bar()).astype(np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=3)
    np.testing.assert_allclose(theta_from_moments(colour), theta_from_moments(grey), atol=1e-12)
    wide = np.pad(grey, ((0, 0), (0, 0), (24, 24)))
    theta = theta_from_moments(np.rot90(wide, axes=(1, 2)))
    assert abs(angle_error(theta, theta_from_moments(wide), (96, 48))[0]) == pytest.approx(90)
    tall = theta_from_moments(wide, turn=False)[0]
    assert tall[0, 0] == tall[1, 1] and tall[0, 2] == pytest.approx(0, abs=1e-9)


def test_nothing_shown_is_the_identity():
    images = np.stack([np.full((9, 9), 0.3), bar()[0, 20:29, 20:29]])
    np.testing.assert_array_equal(theta_from_moments(images)[0], np.eye(2, 3))
    assert theta_from_moments(np.zeros((0, 9, 9))).shape == (0, 2, 3)


def test_bad_input_is_refused():
    with pytest.raises(InvalidInputError, match=r"shape \(9, 9\)"):
        theta_from_moments(np.zeros((9, 9)))
    with pytest.raises(NonFiniteError, match="NaN"):
        theta_from_moments(np.full((1, 9, 9), np.nan))
    with pytest.raises(InvalidInputError, match="extent is 0"):
        theta_from_moments(bar(), extent=0)
