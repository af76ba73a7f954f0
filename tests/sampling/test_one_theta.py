"""One theta or grid for all images of a batch."""

import numpy as np
import pytest

from stn_cv import (
    InvalidInputError,
    affine_grid,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.families import FAMILIES

THETA = np.array([[0.8, 0.3, 0.1], [-0.2, 0.9, -0.3]])
IMAGES = np.random.default_rng(0).random((3, 6, 5, 2))
DOUT = np.random.default_rng(1).normal(size=(3, 4, 7, 2))
GRID = affine_grid(THETA, (4, 7))


@pytest.mark.parametrize("one", [THETA, THETA[None]], ids=["(2, 3)", "(1, 2, 3)"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_a_theta_warps_all(one, mode):
    each = np.stack([THETA] * 3)
    out = warp_affine(IMAGES, one, (4, 7), mode=mode)
    np.testing.assert_array_equal(out, warp_affine(IMAGES, each, (4, 7), mode=mode))
    dimages, dtheta = warp_affine_backward(DOUT, IMAGES, one, mode=mode)
    wanted, dthetas = warp_affine_backward(DOUT, IMAGES, each, mode=mode)
    np.testing.assert_array_equal(dimages, wanted)
    assert dtheta.shape == one.shape
    np.testing.assert_allclose(dtheta.reshape(2, 3), dthetas.sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("one", [GRID, GRID[None]], ids=["three axes", "four axes"])
def test_a_grid_samples_all(one):
    each = np.stack([GRID] * 3)
    np.testing.assert_array_equal(grid_sample(IMAGES, one), grid_sample(IMAGES, each))
    dimages, dgrid = grid_sample_backward(DOUT, IMAGES, one)
    wanted, dgrids = grid_sample_backward(DOUT, IMAGES, each)
    np.testing.assert_array_equal(dimages, wanted)
    assert dgrid.shape == one.shape
    np.testing.assert_allclose(dgrid.reshape(GRID.shape), dgrids.sum(axis=0), atol=1e-12)


def test_a_batch_without_channels_and_one_without_images():
    grey = np.random.default_rng(2).random((3, 8, 9))
    out = warp_affine(grey, THETA[None])
    np.testing.assert_array_equal(out, warp_affine(grey, np.stack([THETA] * 3)))
    assert warp_affine(IMAGES[:0], THETA[None], (4, 7)).shape == (0, 4, 7, 2)
    assert warp_affine(IMAGES[:1], THETA, (4, 7)).shape == (1, 4, 7, 2)


def test_what_can_be_one_picture_in_colours_or_many_strips_is_refused():
    with pytest.raises(InvalidInputError, match=r"give theta\[0\] for one"):
        warp_affine(np.ones((20, 30, 3)), THETA[None])


@pytest.mark.parametrize("name", FAMILIES)
def test_families_take_one_for_all(name):
    family = FAMILIES[name]
    theta, _ = family.theta(np.full((1, family.n_parameters), 0.1), IMAGES.shape[1:3])
    each = family.apply(IMAGES, np.repeat(theta, 3, axis=0), (4, 7))
    for one in (theta, theta[0]):
        np.testing.assert_array_equal(family.apply(IMAGES, one, (4, 7)), each)
