"""Homographies: against OpenCV, behind the camera, at the extremes, on photos, in training."""

import cv2
import numpy as np
import pytest
from support import reference
from support.commands import stn_cv
from support.estimator_cases import DIGITS, LABELS, fast
from support.folder_cases import fixed_model, rows_of, tree
from support.reference import PADDING_MODES, assert_gradient, waves

import stn_cv as library
from stn_cv import SpatialTransformer
from stn_cv.errors import InvalidInputError, NonFiniteError
from stn_cv.families import FAMILIES
from stn_cv.geometry import area_gain
from stn_cv.geometry.letterbox import native_shape, pose_of, theta_of_photo
from stn_cv.opencv import read_image
from stn_cv.pictures import frame_outline
from stn_cv.sampling import WarpRules

FAMILY = FAMILIES["projective"]
HORIZON = np.array([[[1, 0, 0], [0, 1, 0], [2.0, 0, 1]]])  # through the middle of the left half
EXTREMES = [1e9, 1e20, 3e38]


def tilted(n=1, seed=0, spread=0.3):
    """Theta of a few homographies that keep the whole frame before the camera."""
    parameters = np.random.default_rng(seed).normal(0, spread, (n, 8)).clip(-0.4, 0.4)
    return FAMILY.theta(parameters, (20, 30))[0]


# --- values


@pytest.mark.parametrize("shape, output_shape", [((20, 30), (20, 30)), ((31, 17), (8, 40))])
def test_coordinates_are_those_of_the_slow_twin(shape, output_shape):
    mirrored = np.array([[[1, 0, 0], [0, 1, 0], [-2.0, 0.5, 1]]])
    theta = np.concatenate([tilted(6), HORIZON, mirrored, -3 * tilted(1)])
    for one, given in zip(theta, FAMILY.coordinates(theta, shape, output_shape), strict=True):
        grid = reference.projective_grid(one, output_shape)
        wanted = reference.to_pixel(grid, np.array(shape[::-1]), False)
        seen = grid[..., 0] < 1e5
        np.testing.assert_allclose(given[seen], wanted[seen], rtol=1e-10, atol=1e-10)
        assert (np.abs(given[~seen]).max(axis=-1) == 1e9).all()
        some_rows = FAMILY.coordinates_in_rows(one[None], shape, output_shape, slice(3, 7))
        np.testing.assert_array_equal(some_rows[0], given[3:7])


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_warp_is_that_of_opencv(dtype):
    """OpenCV rounds coordinates to a 32nd of a pixel: of a smooth picture little is lost."""
    image = (waves(60, 80) * 255).astype(dtype)
    for theta in tilted(5):
        to_source = np.diag([40, 30, 1.0])
        to_source[:2, 2] = 39.5, 29.5
        matrix = to_source @ theta @ np.linalg.inv(to_source)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        wanted = cv2.warpPerspective(image, matrix, (80, 60), flags=flags, borderValue=(90,) * 3)
        given = FAMILY.apply(image, theta, (60, 80), WarpRules("zeros", 90.0))
        difference = np.abs(given.astype(float) - wanted)
        assert difference.mean() < 0.3 and np.quantile(difference, 0.99) < 3
        assert 0.05 < (wanted == 90).all(axis=2).mean() < 0.9  # both sides of the edge are seen


def test_without_a_tilt_it_is_the_affine_family():
    parameters = np.random.default_rng(0).normal(0, 0.4, (5, 8))
    parameters[:, 6:] = 0
    theta, _ = FAMILY.theta(parameters, (20, 30))
    affine, _ = FAMILIES["affine"].theta(parameters[:, :6], (20, 30))
    np.testing.assert_array_equal(theta[:, :2], affine)
    np.testing.assert_array_equal(theta[:, 2], [[0, 0, 1]] * 5)
    images = np.random.default_rng(1).random((5, 20, 30, 3)).astype(np.float32)
    given = FAMILY.apply(images, theta, (16, 16))
    np.testing.assert_allclose(given, library.warp_affine(images, affine, (16, 16)), atol=2e-6)


