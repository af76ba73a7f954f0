"""Canvases: what is drawn shows the example at the pose that is said, the same on any threads."""

import numpy as np
import pytest
from support.pose_cases import arrows

from stn_cv.geometry import control_points, source_points
from stn_cv.pose.algebra import after, identities, warped
from stn_cv.pose.canvases import Canvases, Examples
from stn_cv.pose.decoys import Decoys
from stn_cv.pose.encodings import AngleBins, Frames
from stn_cv.pose.objective import drawn_canvases
from stn_cv.pose.ranges import PoseRange

SIDE = 16
FRAMES = Frames("similarity", (SIDE, SIDE), (SIDE, SIDE))
FAMILIES = ["translation", "attention", "similarity", "affine", "projective", "tps3"]


def examples(family, n=6, side=SIDE):
    images = arrows(n, side)[..., None].astype(np.float32)
    return Examples(images, identities(family, n))


def ranges(family, angle=40.0, shape=(SIDE, SIDE)):
    return PoseRange(family, shape, angle, (0.7, 1.4), 0.1, 0.1)


def canvases(family="similarity", symmetry=1, blended=False, **changes):
    shown = examples(family)
    return Canvases(shown, shown.images, ranges(family, **changes), symmetry, blended)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_warp_and_the_pose_are_each_other_s_inverse(family):
    theta = identities(family, 20)
    warps, poses = ranges(family).draw(np.random.default_rng(0), theta)
    controls = control_points(3 if family == "tps3" else 2)
    for warp, pose in zip(warps, poses, strict=True):
        back = source_points(warp, source_points(pose, controls))
        np.testing.assert_allclose(back, controls, atol=1e-5)


@pytest.mark.parametrize("family", ["similarity", "affine", "projective", "tps3"])
def test_known_poses_move_with_the_picture(family):
    rng = np.random.default_rng(0)
    theta = ranges(family, angle=20.0).draw(rng, identities(family, 20))[1]
    warps, poses = ranges(family).draw(rng, theta)
    points = control_points(3 if family == "tps3" else 2)
    for warp, pose, known in zip(warps, poses, theta, strict=True):
        seen = source_points(warp, source_points(pose, points))
        np.testing.assert_allclose(seen, source_points(known, points), atol=1e-4)


def test_poses_fill_the_range_and_no_more():
    poses = ranges("similarity", angle=50.0).draw(
        np.random.default_rng(0), identities("similarity", 4000)
    )[1]
    angle = np.rad2deg(np.arctan2(poses[:, 1, 0], poses[:, 0, 0]))
    scale = np.hypot(poses[:, 0, 0], poses[:, 1, 0])
    for values, low, high in ((angle, -50, 50), (scale, 0.7, 1.4), (poses[:, :, 2], -0.2, 0.2)):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high >= values.max() > high - 0.01 * (high - low)


def test_rotations_are_rotations_on_a_wide_picture():
    wide = ranges("similarity", angle=180.0, shape=(10, 40))
    poses = wide.draw(np.random.default_rng(0), identities("similarity", 50))[1]
    pixels = poses[:, :, :2] * np.array([[40 / 40, 40 / 10], [10 / 40, 10 / 10]])
    both = pixels @ pixels.swapaxes(1, 2)
    np.testing.assert_allclose(both[:, 0, 0], both[:, 1, 1], rtol=1e-9)
    np.testing.assert_allclose(both[:, 0, 1], 0, atol=1e-9)


@pytest.mark.parametrize("symmetry", [1, 2, 4, 8])
def test_what_is_far_off_looks_far_off_in_every_symmetric_pose(symmetry):
    near = ranges("similarity", angle=180.0).near(symmetry)
    moves = near.far_moves(np.random.default_rng(0), 2000, 180.0, symmetry)
    angle = np.rad2deg(np.arctan2(moves[:, 1, 0], moves[:, 0, 0]))
    turn = 360 / symmetry
    off = np.abs((angle + turn / 2) % turn - turn / 2)
    assert off.min() > 1.3 * near.angle


@pytest.mark.parametrize(("angle", "near"), [(0.0, 5.0), (8.0, 8.0), (30.0, 25.0), (180.0, 25.0)])
def test_a_correcting_look_learns_no_wider_turns_than_there_are(angle, near):
    assert ranges(angle=angle, family="similarity").near(1).angle == near


