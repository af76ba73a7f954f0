"""Antialiased warps of every family: one definition, whatever theta is."""

import numpy as np
import pytest
from support import reference
from support.reference import PADDING_MODES, assert_gradient

from stn_cv import warp_affine
from stn_cv.families import FAMILIES
from stn_cv.sampling import WarpRules

SHAPE, OUTPUT_SHAPE = (12, 15), (4, 3)
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def parameters_of(family, n, seed=0, spread=0.15):
    return np.random.default_rng(seed).normal(0, spread, (n, family.n_parameters))


def data(n=3):
    rng = np.random.default_rng(1)
    return rng.random((n, *SHAPE, 3)), rng.normal(size=(n, *OUTPUT_SHAPE, 3))


@every_family
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_a_pixel_is_the_mean_of_its_samples(family, padding_mode):
    images, _ = data(6)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        parameters = parameters_of(family, 6)
        theta, _ = family.theta(parameters, SHAPE)
        rules = OUTPUT_SHAPE, WarpRules(padding_mode, 0.5, True)
        Y, _ = family.warp(images.astype(dtype), parameters, *rules)
        assert Y.dtype == dtype
        wanted = [
            reference.antialiased(image, one, OUTPUT_SHAPE, padding_mode, fill=0.5)
            for image, one in zip(images, theta, strict=True)
        ]
        np.testing.assert_allclose(Y, wanted, rtol=0, atol=tolerance)
        applied = family.apply(images.astype(dtype), theta, *rules)
        np.testing.assert_allclose(applied, wanted, rtol=0, atol=tolerance)
    counts = {tuple(reference.samples(one, SHAPE, OUTPUT_SHAPE)[0]) for one in theta}
    assert len(counts) > (family.name != "translation")


def off_kinks(family):
    for seed in range(1000):
        parameters = parameters_of(family, 2, seed)
        theta, _ = family.theta(parameters, SHAPE)
        grids = [reference.samples(one, SHAPE, OUTPUT_SHAPE)[1] for one in theta]
        if min(reference.kink_distance(grid, SHAPE, False).min() for grid in grids) > 1e-4:
            return parameters
    raise AssertionError("no parameters found")


@every_family
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_gradcheck(family, padding_mode):
    images, dY = data(2)
    parameters, rules = off_kinks(family), (OUTPUT_SHAPE, WarpRules(padding_mode, 0.5, True))
    _, backward = family.warp(images, parameters, *rules)
    dimages, dparameters = backward(dY, True)
    forward = lambda x, p: family.warp(x, p, *rules)[0]  # noqa: E731
    assert_gradient(lambda p: forward(images, p), parameters, dY, dparameters)
    linear = forward(images, parameters) - forward(0 * images, parameters)
    np.testing.assert_allclose(np.vdot(linear, dY), np.vdot(images, dimages), rtol=1e-12)
    none, alone = backward(dY, False)
    assert none is None
    np.testing.assert_array_equal(alone, dparameters)


@every_family
def test_where_nothing_shrinks_it_is_the_plain_warp_to_the_bit(family):
    images, _ = data(2)
    images = images.astype(np.float32)
    parameters = parameters_of(family, 2, spread=0.02)
    theta, _ = family.theta(parameters, SHAPE)
    for shape in ((30, 40), (25, 31)):
        plain, antialiased = (
            family.warp(images, parameters, shape, WarpRules(antialias=antialias))[0]
            for antialias in (False, True)
        )
        np.testing.assert_array_equal(antialiased, plain)
        applied = [
            family.apply(images, theta, shape, WarpRules(antialias=antialias))
            for antialias in (False, True)
        ]
        np.testing.assert_array_equal(*applied)