def test_the_tilt_leaves_the_middle_alone():
    """Its place and its local turn and stretch are those of the affine parameters."""
    parameters = np.random.default_rng(0).normal(0, 0.4, (1, 8))
    theta = FAMILY.theta(parameters, (20, 30))[0]
    affine = FAMILIES["affine"].theta(parameters[:, :6], (20, 30))[0]
    step = 1e-6
    for dx, dy in ((0, 0), (step, 0), (0, step)):
        u, v, w = theta[0] @ (dx, dy, 1)
        np.testing.assert_allclose((u / w, v / w), affine[0] @ (dx, dy, 1), atol=1e-11)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.uint16])
def test_identity_flips_turns_and_shifts_are_exact(dtype):
    for size in (*range(2, 40, 3), 199):
        image = (waves(size, size, 1) * 255).astype(dtype)
        shift = np.eye(3)
        shift[0, 2] = 2 / size
        for theta, wanted in (
            (np.eye(3), image),
            (np.diag([-1.0, 1, 1]), image[:, ::-1]),
            (np.array([[0, -1.0, 0], [1, 0, 0], [0, 0, 1]]), np.rot90(image)),
            (shift, np.concatenate([image[:, 1:], np.zeros_like(image[:, :1])], axis=1)),
        ):
            np.testing.assert_array_equal(FAMILY.apply(image, theta, (size, size)), wanted)


# --- gradients


@pytest.mark.parametrize("shape", [(5, 7), (4, 4)])
def test_gradcheck_of_coordinates(shape):
    theta = tilted(3)
    dcoordinates = np.random.default_rng(1).normal(size=(3, *shape, 2))
    given = FAMILY.coordinates_backward(dcoordinates, theta, (6, 9))
    assert_gradient(lambda t: FAMILY.coordinates(t, (6, 9), shape), theta, dcoordinates, given)


def test_what_is_behind_the_camera_has_no_gradient():
    theta = HORIZON.repeat(2, axis=0)
    theta[1] = [[1, 0.2, 0], [0.1, 1, 0], [0.3, 2.0, 1]]
    dcoordinates = np.random.default_rng(1).normal(size=(2, 6, 8, 2))
    behind = np.abs(FAMILY.coordinates(theta, (6, 9), (6, 8))).max(axis=-1) == 1e9
    assert 0.1 < behind.mean() < 0.9
    given = FAMILY.coordinates_backward(dcoordinates, theta, (6, 9))
    seen_only = np.where(behind[..., None], 0, dcoordinates)
    np.testing.assert_array_equal(FAMILY.coordinates_backward(seen_only, theta, (6, 9)), given)
    assert_gradient(lambda t: FAMILY.coordinates(t, (6, 9), (6, 8)), theta, seen_only, given)


# --- behind the camera, and other extremes


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_behind_the_camera_is_outside(padding_mode):
    """No second, mirrored view of the source beyond the horizon."""
    images = 1 + np.random.default_rng(0).random((1, 9, 12, 2))
    given = FAMILY.apply(images, HORIZON, (9, 12), WarpRules(padding_mode, 7.0))
    behind = 2 * reference.centres(12, False) + 1 <= 3e-3
    assert behind[:3].all() and not behind[4:].any()
    if padding_mode == "zeros":
        assert (given[:, :, behind] == 7).all() and (given[:, :, ~behind] != 7).any()
    edge = np.concatenate([images[0, [0, -1]].ravel(), images[0, :, [0, -1]].ravel()])
    if padding_mode == "border":
        assert np.isin(given[:, :, behind].round(5), edge.round(5)).all()
    assert 1 <= given.min() and given.max() <= 7


