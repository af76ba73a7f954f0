"""The transform families: zero is the identity, turns are rigid, gradients are right."""

import numpy as np
import pytest
from support import reference, reference_nn
from support.reference import PADDING_MODES, assert_gradient, waves

from stn_cv.families import FAMILIES
from stn_cv.geometry import share_outside
from stn_cv.pictures import frame_outline
from stn_cv.sampling import WarpRules, grid_sample

SHAPES = [(8, 8), (5, 9), (11, 3), (1, 7), (480, 640)]
SPLINES = {"tps": 4, "tps3": 3, "tps6": 6}
IDENTITIES = {  # others: of an affine map
    "projective": np.eye(3),
    **{name: np.zeros((k * k, 2)) for name, k in SPLINES.items()},
}
SHIFT_X = {  # others: last but one
    "affine": 2,
    "projective": 2,
    **dict.fromkeys(SPLINES, slice(0, None, 2)),
}
every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def parameters_of(family, n, seed=0, spread=0.3):
    return np.random.default_rng(seed).normal(0, spread, (n, family.n_parameters))


def motion_in_pixels(theta, shape):
    """theta (2, 3) as a motion of pixels counted from the middle of the source."""
    half = np.diag([shape[1] / 2, shape[0] / 2])
    return np.column_stack([half @ theta[:, :2] @ np.linalg.inv(half), half @ theta[:, 2]])


def test_the_families_are_these():
    assert {name: family.n_parameters for name, family in FAMILIES.items()} == {
        "translation": 2, "attention": 3, "similarity": 4, "affine": 6, "projective": 8,
        "tps": 32, "tps3": 18, "tps6": 72,
    }  # fmt: skip
    assert all(name == family.name for name, family in FAMILIES.items())


@every_family
@pytest.mark.parametrize("shape", SHAPES)
def test_zero_parameters_are_the_identity(family, shape):
    for dtype in (np.float32, np.float64):
        theta, _ = family.theta(np.zeros((2, family.n_parameters), dtype), shape)
        assert theta.dtype == np.float64
        np.testing.assert_array_equal(theta, [IDENTITIES.get(family.name, np.eye(2, 3))] * 2)


@every_family
@pytest.mark.parametrize("shape", SHAPES)
def test_theta_is_that_of_the_slow_twin(family, shape):
    parameters = parameters_of(family, 20, spread=1.0)
    theta, _ = family.theta(parameters, shape)
    wanted = [reference_nn.theta(family.name, one, shape) for one in parameters]
    np.testing.assert_allclose(theta, wanted, rtol=1e-12, atol=1e-13)


def test_a_turn_is_rigid_on_a_picture_of_any_aspect():
    angle = 0.4
    theta, _ = FAMILIES["similarity"].theta(np.array([[0, angle, 0, 0]]), (480, 640))
    turn = motion_in_pixels(theta[0], (480, 640))[:, :2]
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(turn), 1)
    # Output to source, y down: what lies right of the middle is fetched from below it.
    np.testing.assert_allclose(turn[:, 0], [np.cos(angle), np.sin(angle)])
    # The same turn as an affine one, which has isotropic units too.
    displacements = np.array([[*(turn - np.eye(2))[0], 0, *(turn - np.eye(2))[1], 0]])
    same, _ = FAMILIES["affine"].theta(displacements, (480, 640))
    np.testing.assert_allclose(same, theta, atol=1e-15)


@pytest.mark.parametrize("name", ["translation", "attention", "similarity", "affine", "projective"])
def test_a_shift_is_as_long_along_x_as_along_y(name):
    family = FAMILIES[name]
    at = {"affine": [2, 5], "projective": [2, 5]}.get(name, [-2, -1])
    for shape in SHAPES:
        for axis in (0, 1):
            parameters = np.zeros((1, family.n_parameters))
            parameters[0, at[axis]] = 0.5
            moved = motion_in_pixels(family.theta(parameters, shape)[0][0, :2], shape)[:, 2]
            wanted = np.eye(2)[axis] * 0.25 * np.sqrt(np.prod(shape))
            np.testing.assert_allclose(moved, wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["attention", "similarity"])
