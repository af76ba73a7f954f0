"""Warps in steps: one theta of all of them, and its gradient."""

import numpy as np
import pytest
from support import reference_nn
from support.folder_cases import fixed_model
from support.reference import assert_gradient

from stn_cv import InvalidInputError, warp_affine
from stn_cv.families import FAMILIES
from stn_cv.nn import Flatten, SpatialTransform
from stn_cv.nn.network import Network
from stn_cv.sampling import WarpRules

SHAPE = (6, 9)
COMPOSED = [name for name in FAMILIES if not name.startswith("tps")]
every_family = pytest.mark.parametrize("name", COMPOSED)


def parameters_of(family, n, seed=0, spread=0.3):
    return np.random.default_rng(seed).normal(0, spread, (n, family.n_parameters))


@every_family
@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_theta_is_the_product_with_the_last_step_nearest_the_output(name, n_steps):
    family = FAMILIES[name]
    steps = family.composed(n_steps)
    assert (steps.name, steps.n_parameters) == (name, n_steps * family.n_parameters)
    parameters = parameters_of(steps, 5)
    for one, theta in zip(parameters, steps.theta(parameters, SHAPE)[0], strict=True):
        thetas = [reference_nn.theta(name, own, SHAPE) for own in np.split(one, n_steps)]
        wanted = thetas[0]
        for later in thetas[1:]:
            wanted = reference_nn.after(wanted, later)
        np.testing.assert_allclose(theta, wanted, rtol=1e-12, atol=1e-13)


def test_the_first_step_is_seen_through_the_second():
    """Look a quarter to the right; of what is there, look at half the size: not the reverse."""
    family = FAMILIES["attention"].composed(2)
    right, half = [0.0, 0.5, 0.0], [np.arctanh(np.log(0.5) / np.log(8)) * np.log(8), 0.0, 0.0]
    theta, _ = family.theta(np.array([right + half]), (8, 8))
    np.testing.assert_allclose(theta[0], [[0.5, 0, 0.5], [0, 0.5, 0]], atol=1e-15)
    theta, _ = family.theta(np.array([half + right]), (8, 8))
    np.testing.assert_allclose(theta[0], [[0.5, 0, 0.25], [0, 0.5, 0]], atol=1e-15)


@every_family
def test_gradcheck_of_theta(name):
    family = FAMILIES[name].composed(3)
    parameters = parameters_of(family, 2)
    theta, backward = family.theta(parameters, SHAPE)
    dtheta = np.random.default_rng(1).normal(size=theta.shape)
    assert_gradient(lambda p: family.theta(p, SHAPE)[0], parameters, dtheta, backward(dtheta))
    narrow = family.theta(parameters.astype(np.float32), SHAPE)[1](dtheta)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, backward(dtheta), rtol=1e-3, atol=1e-4)


@every_family
def test_one_image_alone_is_as_in_a_batch(name):
    family = FAMILIES[name].composed(2)
    images = np.random.default_rng(2).random((3, *SHAPE, 1))
    parameters = parameters_of(family, 3)
    batch, _ = family.warp(images, parameters, (5, 5))
    alone, _ = family.warp(images[:1], parameters[:1], (5, 5))
    np.testing.assert_allclose(alone, batch[:1], rtol=0, atol=1e-13)


def test_a_spline_of_a_spline_is_refused_when_the_network_is_built():
    with pytest.raises(InvalidInputError, match="n_steps is 2, .*'tps'.* use n_steps=1, or"):
        FAMILIES["tps"].composed(2)
    layers = [SpatialTransform([Flatten()], "tps", n_steps=2)]
    with pytest.raises(InvalidInputError, match="use n_steps=1"):
        Network(layers, (1, 8, 8), np.random.default_rng(0))
    Network([SpatialTransform([Flatten()], "tps")], (1, 8, 8), np.random.default_rng(0))


@every_family
@pytest.mark.parametrize("n_steps", [2, 3, 16])
@pytest.mark.parametrize("huge", [1e3, 1e9, 1e20, 3e38])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_parameters_are_outside_and_have_a_finite_gradient(name, n_steps, huge, dtype):
    family = FAMILIES[name].composed(n_steps)
    images = np.full((6, 5, 7, 1), 2.0, dtype)
    for signs in (np.sign(parameters_of(family, 6)), np.ones((6, family.n_parameters))):
        for mode in ("zeros", "border"):
            Y, backward = family.warp(
                images, (signs * huge).astype(dtype), (4, 3), WarpRules(mode, 3.0)
            )
            dimages, dparameters = backward(np.ones_like(Y), True)
            assert np.isfinite(dimages).all() and np.isfinite(dparameters).all()
            if mode == "border":
                np.testing.assert_array_equal(Y, 2)
            elif name in ("translation", "affine") and (signs == 1).all():  # nothing cancels
                np.testing.assert_array_equal(Y, 3)


def test_each_look_sees_what_the_last_left_and_no_sample_is_taken_twice():
    """A network that looks for a spot, half as far as it should: what is left is halved again."""
    for n_steps in (1, 2, 3):
        layer = SpatialTransform([Flatten()], "translation", n_steps=n_steps)
        network = Network([layer], (1, 31, 31), np.random.default_rng(0), np.float64)
        dense = network.layers[0].network.layers[-1]
        along = (np.arange(31) - 15) / 15.5 / 2
        dense.parameters[0][:] = np.stack([np.tile(along, 31), np.repeat(along, 31)])
        X = np.zeros((1, 31, 31, 1))
        X[0, 15 - 8, 15 + 4, 0] = 1
        theta, _ = (
            network.layers[0]
            .composed_family()
            .theta(network.layers[0].warp_parameters(X), (31, 31))
        )
        left = 0.5**n_steps
        wanted = (1 - left) * np.array([4, -8]) / 15.5
        np.testing.assert_allclose(theta[0, :, 2], wanted, atol=1e-12)
        Y, _ = network.forward(X)
        images = X.transpose(3, 1, 2, 0)
        np.testing.assert_allclose(
            Y.transpose(3, 1, 2, 0), warp_affine(images, theta), rtol=0, atol=1e-12
        )


def test_a_fitted_transform_in_steps_is_one_warp_of_any_resolution():
    model = fixed_model((0, np.pi / 4, 0, 0), n_steps=2)  # an eighth of a turn, twice
    assert model.theta(np.zeros((16, 16, 3), np.uint8)).shape == (2, 3)
    for side in (16, 48):
        pixels = np.random.default_rng(side).integers(0, 255, (2, side, side, 3), np.uint8)
        rectified = model.rectify(pixels, (side, side))
        np.testing.assert_array_equal(rectified, np.rot90(pixels, axes=(1, 2)))
        np.testing.assert_array_equal(model.rectify(pixels[0], (side, side)), rectified[0])
        np.testing.assert_array_equal(
            model.rectify(pixels, (side, side), model.theta(pixels)), rectified
        )
    assert model.theta(pixels[:0]).shape == (0, 2, 3)