def test_a_source_seen_from_behind_is_not_shown():
    """All of it lies at w < 0: OpenCV would show it mirrored."""
    image = np.ones((8, 8))
    assert not FAMILY.apply(image, np.diag([1.0, 1, -1]), (8, 8)).any()
    assert not FAMILY.apply(image, np.diag([1.0, 1, 0]), (8, 8)).any()
    assert not FAMILY.apply(image, np.zeros((3, 3)), (8, 8)).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_parameters_that_are_not_finite_give_0_and_no_gradient(value, padding_mode):
    images = 1 + np.random.default_rng(0).random((2, 5, 6, 1))
    for at in range(8):
        parameters = np.zeros((2, 8))
        parameters[1, at] = value
        Y, backward = FAMILY.warp(images, parameters, (5, 6), WarpRules(padding_mode, 3.0))
        dimages, dparameters = backward(np.ones_like(Y), True)
        np.testing.assert_array_equal(Y[0], images[0])
        assert not Y[1].any() and not dimages[1].any()
        assert np.isfinite(dparameters[0]).all()
    with pytest.raises(NonFiniteError, match="theta"):
        FAMILY.apply(images[0], np.diag([1.0, value, 1]), (5, 6))


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
@pytest.mark.parametrize("size", EXTREMES)
def test_huge_parameters_stay_in_range(padding_mode, size):
    images = 1 + np.random.default_rng(0).random((16, 5, 6, 1))
    signs = np.random.default_rng(1).choice([-1.0, 1.0, 0], (16, 8))
    Y, backward = FAMILY.warp(images, signs * size, (5, 6), WarpRules(padding_mode, 3.0))
    dimages, dparameters = backward(np.ones_like(Y), True)
    assert np.isfinite(Y).all() and 1 <= Y.min() and Y.max() <= 3
    assert np.isfinite(dimages).all() and np.isfinite(dparameters).all()
    theta = np.eye(3) + signs[:, :1, None] * np.resize(signs, (16, 3, 3)) * size
    for factor in (1.0, 1e260):
        out = FAMILY.apply(images, theta * factor, (5, 6), WarpRules(padding_mode, 3.0))
        assert np.isfinite(out).all() and 1 <= out.min() and out.max() <= 3


def test_a_coordinate_that_is_held_has_no_gradient():
    theta = np.eye(3)[None].copy()
    theta[0, 0, 2] = 1e12
    assert (FAMILY.coordinates(theta, (5, 6), (5, 6))[..., 0] == 1e9).all()
    given = FAMILY.coordinates_backward(np.ones((1, 5, 6, 2)), theta, (5, 6))[0]
    assert not given[0].any() and given[1, 2] == 30 * 2.5


@pytest.mark.parametrize("factor", [1e-300, 1e-3, 2.5, 1e300])
def test_a_homography_has_no_scale(factor):
    image, theta = waves(20, 30), tilted(1)[0]
    given, wanted = (FAMILY.apply(image, t, (12, 15)) for t in (theta * factor, theta))
    np.testing.assert_allclose(given, wanted, atol=1e-12)


def test_theta_of_another_shape_is_named():
    for theta in (np.eye(2, 3), np.eye(3)[None, None], np.zeros((4, 2))):
        with pytest.raises(InvalidInputError, match=r"wanted .* \(3, 3\)"):
            FAMILY.apply(np.ones((4, 4)), theta, (4, 4))


# --- photos, threads


@pytest.mark.compiled
@pytest.mark.parametrize("block", [700, 25000])
def test_blocks_change_nothing(monkeypatch, block):
    """Rows of one image at a time, with some left over, or few images."""
    images, theta = np.stack([waves(70, 90)] * 5), tilted(5)
    for shape in ((103, 99), (100, 33)):
        whole = FAMILY.apply(images, theta, shape)
        with monkeypatch.context() as patch:
            patch.setattr("stn_cv.sampling.at_coordinates.BLOCK", block)
            given = FAMILY.apply(images, theta, shape)
        np.testing.assert_allclose(given, whole, rtol=0, atol=1e-14)


