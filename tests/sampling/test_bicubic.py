"""Bicubic sampling: Keys' cubic convolution with a = -0.75, as PyTorch and OpenCV define it."""

import cv2
import numpy as np
import pytest
from support import reference
from support.reference import PADDING_MODES, assert_gradient

from stn_cv import grid_sample, grid_sample_backward, warp_affine, warp_affine_backward
from stn_cv.families import FAMILIES
from stn_cv.sampling import WarpRules

THETA = np.array([[[0.8, 0.3, 0.1], [-0.2, 1.3, -0.3]], [[-0.9, 0.1, 0.2], [0.4, 0.7, 0]]])
CORNERS = [(mode, align) for mode in PADDING_MODES for align in (False, True)]


def pictures(seed=0, shape=(2, 6, 5, 3)):
    return np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize(("padding_mode", "align_corners"), CORNERS)
def test_it_is_the_slow_reference(padding_mode, align_corners):
    images, rules = pictures(), {"padding_mode": padding_mode, "align_corners": align_corners}
    warped = warp_affine(images, THETA, (7, 8), mode="bicubic", fill_value=0.3, **rules)
    grids = [reference.affine_grid(theta, (7, 8), align_corners) for theta in THETA]
    sampled = grid_sample(images, np.array(grids), mode="bicubic", fill_value=0.3, **rules)
    for image, theta, one, other in zip(images, THETA, warped, sampled, strict=True):
        truth = reference.warp(image, theta, (7, 8), "bicubic", fill=0.3, **rules)
        np.testing.assert_allclose(one, truth, rtol=0, atol=1e-13)
        np.testing.assert_allclose(other, truth, rtol=0, atol=1e-13)


def test_it_is_opencvs_kernel():
    """At thirty-seconds of a pixel, to which OpenCV rounds coordinates."""
    image = pictures(shape=(9, 11)).astype(np.float32)
    x = np.array([[3.0, 3.25, 4.5, 5.96875, 0.03125]], np.float32)
    y = np.array([[2.0, 4.75, 5.5, 6.21875, 8.0]], np.float32)
    theirs = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    grid = np.stack([(2 * x + 1) / 11 - 1, (2 * y + 1) / 9 - 1], axis=-1)
    ours = grid_sample(image, grid, mode="bicubic", padding_mode="border")
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.torch
@pytest.mark.parametrize(("padding_mode", "align_corners"), CORNERS)
def test_it_is_torchs_with_its_gradients(padding_mode, align_corners):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    images, grid, dout = (
        pictures(2),
        rng.uniform(-1.6, 1.6, (2, 4, 7, 2)),
        rng.normal(size=(2, 4, 7, 3)),
    )
    given = [torch.tensor(a, requires_grad=True) for a in (images.transpose(0, 3, 1, 2), grid)]
    rules = {"mode": "bicubic", "padding_mode": padding_mode, "align_corners": align_corners}
    theirs = torch.nn.functional.grid_sample(*given, **rules)
    theirs.backward(torch.tensor(dout.transpose(0, 3, 1, 2).copy()))
    out = grid_sample(images, grid, **rules)
    np.testing.assert_allclose(out, theirs.detach().numpy().transpose(0, 2, 3, 1), atol=1e-12)
    dimages, dgrid = grid_sample_backward(dout, images, grid, **rules)
    np.testing.assert_allclose(dimages, given[0].grad.numpy().transpose(0, 2, 3, 1), atol=1e-12)
    np.testing.assert_allclose(dgrid, given[1].grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("antialias", [False, True])
def test_its_gradients_are_those_of_differences(antialias):
    images, theta = pictures(3, (2, 6, 5, 2)), THETA.copy()
    theta[0, :, :2] *= 2.3 if antialias else 1
    rules = {"mode": "bicubic", "fill_value": 0.2, "antialias": antialias}
    dout = np.random.default_rng(4).normal(size=(2, 4, 4, 2))
    dimages, dtheta = warp_affine_backward(dout, images, theta, **rules)
    assert_gradient(lambda x: warp_affine(x, theta, (4, 4), **rules), images, dout, dimages)
    assert_gradient(lambda t: warp_affine(images, t, (4, 4), **rules), theta, dout, dtheta)
    alone, same = warp_affine_backward(dout, images, theta, want_dimages=False, **rules)
    assert alone is None
    np.testing.assert_array_equal(same, dtheta)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])
def test_identity_flips_turns_and_shifts_are_exact(dtype):
    image = (pictures(5, (8, 8, 3)) * (1 if dtype.startswith("f") else 200)).astype(dtype)
    warps = {
        ((1, 0, 0), (0, 1, 0)): image,
        ((-1, 0, 0), (0, 1, 0)): image[:, ::-1],
        ((0, -1, 0), (1, 0, 0)): np.rot90(image),
        ((1, 0, 0.5), (0, 1, 0)): np.pad(image[:, 2:], ((0, 0), (0, 2), (0, 0))),
    }
    for theta, wanted in warps.items():
        np.testing.assert_array_equal(warp_affine(image, theta, mode="bicubic"), wanted)


def test_integers_are_held_where_the_curve_passes_their_range():
    edge = np.repeat(np.array([[0, 0, 255, 255]], np.uint8), 4, axis=0)
    out = warp_affine(edge, np.eye(2, 3), (4, 64), mode="bicubic", padding_mode="border")
    curve = warp_affine(edge / 255, np.eye(2, 3), (4, 64), mode="bicubic", padding_mode="border")
    assert curve.min() < -0.05 and curve.max() > 1.05
    np.testing.assert_array_equal(out, np.rint(np.clip(curve, 0, 1) * 255).astype(np.uint8))


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_huge_coordinates_see_what_lies_outside(padding_mode):
    image = pictures(6, (5, 4))
    grid = np.array([[[x, y] for x in (-3e38, -1e9, 1e20, 1e300) for y in (0.1, 1e9)]])
    rules = {"mode": "bicubic", "padding_mode": padding_mode, "fill_value": 0.25}
    out = grid_sample(image, grid, **rules)
    if padding_mode == "zeros":
        np.testing.assert_array_equal(out, 0.25)
    assert -0.3 <= out.min() and out.max() <= 1.3
    dimage, dgrid = grid_sample_backward(np.ones(out.shape), image, grid, **rules)
    assert np.isfinite(dimage).all() and np.isfinite(dgrid).all()


@pytest.mark.compiled
def test_threads_and_blocks_change_nothing():
    images = pictures(7, (3, 300, 290)).astype(np.float32)
    theta = np.array([THETA[0], THETA[1], np.eye(2, 3)])
    one = warp_affine(images, theta, mode="bicubic")
    np.testing.assert_array_equal(warp_affine(images, theta, mode="bicubic", n_jobs=2), one)
    for image, its, out in zip(images, theta, one, strict=True):
        np.testing.assert_array_equal(warp_affine(image, its, mode="bicubic"), out)


@pytest.mark.parametrize("name", ["projective", "tps"])
def test_other_families_sample_so_too(name):
    family, image = FAMILIES[name], pictures(8, (9, 8, 3))
    rng = np.random.default_rng(9)
    theta, _ = family.theta(rng.normal(0, 0.1, (1, family.n_parameters)), image.shape)
    out = family.apply(image, theta[0], (7, 6), WarpRules("border", mode="bicubic"))
    truth = reference.warp(image, theta[0], (7, 6), "bicubic", "border")
    np.testing.assert_allclose(out, truth, atol=1e-9)