def test_the_scale_is_bounded_and_near_exp_at_first(name):
    family = FAMILIES[name]

    def scale(log_scale):
        parameters = np.zeros((1, family.n_parameters))
        parameters[0, 0] = log_scale
        return family.theta(parameters, (6, 6))[0][0, 0, 0]

    assert scale(0.1) == pytest.approx(np.exp(0.1), rel=1e-4)
    values = [scale(v) for v in np.linspace(-5, 5, 101)]
    assert np.all(np.diff(values) > 0)
    assert 1 / 8 <= scale(-1e30) == pytest.approx(1 / 8) and scale(1e30) == pytest.approx(8)


@every_family
@pytest.mark.parametrize("shape", [(7, 7), (4, 9)])
def test_gradcheck_of_theta(family, shape):
    parameters = parameters_of(family, 3, spread=0.7)
    theta, backward = family.theta(parameters, shape)
    dtheta = np.random.default_rng(1).normal(size=theta.shape)
    given = backward(dtheta)
    assert_gradient(lambda p: family.theta(p, shape)[0], parameters, dtheta, given)
    narrow = family.theta(parameters.astype(np.float32), shape)[1](dtheta)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, given, rtol=1e-4, atol=1e-5)


def off_kinks(family, shape, output_shape):
    for seed in range(1000):
        parameters = parameters_of(family, 2, seed)
        theta, _ = family.theta(parameters, shape)
        grids = np.stack([reference.grid_of(one, output_shape) for one in theta])
        if reference.kink_distance(grids, shape, False).min() > 1e-3:
            return parameters
    raise AssertionError("no parameters found")


@every_family
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_warp_is_that_by_a_grid_and_its_gradients_are_right(family, padding_mode):
    images = np.random.default_rng(1).random((2, 4, 6, 2))
    dY = np.random.default_rng(2).normal(size=(2, 3, 5, 2))
    parameters = off_kinks(family, (4, 6), (3, 5))
    rules = WarpRules(padding_mode, 0.5)
    Y, backward = family.warp(images, parameters, (3, 5), rules)
    theta, _ = family.theta(parameters, (4, 6))
    grid = np.stack([reference.grid_of(one, (3, 5)) for one in theta])
    wanted = grid_sample(images, grid, padding_mode=padding_mode, fill_value=0.5)
    np.testing.assert_allclose(Y, wanted, rtol=1e-12, atol=1e-13)
    dimages, dparameters = backward(dY, True)
    forward = lambda x, p: family.warp(x, p, (3, 5), rules)[0]  # noqa: E731
    assert_gradient(lambda x: forward(x, parameters), images, dY, dimages)
    assert_gradient(lambda p: forward(images, p), parameters, dY, dparameters)
    none, alone = backward(dY, False)
    assert none is None
    np.testing.assert_array_equal(alone, dparameters)


@every_family
def test_zero_parameters_give_the_image_back_to_the_bit(family):
    images = np.random.default_rng(1).random((2, 5, 7, 1)).astype(np.float32)
    Y, _ = family.warp(images, np.zeros((2, family.n_parameters), np.float32), (5, 7))
    np.testing.assert_array_equal(Y, images)


@every_family
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_apply_fits_any_resolution_and_dtype(family, dtype):
    theta, _ = family.theta(parameters_of(family, 3), (4, 6))
    images = (np.random.default_rng(1).random((3, 8, 12, 1)) * 200).astype(dtype)
    given = family.apply(images, theta, (5, 5), WarpRules("border"))
    assert given.dtype == dtype
    pairs = zip(images, theta, strict=True)
    wanted = [reference.warp(*pair, (5, 5), padding_mode="border") for pair in pairs]
    if images.dtype.kind == "u":
        wanted = np.rint(wanted).astype(dtype)
    np.testing.assert_allclose(given, wanted, rtol=1e-5, atol=1e-4)
    alone = family.apply(images[1], theta[1], (5, 5), WarpRules("border"))
    splines = family.name.startswith("tps")  # their coordinates are a product, in BLAS's order
    np.testing.assert_allclose(alone, given[1], rtol=1e-12 if splines else 0)


