"""What is compared: where pictures change, whatever side light comes from."""

import numpy as np
import pytest

from stn_cv import JointAlignment
from stn_cv.alignment.features import FEATURES
from tests.support.reliefs import reliefs


def turns_off(theta, truth, designs):
    """Degrees between found and true turns, after one turn of all that show the same design."""
    found = np.exp(1j * np.arctan2(theta[:, 1, 0], theta[:, 0, 0]))
    apart = found / np.exp(1j * np.deg2rad(truth))
    for design in np.unique(designs):
        own = designs == design
        tried = np.exp(1j * np.deg2rad(np.arange(0, 360, 3)))
        near = np.abs(np.angle(apart[own, None] / tried)) < np.deg2rad(15)
        apart[own] /= tried[near.sum(axis=0).argmax()]
    return np.abs(np.rad2deg(np.angle(apart)))


@pytest.fixture(scope="module")
def coins():
    return reliefs(n=240, seed=0)


def test_edges_find_turns_that_light_hides_in_grey(coins):
    X, y, turns = coins
    off = {
        name: np.mean(
            turns_off(
                JointAlignment(1, features=name, n_restarts=2, random_state=0).fit(X, y).theta_,
                turns,
                y,
            )
            > 15
        )
        for name in FEATURES
    }
    assert off["edges"] < 0.2 < 0.4 < off["grey"]


def test_edges_are_the_same_under_light_from_the_other_side(coins):
    """A relief's slopes are bright or dark by where light comes from; their places stay."""
    x = np.linspace(-3, 3, 40)
    bump = np.exp(-(x**2) - (x[:, None] - 0.5) ** 2)
    down, across = np.gradient(bump)
    lit = np.stack([0.5 + across, 0.5 - across])[..., None]
    one, other = FEATURES["edges"](lit)
    np.testing.assert_allclose(one, other, atol=0.05 * np.abs(one).max())


def test_edges_keep_nothing_that_is_the_same_all_round():
    x = np.arange(33) - 16.0
    disc = 1 / (1 + np.exp(np.hypot(x, x[:, None]) - 11))
    off_centre = np.roll(disc, 3, axis=1)
    round_one, other = (
        np.abs(FEATURES["edges"](v[None, ..., None])).mean() for v in (disc, off_centre)
    )
    assert round_one < 0.3 * other