@every_family
def test_one_image_is_as_in_a_batch(family):
    images, _ = data(5)
    images[:, 3:5] = 0
    for spread in (0.02, 0.3):
        parameters = parameters_of(family, 5, spread=spread)
        batch, _ = family.warp(images, parameters, OUTPUT_SHAPE, WarpRules(antialias=True))
        for i in range(5):
            one = slice(i, i + 1)
            alone, _ = family.warp(
                images[one], parameters[one], OUTPUT_SHAPE, WarpRules(antialias=True)
            )
            np.testing.assert_allclose(alone, batch[one], rtol=0, atol=1e-13)


@pytest.mark.compiled
@every_family
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_apply_gives_any_number_of_threads_the_same(family, dtype, monkeypatch):
    monkeypatch.setattr("stn_cv.sampling.antialias.SAMPLES_AT_ONCE", 500)
    images = (np.random.default_rng(2).random((9, *SHAPE, 3)) * 200).astype(dtype)
    theta, _ = family.theta(parameters_of(family, 9, spread=0.3), SHAPE)
    for source, where in ((images, theta), (images[0], theta[0])):
        wanted = family.apply(source, where, (7, 6), WarpRules("border", antialias=True))
        assert wanted.dtype == dtype
        for n_jobs in (2, 4):
            given = family.apply(
                source, where, (7, 6), WarpRules("border", antialias=True), n_jobs=n_jobs
            )
            np.testing.assert_array_equal(given, wanted)
        in_floats = family.apply(
            source.astype(float), where, (7, 6), WarpRules("border", antialias=True)
        )
        assert np.abs(wanted - in_floats).max() <= (0.501 if dtype != np.float32 else 1e-4)


def test_a_homography_without_tilt_takes_as_many_samples_as_an_affine_map():
    images, _ = data(4)
    parameters = np.concatenate([parameters_of(FAMILIES["affine"], 4), np.zeros((4, 2))], axis=1)
    theta, _ = FAMILIES["projective"].theta(parameters, SHAPE)
    given = FAMILIES["projective"].apply(images, theta, OUTPUT_SHAPE, WarpRules(antialias=True))
    wanted = warp_affine(images, theta[:, :2], OUTPUT_SHAPE, antialias=True)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-12)


def test_a_horizon_in_the_frame_costs_no_pixel_its_value():
    images = np.ones((1, *SHAPE, 1))
    for tilt in ([3.0, 0.0], [0.0, -2.0], [1e6, 1e6]):
        parameters = np.array([[0.0, 0, 0, 0, 0, 0, *tilt]])
        Y, backward = FAMILIES["projective"].warp(
            images, parameters, (9, 8), WarpRules(antialias=True)
        )
        dimages, dparameters = backward(np.ones_like(Y), True)
        for array in (Y, dimages, dparameters):
            assert np.isfinite(array).all()
        assert Y.min() >= 0 and Y.max() <= 1 + 1e-12 and (Y == 0).any()


def test_a_pixel_so_wide_that_its_neighbours_miss_the_source_still_sees_it():
    wide = np.zeros((1, 8))
    wide[0, [0, 4]] = 15  # 16 times as wide and high, on 2 by 2 pixels
    for name, parameters in (("affine", wide[:, :6]), ("projective", wide)):
        Y, _ = FAMILIES[name].warp(
            np.ones((1, 4, 4, 1)), parameters, (2, 2), WarpRules(antialias=True)
        )
        assert Y.min() > 0


def test_many_large_outputs_are_made_image_by_image(monkeypatch):
    monkeypatch.setattr("stn_cv.sampling.at_coordinates.BLOCK", 400)
    monkeypatch.setattr("stn_cv.sampling.arguments.POINTS_OF_A_PIECE", 1)
    family, images = FAMILIES["projective"], np.random.default_rng(3).random((40, *SHAPE, 1))
    theta, _ = family.theta(parameters_of(family, 40), SHAPE)
    given = family.apply(images, theta, (21, 22))
    for one, image, where in zip(given, images, theta, strict=True):
        alone = family.apply(image, where, (21, 22))
        np.testing.assert_allclose(one, alone, rtol=0, atol=1e-15)
