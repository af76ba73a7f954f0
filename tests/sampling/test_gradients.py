"""The backward functions: gradient checks in float64, adjointness, float32, nearest."""

import math
from itertools import product

import numpy as np
import pytest
from support import reference
from support.reference import PADDING_MODES, assert_gradient

from stn_cv import (
    affine_grid,
    affine_grid_backward,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.sampling import WarpRules, differentiable_warp

RULES = [
    {"padding_mode": padding_mode, "align_corners": align_corners}
    for padding_mode, align_corners in product(PADDING_MODES, (False, True))
]
SHAPE, OUTPUT_SHAPE = (2, 5, 6, 2), (3, 4)
KINK = 1e-3  # pixels; a kink within eps would spoil the differences


def smooth_theta(align_corners):
    """Two thetas that look inside, beyond each side and, in places, far out; on no kink."""
    for seed in range(10_000):
        theta = np.eye(2, 3) * 1.3 + np.random.default_rng(seed).normal(0, 0.4, (2, 2, 3))
        grids = np.stack([reference.affine_grid(t, OUTPUT_SHAPE, align_corners) for t in theta])
        beyond = [(grids < -1).any(axis=(0, 1, 2)), (grids > 1).any(axis=(0, 1, 2))]
        distance = reference.kink_distance(grids, SHAPE[1:3], align_corners).min()
        if distance > KINK and np.all(beyond) and (np.abs(grids) < 1).all(axis=-1).sum() >= 8:
            return theta, grids
    raise AssertionError("no theta found")


def data(seed=0, channels=SHAPE[3]):
    rng = np.random.default_rng(seed)
    return rng.random((*SHAPE[:3], channels)), rng.normal(size=(2, *OUTPUT_SHAPE, channels))


@pytest.mark.parametrize("rules", RULES)
def test_gradcheck_of_warp_affine(rules):
    theta, _ = smooth_theta(rules["align_corners"])
    images, dout = data()
    rules = {**rules, "fill_value": [0.5, -1]}
    dimages, dtheta = warp_affine_backward(dout, images, theta, **rules)
    assert_gradient(lambda t: warp_affine(images, t, OUTPUT_SHAPE, **rules), theta, dout, dtheta)
    assert_gradient(lambda x: warp_affine(x, theta, OUTPUT_SHAPE, **rules), images, dout, dimages)


@pytest.mark.parametrize("rules", RULES)
def test_gradcheck_of_grid_sample(rules):
    _, grid = smooth_theta(rules["align_corners"])
    images, dout = data()
    rules = {**rules, "fill_value": [0.5, -1]}
    dimages, dgrid = grid_sample_backward(dout, images, grid, **rules)
    assert_gradient(lambda g: grid_sample(images, g, **rules), grid, dout, dgrid)
    assert_gradient(lambda x: grid_sample(x, grid, **rules), images, dout, dimages)


@pytest.mark.parametrize("align_corners", [False, True])
def test_gradcheck_of_affine_grid(align_corners):
    theta, _ = smooth_theta(align_corners)
    dgrid = np.random.default_rng(1).normal(size=(2, *OUTPUT_SHAPE, 2))
    dtheta = affine_grid_backward(dgrid, align_corners=align_corners)
    forward = lambda t: affine_grid(t, OUTPUT_SHAPE, align_corners=align_corners)  # noqa: E731
    assert_gradient(forward, theta, dgrid, dtheta)
    one = affine_grid_backward(dgrid[0], align_corners=align_corners)
    np.testing.assert_allclose(one, dtheta[0], rtol=1e-15)


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_gradcheck_of_the_warp_of_networks(padding_mode):
    theta, _ = smooth_theta(False)
    images, dout = data()

    def forward(images, theta):
        return differentiable_warp(images, theta, OUTPUT_SHAPE, WarpRules(padding_mode, 0.5))[0]

    _, backward = differentiable_warp(images, theta, OUTPUT_SHAPE, WarpRules(padding_mode, 0.5))
    dimages, dtheta = backward(dout, True)
    assert_gradient(lambda t: forward(images, t), theta, dout, dtheta)
    assert_gradient(lambda x: forward(x, theta), images, dout, dimages)
    without, again = backward(dout[..., ::-1][..., ::-1], False)
    assert without is None
    np.testing.assert_array_equal(again, dtheta)


def dot(a, b):
    return math.fsum((a * b).ravel().tolist())


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("rules", RULES)
def test_the_gradient_by_the_images_is_the_adjoint(rules, mode):
    rng = np.random.default_rng(2)
    theta = np.eye(2, 3) + rng.normal(0, 0.5, (2, 2, 3))
    grid = affine_grid(theta, (9, 11), align_corners=rules["align_corners"])
    rules = {**rules, "mode": mode}
    for _ in range(5):
        x, y = rng.normal(size=(2, 8, 7, 3)), rng.normal(size=(2, 9, 11, 3))
        for Wx, WTy in (
            (
                warp_affine(x, theta, (9, 11), **rules),
                warp_affine_backward(y, x, theta, **rules)[0],
            ),
            (grid_sample(x, grid, **rules), grid_sample_backward(y, x, grid, **rules)[0]),
        ):
            size = np.linalg.norm(Wx) * np.linalg.norm(y)
            assert size > 1 and abs(dot(Wx, y) - dot(x, WTy)) <= 1e-14 * size


@pytest.mark.parametrize("rules", RULES)
def test_gradients_of_float32_are_near_those_of_float64(rules):
    theta, grid = smooth_theta(rules["align_corners"])
    images, dout = data(channels=3)
    single = [a.astype(np.float32) for a in (dout, images)]
    for backward, where in ((warp_affine_backward, theta), (grid_sample_backward, grid)):
        wanted = backward(dout, images, where, **rules)
        given = backward(*single, where.astype(np.float32), **rules)
        for got, truth in zip(given, wanted, strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, truth, rtol=0, atol=2e-6 * np.abs(truth).max())


@pytest.mark.parametrize("rules", RULES)
def test_nearest_has_no_gradient_by_where_it_looks(rules):
    theta, grid = smooth_theta(rules["align_corners"])
    images, dout = data()
    for backward, where in ((warp_affine_backward, theta), (grid_sample_backward, grid)):
        dimages, dwhere = backward(dout, images, where, mode="nearest", **rules)
        assert dwhere.shape == where.shape and not dwhere.any()
        assert_gradient(
            lambda x, where=where: (warp_affine(x, where, OUTPUT_SHAPE, mode="nearest", **rules)
                                    if where is theta
                                    else grid_sample(x, where, mode="nearest", **rules)),
            images, dout, dimages,
        )  # fmt: skip


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_dimages_can_be_left_out(mode):
    theta, grid = smooth_theta(False)
    images, dout = data()
    for backward, where in ((warp_affine_backward, theta), (grid_sample_backward, grid)):
        _, dwhere = backward(dout, images, where, mode=mode)
        none, alone = backward(dout, images, where, mode=mode, want_dimages=False)
        assert none is None
        np.testing.assert_array_equal(alone, dwhere)


@pytest.mark.parametrize("padding_mode", ["border", "reflection"])
def test_at_the_border_the_gradient_stops(padding_mode):
    """Beyond the outermost pixel centre nothing changes: torch's rule, on the centre itself too."""
    image = np.arange(12.0).reshape(3, 4)
    grid = np.array([[[-1.0, 0.1], [-0.75, 0.1], [0.75, 0.1], [1.0, 0.1], [0.1, 0.1]]])
    _, dgrid = grid_sample_backward(np.ones((1, 5)), image, grid, padding_mode=padding_mode)
    np.testing.assert_array_equal(dgrid[0, :4, 0], 0)
    np.testing.assert_allclose(dgrid[0, :, 1], 6)  # 4 a row, 1.5 rows a unit
    np.testing.assert_allclose(dgrid[0, 4, 0], 2)
