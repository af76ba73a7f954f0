"""Poses found from pictures alone, against the poses they were given."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from stn_cv import (
    AlignmentWarning,
    InterruptedWarning,
    InvalidInputError,
    JointAlignment,
    angle_error,
    warp_affine,
)
from stn_cv.alignment import template_search
from stn_cv.alignment.gauge import voted_turns, wrapped
from stn_cv.datasets import load_distorted_digits

SIDE = 40


def shapes(n, largest, seed=0):
    """An arrow on smooth ground, turned at random; and the theta that brings each upright."""
    rng = np.random.default_rng(seed)
    y, x = (np.indices((SIDE, SIDE)) - (SIDE - 1) / 2) / (SIDE / 2)
    arrow = (np.abs(x) < 0.12) & (np.abs(y) < 0.6) | (np.abs(x) + np.abs(y + 0.4) < 0.3)
    angles = np.deg2rad(rng.uniform(-largest, largest, n))
    undo = np.zeros((n, 2, 3))
    undo[:, 0, 0] = undo[:, 1, 1] = np.cos(angles)
    undo[:, 1, 0], undo[:, 0, 1] = np.sin(angles), -np.sin(angles)
    back = undo * [[1, -1, 1], [-1, 1, 1]]
    pictures = warp_affine(np.repeat(arrow[None].astype(np.float32), n, 0), back, (SIDE, SIDE))
    return pictures + rng.normal(0, 0.05, pictures.shape).astype(np.float32), undo


def left(theta, undo, symmetry=1):
    """Degrees that remain, and the turn that all have in common."""
    errors = angle_error(theta, undo, (SIDE, SIDE), symmetry=symmetry)
    common = np.angle(np.exp(1j * np.deg2rad(errors * symmetry)).mean()) / symmetry
    rest = (errors - np.rad2deg(common) + 180 / symmetry) % (360 / symmetry) - 180 / symmetry
    return np.abs(rest), np.rad2deg(common)


def test_every_turn_is_found_up_to_one_of_all():
    X, undo = shapes(150, 180)
    alignment = JointAlignment(2, n_restarts=3, random_state=0).fit(X)
    rest, _ = left(alignment.theta_, undo)
    assert np.median(rest) < 1.5 and (rest > 15).mean() <= 0.02
    assert alignment.score_ > 0.9 and alignment.correlation_.mean() > 0.8
    assert set(alignment.cluster_) <= {0, 1} and alignment.templates_.shape == (2, 24, 24)


def test_the_mean_pose_is_upright_where_turns_are_few():
    X, undo = shapes(150, 40)
    rest, common = left(JointAlignment(2, angle=40, random_state=0).fit(X).theta_, undo)
    assert np.median(rest) < 1.5 and abs(common) < 5


def test_upright_examples_settle_the_turn_of_all():
    X, undo = shapes(150, 180)
    upright, _ = shapes(3, 0, seed=1)
    alignment = JointAlignment(2, random_state=0).fit(X, upright=upright)
    rest, common = left(alignment.theta_, undo)
    assert np.median(rest) < 1.5 and abs(common) < 1.5
    found = left(alignment.predict_theta(upright), np.stack([np.eye(2, 3)] * 3))
    assert abs(found[1]) < 1


def test_a_symmetric_thing_is_found_modulo_its_symmetry():
    X, undo = shapes(120, 180)
    both = np.maximum(X, X[:, ::-1, ::-1])  # the arrow at both ends
    alignment = JointAlignment(1, symmetry=2, random_state=0).fit(both)
    assert np.median(left(alignment.theta_, undo, symmetry=2)[0]) < 1.5


def test_new_pictures_are_placed_by_the_same_templates():
    X, _ = shapes(150, 180)
    new, undo = shapes(40, 180, seed=5)
    alignment = JointAlignment(2, random_state=0).fit(X)
    rest, _ = left(alignment.predict_theta(new), undo)
    assert np.median(rest) < 1.5
    np.testing.assert_allclose(alignment.predict_theta(X), alignment.theta_, atol=1e-6)
    apart = alignment.transform(new).std(axis=0).mean()
    assert apart < 0.6 * new.std(axis=0).mean()


@pytest.mark.usefixtures("blas_in_threads")
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_results_do_not_depend_on_the_number_of_threads(n_jobs):
    X, _ = shapes(600, 180)
    one, many = (
        JointAlignment(2, max_iter=4, n_restarts=2, random_state=0, n_jobs=jobs).fit(X)
        for jobs in (None, n_jobs)
    )
    np.testing.assert_array_equal(one.theta_, many.theta_)
    np.testing.assert_array_equal(one.correlation_, many.correlation_)
    assert one.score_ == many.score_


def test_pictures_with_nothing_in_common_are_said_to_be():
    noise = np.random.default_rng(0).random((120, 24, 24))
    with pytest.warns(AlignmentWarning, match="not to be trusted"):
        alignment = JointAlignment(max_iter=8, random_state=0).fit(noise)
    assert alignment.score_ < 0.5


def test_digits_are_aligned_beside_moments():
    digits = load_distorted_digits(n_copies=1)
    alignment = JointAlignment(angle=60, max_iter=10, n_restarts=2, random_state=0)
    before, after = digits.X_train, alignment.fit_transform(digits.X_train)
    means = [
        np.mean([X[digits.y_train == c].mean(axis=0).var() for c in range(10)]) / X.var()
        for X in (before, after)
    ]
    assert means[1] > 2 * means[0]


def interrupted_after(searches, monkeypatch):
    step, steps = template_search._Rounds.step, []

    def stopping(self):
        steps.append(self)
        if len({id(rounds) for rounds in steps}) > searches:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(template_search._Rounds, "step", stopping)


def test_ctrl_c_keeps_what_was_found(monkeypatch):
    X, undo = shapes(100, 180)
    interrupted_after(3, monkeypatch)  # two starts, the second search, and no more
    with pytest.warns(InterruptedWarning, match="2 of 4 searches"):
        alignment = JointAlignment(2, random_state=0).fit(X)
    assert np.median(left(alignment.theta_, undo)[0]) < 3


def test_ctrl_c_before_anything_was_found_leaves_the_last_fit(monkeypatch):
    X, _ = shapes(60, 180)
    alignment = JointAlignment(2, max_iter=4, random_state=0).fit(X)
    theta = alignment.theta_
    interrupted_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        alignment.fit(X[:30])
    assert alignment.theta_ is theta


def test_bad_input_is_refused_before_any_search():
    X, _ = shapes(20, 180)
    with pytest.raises(InvalidInputError, match="fitted on"):
        JointAlignment().fit(X, upright=X[:2, :20])
    with pytest.raises(InvalidInputError, match="output_shape"):
        JointAlignment(output_shape=(0, 4)).fit(X)
    with pytest.raises(ValueError, match="n_restarts"):
        JointAlignment(n_restarts=1).fit(X)


def test_colour_integers_and_sizes():
    X, _ = shapes(60, 180)
    colour = np.repeat((255 * X.clip(0, 1)).astype(np.uint8)[..., None], 3, axis=3)
    alignment = JointAlignment(1, output_shape=(20, 30), max_iter=5, random_state=0)
    shown = alignment.fit_transform(colour)
    assert shown.shape == (60, 20, 30, 3) and shown.dtype == np.uint8
    flat = clone(alignment).set_params(image_shape=(SIDE, SIDE, 3))
    rows = flat.fit(colour.reshape(60, -1)).transform(colour.reshape(60, -1))
    np.testing.assert_array_equal(rows.reshape(shown.shape), shown)


@parametrize_with_checks([JointAlignment(max_iter=3, n_restarts=2)])
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        check(estimator)


def test_pictures_vote_for_the_turns_between_templates():
    """Each is seen by three of five templates only, and one vote in four is wrong."""
    rng = np.random.default_rng(0)
    turned, pose = rng.uniform(-1.5, 1.5, 5), rng.uniform(-np.pi / 2, np.pi / 2, 400)
    angles = wrapped(pose[:, None] - turned + rng.normal(0, 0.05, (400, 5)), 2)
    wrong = rng.random((400, 5)) < 0.25
    angles[wrong] = rng.uniform(-np.pi / 2, np.pi / 2, wrong.sum())
    fits = np.full((400, 5), 0.9)
    for row in fits:
        row[rng.choice(5, 2, replace=False)] = 0.3
    found = voted_turns(fits, angles, np.array([1, 1, 9, 1, 1]), 2)
    assert found[2] == 0
    np.testing.assert_allclose(wrapped(found - turned + turned[2], 2), 0, atol=0.05)