def test_a_native_size_gives_the_median_pixel_a_pixel():
    theta = tilted(1, seed=2)[0]
    assert area_gain(np.eye(3) * 2) == pytest.approx(1)
    assert area_gain(np.diag([0.5, 0.25, 1])) == pytest.approx(1 / 8)
    height, width = native_shape(theta, (400, 600), (20, 30), 10**9)
    looked_at = FAMILY.coordinates(theta[None], (400, 600), (height, width))[0]
    (ax, ay), (bx, by) = (np.moveaxis(np.diff(looked_at, axis=k), -1, 0) for k in (1, 0))
    areas = np.abs(ax[:-1] * by[:, :-1] - ay[:-1] * bx[:, :-1])
    assert np.median(areas) == pytest.approx(1, rel=0.03)
    assert areas.max() > 2 * areas.min()  # a tilt worth the name


def test_a_pose_is_that_of_the_middle():
    parameters = np.array([[0.1, -0.4, 0.2, 0.5, 0.2, -0.1, 0.3, -0.4]])
    theta = FAMILY.theta(parameters, (20, 30))[0][0]
    affine = FAMILIES["affine"].theta(parameters[:, :6], (20, 30))[0][0]
    given, wanted = (pose_of(t, (200, 300), (100, 150)) for t in (theta, affine))
    assert given["angle"] == pytest.approx(wanted["angle"])
    assert given["scale"] == pytest.approx(wanted["scale"])
    np.testing.assert_allclose(given["shift"], wanted["shift"], atol=1e-9)
    unseen = pose_of(np.diag([1.0, 1, -1]), (20, 30), (20, 30))
    assert unseen == {"angle": None, "scale": None, "shift": None}


def test_a_frame_is_a_quadrilateral_of_what_is_seen():
    theta = tilted(1)[0]
    corners = frame_outline(theta, (40, 60))
    assert corners.shape == (8, 2) and frame_outline(tilted(5), (40, 60)).shape == (5, 8, 2)
    np.testing.assert_allclose(corners[1::2], np.roll(corners[::2], -1, axis=0))
    for corner, (x, y) in zip(corners[::2], ((-1, -1), (1, -1), (1, 1), (-1, 1)), strict=True):
        u, v, w = theta @ (x, y, 1)
        np.testing.assert_allclose(corner, ((u / w + 1) * 30 - 0.5, (v / w + 1) * 20 - 0.5))


@pytest.mark.parametrize("direction", [(1.2, 0.0), (0.0, -1.5), (0.8, 0.8), (-0.9, 0.9)])
def test_a_frame_that_crosses_the_horizon_is_cut_off_there(direction):
    parameters = np.array([[0.1, 0, 0.2, 0, 0, 0.1, *direction]])
    theta = FAMILY.theta(parameters, (64, 64))[0][0]
    corners = np.array([(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)], float)
    depths = corners @ theta[2]
    assert depths.min() < 0 < depths.max()
    border = frame_outline(theta, (64, 64))
    output = np.column_stack([(border + 0.5) / 32 - 1, np.ones(8)]) @ np.linalg.inv(theta).T
    output = output[:, :2] / output[:, 2:]  # where the output's own border is met again
    np.testing.assert_allclose(np.abs(output).max(axis=1), 1, atol=1e-6)
    sides = output.reshape(4, 2, 2)
    for (first, last), corner, following, depth in zip(
        sides, corners, np.roll(corners, -1, axis=0), depths, strict=True
    ):
        if depth > 0:
            np.testing.assert_allclose(first, corner[:2], atol=1e-6)
            along = (last - first) / (following - corner)[:2].sum()
            assert np.abs(along).max() == pytest.approx(np.abs(along).sum(), abs=1e-6)


def test_a_frame_behind_the_camera_is_far_away():
    border = frame_outline(np.diag([1.0, 1, -1]), (20, 30))
    assert border.shape == (8, 2) and (np.abs(border) > 1e6).all()


def test_a_photo_of_other_proportions_is_not_squashed():
    """Of the middle part of the frame, each point is fetched from where the frame had it."""
    theta = tilted(1)[0]
    whole = theta_of_photo(theta, (300, 200), (20, 30))
    part = theta_of_photo(theta, (300, 200), (20, 30), (100, 100))
    point = np.array([0.9, -0.7, 1])
    inner = np.array([0.9 * 2 / 3, -0.7, 1])  # a square is two thirds of the frame's width
    given, wanted = part @ point, whole @ inner
    np.testing.assert_allclose(given / given[2], wanted / wanted[2])


