"""Thin-plate splines: against SciPy and scikit-image, at the extremes, on photos, in training."""

import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator
from support import reference
from support.commands import stn_cv
from support.estimator_cases import DIGITS, LABELS, fast
from support.folder_cases import fixed_model, rows_of, tree
from support.reference import PADDING_MODES, assert_gradient, waves

import stn_cv as library
from stn_cv import SpatialTransformer
from stn_cv.errors import InvalidInputError, NonFiniteError
from stn_cv.families import FAMILIES
from stn_cv.families.tps import SplineFamily
from stn_cv.geometry import (
    control_points,
    cropped,
    scaled,
    source_points,
    spline,
    spline_at_pixels,
    spline_values,
)
from stn_cv.geometry.letterbox import native_shape, pose_of, theta_of_photo
from stn_cv.opencv import decode, read_image
from stn_cv.pictures import frame_outline
from stn_cv.sampling import WarpRules

FAMILY = FAMILIES["tps"]
SOME = np.random.default_rng(3).uniform(-1, 1, (200, 2))


def bent(n=1, seed=0, spread=0.1, k=4):
    return np.random.default_rng(seed).normal(0, spread, (n, k * k, 2))


# --- values


@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_the_spline_is_that_of_scipy(k):
    controls, (theta,) = control_points(k), bent(k=k)
    peer = RBFInterpolator(controls, theta, kernel="thin_plate_spline", degree=1)
    np.testing.assert_allclose(spline_values(SOME, k) @ theta, peer(SOME), atol=1e-11)
    np.testing.assert_allclose(spline_values(controls, k), np.eye(k * k), atol=1e-11)
    np.testing.assert_allclose(spline_values(SOME, k) @ controls, SOME, atol=1e-11)


def test_the_warp_is_that_of_scikit_image():
    from skimage.transform import ThinPlateSplineTransform, warp

    (theta,), controls = bent(), control_points(4)
    square = waves(24, 24, 1)[..., 0]
    # Where an output pixel lies in the source, both in pixels from the middle.
    peer = ThinPlateSplineTransform.from_estimate(controls * 12, (controls + theta) * 12)
    wanted = warp(square, lambda at: peer(at - 11.5) + 11.5, order=1, mode="edge")
    np.testing.assert_allclose(
        FAMILY.apply(square, theta, (24, 24), WarpRules("border")), wanted, atol=1e-6
    )


@pytest.mark.parametrize("shape, output_shape", [((20, 30), (20, 30)), ((31, 17), (8, 40))])
@pytest.mark.parametrize("k", [2, 4])
def test_coordinates_are_those_of_the_slow_twin(shape, output_shape, k):
    theta = bent(3, k=k)
    for one, given in zip(theta, FAMILY.coordinates(theta, shape, output_shape), strict=True):
        grid = reference.spline_grid(one, output_shape)
        wanted = reference.to_pixel(grid, np.array(shape[::-1]), False)
        np.testing.assert_allclose(given, wanted, rtol=1e-10, atol=1e-10)
        some_rows = FAMILY.coordinates_in_rows(one[None], shape, output_shape, slice(3, 7))
        np.testing.assert_allclose(some_rows[0], given[3:7], rtol=0, atol=1e-12)


def test_a_matrix_that_is_not_kept_is_the_same(monkeypatch):
    kept = spline_at_pixels(4, (30, 20))
    assert spline_at_pixels(4, (30, 20)) is kept and not kept.flags.writeable
    monkeypatch.setattr(spline, "LARGEST_KEPT", 100)
    again = spline_at_pixels(4, (30, 20))
    assert again is not kept
    np.testing.assert_array_equal(again, kept)


@pytest.mark.parametrize("shape", [(724, 730), (401, 2003)])
def test_places_of_large_outputs_are_near_enough(shape):
    theta = bent(2)
    exact = FAMILY.coordinates(theta, shape, shape)
    for rows in (slice(0, 9), slice(236, 247), slice(shape[0] - 3, shape[0]), slice(17, 18)):
        given = FAMILY.coordinates_in_rows(theta, shape, shape, rows)
        assert given.shape == exact[:, rows].shape
        off = np.abs(given - exact[:, rows])
        assert 0 < off.max() < 0.2 and off.mean() < 0.02


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.uint16])
def test_the_identity_is_exact(dtype):
    for size in (*range(2, 40, 3), 199):
        image = (waves(size, size + 1, 1) * 255).astype(dtype)
        given = FAMILY.apply(image, np.zeros((16, 2)), (size, size + 1))
        np.testing.assert_array_equal(given, image)


