"""Coordinates that are not finite, or huge: refused or harmless, and never a read outside."""

from itertools import product

import numpy as np
import pytest
from support.reference import PADDING_MODES

from stn_cv import (
    NonFiniteError,
    affine_grid,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.kernels.sampling.rules import BILINEAR, NEAREST, KernelRules
from stn_cv.sampling import WarpRules, differentiable_warp

NOT_FINITE = [np.nan, np.inf, -np.inf]
HUGE = [1e9, 1e20, 3e38]
RULES = [
    {"padding_mode": padding_mode, "align_corners": align_corners}
    for padding_mode, align_corners in product(PADDING_MODES, (False, True))
]
IDENTITY = np.eye(2, 3)


def images_of(dtype, n=2):
    return np.random.default_rng(5).uniform(1, 2, (n, 5, 6, 3)).astype(dtype)


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("index", [(0, 0, 0), (1, 0, 2), (1, 1, 1)])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_a_theta_that_is_not_finite_is_refused(value, index, mode):
    images, theta = images_of("float64"), np.stack([IDENTITY, IDENTITY])
    theta[index] = value
    for call in (
        lambda: affine_grid(theta, (3, 3)),
        lambda: warp_affine(images, theta, mode=mode),
        lambda: warp_affine_backward(images, images, theta, mode=mode),
        lambda: warp_affine(images[0], theta[index[0]], mode=mode),
    ):
        with pytest.raises(NonFiniteError, match="theta holds NaN or infinity, first at"):
            call()


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("rules", RULES)
def test_a_grid_that_is_not_finite_is_refused(value, mode, rules):
    images, dout = images_of("float64"), np.ones((2, 4, 5, 3))
    rules = {"mode": mode, **rules}
    for index in ((0, 0, 0, 0), (1, 2, 3, 1)):
        grid = affine_grid(np.stack([IDENTITY, IDENTITY]), (4, 5))
        grid[index] = value
        with pytest.raises(NonFiniteError, match="grid holds 1 coordinate"):
            grid_sample(images, grid, **rules)
        for want_dimages in (True, False):
            with pytest.raises(NonFiniteError, match="grid holds 1 coordinate"):
                grid_sample_backward(dout, images, grid, want_dimages=want_dimages, **rules)


def kernel_results(images, grid, matrices, rules):
    """What every kernel writes at one output pixel: values, then gradients."""
    from stn_cv.kernels.sampling import affine_warp as on_matrix
    from stn_cv.kernels.sampling import grid as on_grid

    gains, fill = np.array([3.0, 2.5]), (np.float64(5.0),) * 3
    at = (grid, gains, gains - 0.5)
    outs = [np.full((1, 1, 1, 3), 7.0) for _ in range(2)]
    dout, dmatrices, dgrid = np.ones((1, 1, 1, 3)), np.ones((1, 2, 3)), np.ones((1, 1, 1, 2))
    for given in (images, *at, dout):  # as the public functions hand them over
        given.flags.writeable = False
    dimages = [np.zeros_like(images), np.full_like(images, 7.0)]
    counts = [on_grid.sample(images, *at, rules, fill, outs[0])]
    on_grid.grid_scatter(dout, *at, rules, fill, 0, dimages[0])
    if rules.mode == NEAREST:
        on_matrix.warp_nearest(images, matrices, 0, rules, fill, outs[1])
        dimages[1].fill(0)
        on_matrix.warp_nearest_scatter(dout, matrices, rules, fill, dimages[1])
        return counts, outs, dimages
    on_matrix.warp(images, 0, matrices, 0, rules, fill, outs[1])
    on_matrix.warp_backward(dout, images, 0, matrices, 0, rules, fill, True, dmatrices, dimages[1])
    counts.append(on_grid.grid_gradient(dout, images, 0, *at, rules, fill, dgrid))
    return counts, outs[:2], [*dimages, dmatrices, dgrid]


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("mode", [BILINEAR, NEAREST])
@pytest.mark.parametrize(("padding_mode", "align_corners"), list(product(range(3), (False, True))))
def test_kernels_write_zero_where_a_coordinate_is_not_finite(
    value, mode, padding_mode, align_corners
):
    images, rules = images_of("float64", 1), KernelRules(mode, padding_mode, align_corners)
    for axis in (0, 1):
        grid, matrices = np.zeros((1, 1, 1, 2)), np.full((1, 2, 3), 0.7)
        counts, outs, gradients = kernel_results(images, grid, matrices, rules)
        assert not any(counts) and all(out.all() for out in outs)
        assert sum(gradient.any() for gradient in gradients) == len(gradients)
        grid, matrices[0, axis, 2] = grid.copy(), value
        grid[..., axis] = value
        counts, outs, gradients = kernel_results(images, grid, matrices, rules)
        assert set(counts) == {1}
        assert not any(array.any() for array in outs + gradients)


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_warp_of_networks_gives_zero_for_a_theta_that_is_not_finite(value, padding_mode):
    images, theta = images_of("float64"), np.stack([IDENTITY, IDENTITY])
    theta[0, 1, 0] = value
    Y, backward = differentiable_warp(images, theta, (4, 7), WarpRules(padding_mode, 0.5))
    dimages, dtheta = backward(np.ones_like(Y), True)
    for array in (Y, dimages, dtheta):
        assert not array[0].any() and array[1].any() and np.isfinite(array).all()


def edge(images, x, y):
    """The edge pixel towards (x, y)."""
    return images[:, -1 if y > 0 else 0, -1 if x > 0 else 0]


def check_far(out, images, padding_mode, x, y):
    if padding_mode == "zeros":
        np.testing.assert_array_equal(out, 0.25)
    elif padding_mode == "border":
        np.testing.assert_array_equal(
            out, np.broadcast_to(edge(images, x, y)[:, None, None], out.shape)
        )
    else:
        assert images.min() <= out.min() and out.max() <= images.max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("rules", RULES)
def test_a_huge_grid_is_far_away(dtype, mode, rules):
    images = images_of(dtype)
    dout = np.ones((2, 1, 3, 3), dtype)
    values = [*HUGE, 1e300] if dtype == "float64" else HUGE
    for x, y in ((sx * v, sy * v) for v in values for sx in (1, -1) for sy in (1, -1)):
        grid = np.broadcast_to(np.array([x, y], dtype), (2, 1, 3, 2))
        out = grid_sample(images, grid, mode=mode, fill_value=0.25, **rules)
        check_far(out, images, rules["padding_mode"], x, y)
        dimages, dgrid = grid_sample_backward(dout, images, grid, mode=mode, **rules)
        assert np.isfinite(dimages).all() and np.isfinite(dgrid).all()
        assert dimages.any() == (rules["padding_mode"] != "zeros")
        if rules["padding_mode"] != "reflection":
            assert not dgrid.any()


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("rules", RULES)
def test_a_huge_theta_looks_far_away(dtype, mode, rules):
    images = images_of("float64") if dtype[0] == "f" else images_of("float64") * 100
    images, fill = images.astype(dtype), 0.25 if dtype[0] == "f" else 0
    for x, y in ((sx * v, sy * v) for v in [*HUGE, 1.7e308] for sx in (1, -1) for sy in (1, -1)):
        theta = np.stack([[[1, 0, x], [0, 1, y]]] * 2)
        out = warp_affine(images, theta, (1, 3), mode=mode, fill_value=fill, **rules)
        check_far(out + (0.25 - fill), images + (0.25 - fill), rules["padding_mode"], x, y)
        wild = np.array([[[x, y, 1], [y, x, 1]], [[x, 0.5, x], [1, y, y]]])
        out = warp_affine(images, wild, (3, 3), mode=mode, fill_value=images.min(), **rules)
        assert images.min() <= out.min() and out.max() <= images.max()
        if dtype[0] == "f":
            for where in (theta, wild):
                dout = np.ones((2, 3, 3, 3))
                for gradient in warp_affine_backward(dout, images, where, mode=mode, **rules):
                    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_grid_of_a_huge_theta_is_finite(dtype):
    value = np.finfo(dtype).max
    theta = np.array([[value, value, value], [-value, value, -value]], dtype)
    grid = affine_grid(theta, (3, 4))
    assert grid.dtype == dtype and np.isfinite(grid).all() and np.abs(grid).max() == value
    grid_sample(images_of(dtype)[0], grid)