@pytest.mark.compiled
def test_a_folder_of_photos_from_the_command_line(tmp_path):
    parameters = (0.1, -0.1, 0.05, 0.15, -0.05, 0.1, 0.2, -0.15)
    library.save(fixed_model(parameters, "projective"), tmp_path / "model.stn")
    tree(tmp_path / "in", ["a.png", "b.png"])
    outputs = {}
    for jobs in ("1", "2"):
        done = stn_cv(
            "rectify", tmp_path / "model.stn", tmp_path / "in", "--out", tmp_path / f"out{jobs}",
            "--size", "input", "--jobs", jobs, "--manifest", tmp_path / f"{jobs}.jsonl",
            "--preview", tmp_path / f"seen{jobs}", "--contact-sheet", tmp_path / f"{jobs}.png",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        outputs[jobs] = read_image(tmp_path / f"out{jobs}" / "a.png")
    np.testing.assert_array_equal(outputs["1"], outputs["2"])
    (row,) = [r for r in rows_of(tmp_path / "1.jsonl") if r["input"].endswith("a.png")]
    theta = np.array(row["theta"])
    assert theta.shape == (3, 3) and None not in (row["angle"], row["scale"], row["shift"])
    wanted = FAMILY.apply(read_image(tmp_path / "in" / "a.png"), theta, (30, 40))
    np.testing.assert_array_equal(outputs["1"], wanted)
    assert read_image(tmp_path / "seen1" / "a.png.jpg").ndim == 3
    assert read_image(tmp_path / "1.png").ndim == 3
    assert "projective" in stn_cv("info", tmp_path / "model.stn").stdout


@pytest.mark.compiled
def test_the_estimator_finds_and_keeps_homographies(tmp_path):
    estimator = fast(SpatialTransformer, family="projective", max_iter=8).fit(DIGITS, LABELS)
    theta = estimator.predict_theta(DIGITS)
    assert theta.shape == (len(DIGITS), 3, 3)
    assert (np.abs(theta[:, 2, :2]) > 1e-4).all() and (theta[:, 2, 2] == 1).all()
    library.save(estimator, tmp_path / "model.stn")
    model = library.load(tmp_path / "model.stn")
    np.testing.assert_array_equal(model.theta(DIGITS), theta)
    rectified = estimator.transform(DIGITS)
    np.testing.assert_array_equal(model.rectify(DIGITS), rectified)
    np.testing.assert_array_equal(model.rectify(DIGITS, theta=theta), rectified)
    alone = model.theta(DIGITS[3])
    assert alone.shape == (3, 3) and model.rectify(DIGITS[3]).shape == (8, 8)
    np.testing.assert_allclose(alone, theta[3], atol=1e-9)
    assert model.theta(DIGITS[:0]).shape == (0, 3, 3)
    assert library.contact_sheet(DIGITS, theta, rectified, LABELS).shape[2] == 3


def test_descent_undoes_a_tilt():
    """Least squares to the upright picture, along the gradient of the warp."""
    wanted = np.zeros((1, 16, 16, 1))
    wanted[:, 5:11, 2:14] = 1
    wanted = cv2.GaussianBlur(wanted[0, ..., 0], (0, 0), 1.5)[None, ..., None]
    source, _ = FAMILY.warp(wanted, np.array([[0, 0, 0, 0, 0, 0, 0.3, -0.2]]), (16, 16))
    parameters, velocity, losses = np.zeros((1, 8)), 0.0, []
    for _ in range(100):
        Y, backward = FAMILY.warp(source, parameters, (16, 16))
        losses.append(((Y - wanted) ** 2).sum())
        velocity = 0.9 * velocity - 0.001 * backward(2 * (Y - wanted))[1]
        parameters += velocity
    assert losses[-1] < 0.15 * losses[0]  # what two interpolations have blurred is left
    np.testing.assert_allclose(parameters[0, 6:], (-0.3, 0.2), atol=0.1)