def test_families_of_other_sizes_can_be_made():
    family = SplineFamily("tps 3 x 3", 3)
    theta, _ = family.theta(np.zeros((2, family.n_parameters)), (5, 6))
    assert theta.shape == (2, 9, 2)
    images = waves(5, 6)[None].repeat(2, axis=0)
    np.testing.assert_array_equal(family.apply(images, theta, (5, 6)), images)


# --- gradients


@pytest.mark.parametrize("shape", [(5, 7), (4, 4)])
def test_gradcheck_of_coordinates(shape):
    theta = bent(2, k=3)
    dcoordinates = np.random.default_rng(1).normal(size=(2, *shape, 2))
    given = FAMILY.coordinates_backward(dcoordinates, theta, (6, 9))
    assert_gradient(lambda t: FAMILY.coordinates(t, (6, 9), shape), theta, dcoordinates, given)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_parameters_that_are_not_finite_give_0_and_no_gradient(value, padding_mode):
    images = 1 + np.random.default_rng(0).random((2, 5, 6, 1))
    parameters = np.zeros((2, 32))
    parameters[1, ::2] = value
    Y, backward = FAMILY.warp(images, parameters, (5, 6), WarpRules(padding_mode, 3.0))
    dimages, dparameters = backward(np.ones_like(Y), True)
    np.testing.assert_array_equal(Y[0], images[0])
    assert not Y[1].any() and not dimages[1].any() and not dparameters[1].any()
    assert np.isfinite(dparameters).all()
    theta = np.zeros((16, 2))
    theta[5, 1] = value
    with pytest.raises(NonFiniteError, match="theta"):
        FAMILY.apply(images[0], theta, (5, 6))


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
@pytest.mark.parametrize("size", [1e9, 1e20, 3e38])
def test_huge_parameters_stay_in_range(padding_mode, size):
    images = 1 + np.random.default_rng(0).random((16, 5, 6, 1))
    signs = np.random.default_rng(1).choice([-1.0, 1.0, 0], (16, 32))
    Y, backward = FAMILY.warp(images, signs * size, (5, 6), WarpRules(padding_mode, 3.0))
    dimages, dparameters = backward(np.ones_like(Y), True)
    assert np.isfinite(Y).all() and 1 <= Y.min() and Y.max() <= 3
    assert np.isfinite(dimages).all() and np.isfinite(dparameters).all()
    aside = np.zeros((16, 2))
    aside[:, 0] = size  # all of the output looks far to the right
    out = FAMILY.apply(images[0], aside, (5, 6), WarpRules(padding_mode, 3.0))
    if padding_mode != "reflection":
        wanted = 3.0 if padding_mode == "zeros" else images[0, :, -1:]
        np.testing.assert_allclose(out, np.broadcast_to(wanted, out.shape), rtol=1e-12)


def test_theta_of_another_shape_is_named():
    for theta in (np.eye(2, 3), np.zeros((15, 2)), np.zeros((1, 2)), np.zeros((2, 2, 16, 2))):
        with pytest.raises(InvalidInputError, match=r"theta has shape .* wanted"):
            FAMILY.apply(np.ones((4, 4)), theta, (4, 4))


# --- photos, threads


def test_a_native_size_gives_the_median_pixel_a_pixel():
    (theta,) = bent(spread=0.05)
    height, width = native_shape(theta, (200, 300), (20, 30), 10**9)
    looked_at = FAMILY.coordinates(theta[None], (200, 300), (height, width))[0]
    (ax, ay), (bx, by) = (np.moveaxis(np.diff(looked_at, axis=k), -1, 0) for k in (1, 0))
    areas = np.abs(ax[:-1] * by[:, :-1] - ay[:-1] * bx[:, :-1])
    assert np.median(areas) == pytest.approx(1, rel=0.03)


def test_a_spline_has_no_angle():
    assert pose_of(bent()[0], (20, 30), (20, 30)) == {"angle": None, "scale": None, "shift": None}


def test_a_frame_goes_through_its_control_points():
    (theta,) = bent(k=5)
    border, controls = frame_outline(theta, (40, 60)), control_points(5) + theta
    assert border.shape == (64, 2) and frame_outline(bent(3), (40, 60)).shape == (3, 64, 2)
    pixels = (controls + 1) * (30, 20) - 0.5
    top, right, bottom, left = pixels[:4], pixels[4:24:5], pixels[:-5:-1], pixels[20:4:-5]
    for side, wanted in zip(border.reshape(4, 16, 2), (top, right, bottom, left), strict=True):
        np.testing.assert_allclose(side[::4], wanted, atol=1e-9)


