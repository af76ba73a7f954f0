"""NaN as what stands outside: it marks the pixels in which anything outside has a part."""

import numpy as np
import pytest

from stn_cv import (
    InvalidInputError,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.families import FAMILIES
from stn_cv.sampling import WarpRules

THETA = np.array([[1.1, 0.3, 0.1], [-0.2, 0.9, -0.3]])
MODES = ["bilinear", "nearest", "bicubic"]


def picture(dtype="float64"):
    return np.random.default_rng(0).random((9, 8, 3)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_it_stands_exactly_where_another_value_would_show(mode, dtype):
    image = picture(dtype)
    out = warp_affine(image, THETA, (12, 10), mode=mode, fill_value=np.nan)
    zero, one = (warp_affine(image, THETA, (12, 10), mode=mode, fill_value=f) for f in (0, 1))
    shows = np.abs(zero - one) > 1e-5
    np.testing.assert_array_equal(np.isnan(out), shows)
    np.testing.assert_array_equal(out[~shows], zero[~shows])
    assert shows.any() and not shows.all()


@pytest.mark.parametrize("mode", MODES)
def test_an_identity_loses_nothing(mode):
    np.testing.assert_array_equal(
        warp_affine(picture(), np.eye(2, 3), mode=mode, fill_value=np.nan), picture()
    )


def test_of_one_channel_only_and_under_other_paddings():
    out = warp_affine(picture(), THETA * 2, fill_value=[0.5, np.nan, 0])
    assert np.isnan(out[..., 1]).any() and np.isfinite(out[..., 0]).all()
    np.testing.assert_array_equal(
        out[..., 0], warp_affine(picture(), THETA * 2, fill_value=0.5)[..., 0]
    )
    assert np.isfinite(
        warp_affine(picture(), THETA * 2, padding_mode="border", fill_value=np.nan)
    ).all()


def test_a_mean_of_which_a_part_is_unknown_is_unknown():
    out = warp_affine(picture(), THETA * 3, (5, 5), antialias=True, fill_value=np.nan)
    zero, one = (
        warp_affine(picture(), THETA * 3, (5, 5), antialias=True, fill_value=f) for f in (0, 1)
    )
    np.testing.assert_array_equal(np.isnan(out), np.abs(zero - one) > 1e-9)


def test_on_grids_and_of_other_families():
    grid = np.random.default_rng(1).uniform(-1.3, 1.3, (6, 7, 2))
    out = grid_sample(picture(), grid, fill_value=np.nan)
    shows = grid_sample(picture(), grid, fill_value=0) != grid_sample(picture(), grid, fill_value=1)
    np.testing.assert_array_equal(np.isnan(out), shows)
    family = FAMILIES["tps"]
    theta = np.random.default_rng(2).normal(0, 0.2, (16, 2))
    out = family.apply(picture(), theta, (9, 9), WarpRules(fill_value=np.nan))
    zero = family.apply(picture(), theta, (9, 9))
    assert np.isnan(out).any()
    np.testing.assert_array_equal(out[~np.isnan(out)], zero[~np.isnan(out)])


def test_what_is_unknown_has_no_gradient():
    image, dout = picture(), np.random.default_rng(3).normal(size=(12, 10, 3))
    lost = np.isnan(warp_affine(image, THETA, (12, 10), fill_value=np.nan))
    wanted = warp_affine_backward(np.where(lost, 0, dout), image, THETA)
    for got, true in zip(
        warp_affine_backward(dout, image, THETA, fill_value=np.nan), wanted, strict=True
    ):
        np.testing.assert_array_equal(got, true)
    grid = np.random.default_rng(4).uniform(-1.3, 1.3, (12, 10, 2))
    lost = np.isnan(grid_sample(image, grid, fill_value=np.nan))
    wanted = grid_sample_backward(np.where(lost, 0, dout), image, grid)
    for got, true in zip(
        grid_sample_backward(dout, image, grid, fill_value=np.nan), wanted, strict=True
    ):
        np.testing.assert_array_equal(got, true)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("uint8", np.nan),
        ("uint8", [0, np.nan, 0]),
        ("float64", np.inf),
        ("float64", None),
        ("float64", [None, 1, 1]),
    ],
)
def test_integers_have_no_nan_and_nothing_is_infinite(dtype, fill):
    with pytest.raises(InvalidInputError, match="fill_value"):
        warp_affine(picture(dtype), THETA, fill_value=fill)