@every_family
def test_one_theta_fits_every_resolution(family):
    small, large = waves(60, 90), waves(240, 360)
    for theta in family.theta(parameters_of(family, 3, spread=0.15), (60, 90))[0]:
        coarse = family.apply(small, theta, (30, 40), WarpRules("border"))
        fine = family.apply(large, theta, (30, 40), WarpRules("border"))
        assert np.abs(coarse - fine).max() < 0.03
        borders = [frame_outline(theta, shape) + 0.5 for shape in ((60, 90), (240, 360))]
        np.testing.assert_allclose(4 * borders[0], borders[1], rtol=1e-12, atol=1e-12)


@pytest.mark.compiled
@every_family
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_number_of_threads_changes_nothing(family, dtype, monkeypatch):
    monkeypatch.setattr("stn_cv.sampling.arguments.POINTS_OF_THREADS", 64)
    monkeypatch.setattr("stn_cv.sampling.at_coordinates.BLOCK", 5000)
    photo = (waves(500, 400) * 255).astype(dtype)
    batch = (np.stack([waves(40, 50)] * 40) * 255).astype(dtype)
    theta, _ = family.theta(parameters_of(family, 40, spread=0.15), (40, 50))
    for images, given, shape in (
        (photo, theta[0], (750, 720)), (np.stack([photo, photo]), theta[:2], (450, 420)),
        (batch, theta, (30, 30)),
    ):  # fmt: skip
        results = [family.apply(images, given, shape, n_jobs=n) for n in (1, 2, 4)]
        assert len({result.tobytes() for result in results}) == 1


@pytest.mark.compiled
@every_family
def test_no_image_at_all_gives_none_of_any_size(family):
    theta, _ = family.theta(parameters_of(family, 1)[:0], (8, 9))
    for shape in ((5, 6), (3000, 4000)):
        assert family.apply(np.zeros((0, 8, 9)), theta, shape).shape == (0, *shape)


@every_family
def test_outside_is_the_share_of_the_grid_beyond_the_image(family):
    parameters = np.zeros((3, family.n_parameters))
    at = SHIFT_X.get(family.name, -2)  # in halves of the mean side
    parameters[1, at], parameters[2, at] = 1.0, 100.0
    for shape in ((6, 6), (4, 9)):
        half_width = shape[1] / np.sqrt(np.prod(shape))
        wanted = [0, 1 / half_width / 2, 1]
        theta, _ = family.theta(parameters, shape)
        np.testing.assert_allclose(share_outside(theta), wanted, atol=1 / 16)


def test_outside_counts_both_axes():
    family = FAMILIES["attention"]
    wide = np.array([[np.log(2.0), 0.0, 0.0]])  # twice as wide and high: three quarters beyond
    assert share_outside(family.theta(wide, (5, 5))[0])[0] == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("name", ["translation", "attention", "similarity", "affine"])
@pytest.mark.parametrize("scale", [0.3, 1e13, 1e300, np.inf, np.nan])
def test_one_image_is_warped_as_among_others(name, n_steps, scale):
    family = FAMILIES[name] if n_steps == 1 else FAMILIES[name].composed(n_steps)
    rng = np.random.default_rng(3)
    for shape, output_shape in (((9, 7), (5, 11)), ((1, 6), (4, 1)), ((8, 8), (8, 8))):
        for channels in (1, 3, 5):
            images = rng.random((4, *shape, channels))
            with np.errstate(all="ignore"):
                parameters = rng.normal(size=(4, family.n_parameters)) * scale
                together = family.warp(images, parameters, output_shape, WarpRules("border"))[0]
                apart = [
                    family.warp(
                        images[i : i + 1], parameters[i : i + 1], output_shape, WarpRules("border")
                    )[0]
                    for i in range(4)
                ]
            np.testing.assert_allclose(np.concatenate(apart), together, rtol=1e-9, atol=1e-9)