def test_theta_of_a_photo_shows_what_the_canvas_showed():
    """Of a portrait on a canvas of a landscape's proportions; whole, and its middle part."""
    (theta,) = bent(spread=0.05)
    canvas = np.array([(300 * 30) / (200 * 20), 1])
    whole = theta_of_photo(theta, (300, 200), (20, 30))
    shown = source_points(theta, SOME) * canvas
    np.testing.assert_allclose(source_points(whole, SOME), shown, atol=1e-12)
    np.testing.assert_allclose(whole, scaled(theta, canvas), atol=1e-14)
    part = theta_of_photo(theta, (300, 200), (20, 30), (100, 100))
    assert part.shape == (100, 2)
    shown = source_points(whole, SOME * (2 / 3, 1))
    assert np.abs(source_points(part, SOME) - shown).max() < 0.02
    finer = control_points(10)
    there = source_points(whole, finer * (2 / 3, 1))
    np.testing.assert_allclose(source_points(part, finer), there, atol=1e-12)
    same = cropped(theta, (1, 1))  # finer control points on the old ones: nothing is lost
    np.testing.assert_allclose(source_points(same, SOME), source_points(theta, SOME), atol=1e-11)


@pytest.mark.compiled
@pytest.mark.parametrize("size", ["native", "input"])
def test_a_folder_of_photos_from_the_command_line(tmp_path, size):
    parameters = np.random.default_rng(0).normal(0, 0.1, 32)
    library.save(fixed_model(tuple(parameters), "tps"), tmp_path / "model.stn")
    tree(tmp_path / "in", ["a.png", "b.png"])
    outputs = {}
    for jobs in ("1", "2"):
        done = stn_cv(
            "rectify", tmp_path / "model.stn", tmp_path / "in", "--out", tmp_path / f"out{jobs}",
            "--size", size, "--jobs", jobs, "--manifest", tmp_path / f"{jobs}.jsonl",
            "--preview", tmp_path / f"seen{jobs}", "--contact-sheet", tmp_path / f"{jobs}.png",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        outputs[jobs] = read_image(tmp_path / f"out{jobs}" / "a.png")
    np.testing.assert_array_equal(outputs["1"], outputs["2"])
    (row,) = [r for r in rows_of(tmp_path / "1.jsonl") if r["input"].endswith("a.png")]
    assert [row[name] for name in ("angle", "scale", "shift")] == [None] * 3
    theta = np.array(row["theta"])
    assert theta.shape == ((16, 2) if size == "native" else (100, 2))
    photo = read_image(tmp_path / "in" / "a.png")
    wanted = FAMILY.apply(photo, theta, outputs["1"].shape[:2])
    np.testing.assert_array_equal(outputs["1"], wanted)
    assert decode((tmp_path / "seen1" / "a.png.jpg").read_bytes()).ndim == 3
    assert read_image(tmp_path / "1.png").ndim == 3
    assert "tps" in stn_cv("info", tmp_path / "model.stn").stdout


@pytest.mark.compiled
def test_the_estimator_finds_and_keeps_splines(tmp_path):
    estimator = fast(SpatialTransformer, family="tps", max_iter=8).fit(DIGITS, LABELS)
    theta = estimator.predict_theta(DIGITS)
    assert theta.shape == (len(DIGITS), 16, 2) and np.abs(theta).max() > 0.02
    library.save(estimator, tmp_path / "model.stn")
    model = library.load(tmp_path / "model.stn")
    np.testing.assert_array_equal(model.theta(DIGITS), theta)
    rectified = estimator.transform(DIGITS)
    np.testing.assert_array_equal(model.rectify(DIGITS, theta=theta), rectified)
    alone = model.theta(DIGITS[3])
    assert alone.shape == (16, 2) and model.rectify(DIGITS[3]).shape == (8, 8)
    np.testing.assert_allclose(alone, theta[3], atol=1e-9)
    assert model.theta(DIGITS[:0]).shape == (0, 16, 2)
    assert model.rectify(DIGITS[:0]).shape == (0, 8, 8)
    assert library.contact_sheet(DIGITS, theta, rectified, LABELS).shape[2] == 3


@pytest.mark.compiled
def test_descent_undoes_a_bend():
    """Least squares to the straight picture, along the gradient of the warp."""
    wanted = waves(16, 16, 1)[None]
    source, _ = FAMILY.warp(wanted, bent(spread=0.08).reshape(1, 32), (16, 16), WarpRules("border"))
    parameters, velocity, losses = np.zeros((1, 32)), 0.0, []
    for _ in range(200):
        Y, backward = FAMILY.warp(source, parameters, (16, 16), WarpRules("border"))
        losses.append(((Y - wanted) ** 2).sum())
        velocity = 0.9 * velocity - 0.003 * backward(2 * (Y - wanted))[1]
        parameters += velocity
    assert losses[-1] < 0.15 * losses[0]  # what two interpolations have blurred is left