def test_a_canvas_warped_by_its_pose_shows_an_example():
    drawn = canvases(angle=180.0)
    images, theta = drawn.draw(np.random.default_rng(0), 200)
    upright = warped(images, theta, (SIDE, SIDE), "border")
    shown = drawn.examples.images
    middle = (slice(None), slice(4, 12), slice(4, 12))
    a, b = (x[middle].reshape(len(x), -1) for x in (upright, shown))
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    alike = (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T
    assert np.median(alike.max(axis=1)) > 0.9
    turned_on = warped(images, after(theta, quarter(len(theta))), (SIDE, SIDE), "border")
    c = turned_on[middle].reshape(len(a), -1)
    c = c - c.mean(axis=1, keepdims=True)
    wrong = (c / np.linalg.norm(c, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T
    assert np.median(wrong.max(axis=1)) < 0.7


def quarter(n):
    return np.tile([[[0.0, -1, 0], [1, 0, 0]]], (n, 1, 1))


def test_what_is_left_brings_a_near_picture_upright():
    drawn = canvases(angle=180.0)
    near = drawn.poses.near(1)
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    seen, left = drawn.draw_near(rng, 100, near)
    images, theta = drawn.draw(same, 100)
    far = np.isnan(left).all(axis=(1, 2))
    assert 0.15 < far.mean() < 0.45 and np.isfinite(left[~far]).all()
    upright = warped(images, theta, (SIDE, SIDE), "border")[~far]
    found = warped(seen[~far], left[~far], (SIDE, SIDE), "border")
    middle = (slice(None), slice(5, 11), slice(5, 11))
    assert np.abs(upright[middle] - found[middle]).mean() < 0.25 * upright[middle].std()


class Confused:
    """Stands for a first look that sees no turn: it holds four of them as likely."""

    def forward(self, X):
        return np.zeros((AngleBins(FRAMES, 36, 1).n_outputs, X.shape[3])), None


@pytest.mark.parametrize(("symmetry", "wrong_turns"), [(1, {90, 180, 270}), (2, {90, 270})])
def test_decoys_are_the_likely_poses_that_are_wrong(symmetry, wrong_turns, monkeypatch):
    turns = np.deg2rad([0, 90, 180, 270])
    likely = [np.tile([0.2, turn, 0.1, 0.0], (400, 1)) for turn in turns]
    monkeypatch.setattr(AngleBins, "candidates", lambda self, Y, count: likely[:count])
    decoys = Decoys(Confused(), AngleBins(FRAMES, 36, symmetry), FRAMES, symmetry, 4)
    images, theta = canvases(angle=20.0).draw(np.random.default_rng(0), 400)
    poses, wrong = decoys.found(np.random.default_rng(1), images, theta, 35.0)
    angle = np.rad2deg(np.arctan2(poses[:, 1, 0], poses[:, 0, 0])).round().astype(int) % 360
    counts = {int(turn): int((angle == turn).sum()) for turn in np.unique(angle)}
    assert wrong.all() and counts.keys() == wrong_turns
    assert min(counts.values()) > 0.7 * 400 / len(wrong_turns)
    none = Decoys(Confused(), AngleBins(FRAMES, 36, symmetry), FRAMES, symmetry, 1)
    assert not none.found(np.random.default_rng(1), images, theta, 35.0)[1].any()


def test_a_correcting_look_meets_what_the_first_one_takes_for_right():
    drawn = canvases(angle=180.0)
    near = drawn.poses.near(1)
    decoys = Decoys(Confused(), AngleBins(FRAMES, 36, 1), FRAMES, 1, 4)
    with_decoys, left = drawn.draw_near(np.random.default_rng(3), 300, near, decoys)
    without, same = drawn.draw_near(np.random.default_rng(3), 300, near)
    np.testing.assert_array_equal(left, same)
    other = (with_decoys != without).any(axis=(1, 2, 3))
    far = np.isnan(left).all(axis=(1, 2))
    assert not other[~far].any() and 0.5 < other[far].mean() < 0.9


def test_mirrored_examples_have_mirrored_poses():
    shown = examples("similarity")
    theta = ranges("similarity").draw(np.random.default_rng(0), shown.theta)[1]
    both = Examples(shown.images, theta).with_mirrored()
    n = len(shown)
    upright = warped(both.images, both.theta, (SIDE, SIDE), "border")
    np.testing.assert_allclose(upright[n:], upright[:n, :, ::-1], atol=1e-5)
    bent = ranges("tps3").draw(np.random.default_rng(0), identities("tps3", n))[1]
    both = Examples(shown.images, bent).with_mirrored()
    upright = warped(both.images, both.theta, (SIDE, SIDE), "border")
    np.testing.assert_allclose(upright[n:], upright[:n, :, ::-1], atol=1e-5)


def test_threads_and_their_number_do_not_matter():
    draw = canvases(blended=True).draw
    one, two = (drawn_canvases(draw, 200, (5, 16, 0), n_jobs) for n_jobs in (1, 3))
    assert (one.images == two.images).all() and (one.theta == two.theta).all()
    other = drawn_canvases(draw, 200, (5, 16, 1), 1)
    assert (one.theta != other.theta).any(axis=(1, 2)).all()
