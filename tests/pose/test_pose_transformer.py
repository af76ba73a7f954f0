"""PoseTransformer: what it learns, what it refuses, threads, Ctrl-C, files."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support.pose_cases import arrows, few_judges, quick, turned

import stn_cv
from stn_cv import (
    InterruptedWarning,
    InvalidInputError,
    ModelFileError,
    PoseTransformer,
    PoseWarning,
    Rectifier,
)
from stn_cv.estimators.pose_examples import read_pose_data
from stn_cv.estimators.pose_training import PoseFit
from stn_cv.geometry import angle_error, corner_error
from stn_cv.model.description import describe, rectifier_of
from stn_cv.pose.confidence import calibrated, probabilities

X = arrows(24)


@pytest.fixture(scope="module")
def learned():
    return PoseTransformer(
        angle=180, shift=0.05, scale=(0.9, 1.1), n_canvases=24_000, filters=8, random_state=0
    ).fit(X)


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(1)
    return turned(arrows(120, seed=9), rng.uniform(-180, 180, 120))


@pytest.fixture(autouse=True)
def few():
    with few_judges():
        yield


def test_brings_things_upright_from_any_turn(learned, photos):
    Z, theta = photos
    off = np.abs(angle_error(learned.predict_theta(Z), theta, (16, 16)))
    assert np.median(off) < 6 and (off > 45).mean() < 0.1
    before, after = np.zeros(2), np.zeros(2)
    mean = X.mean(axis=0)
    for found, images in ((before, Z), (after, learned.transform(Z))):
        found[0] = np.abs(images - mean)[:, 4:12, 4:12].mean()
    assert after[0] < 0.6 * before[0]


def test_confidence_tells_right_from_wrong(learned, photos):
    Z, theta = photos
    Z = np.concatenate([Z, np.random.default_rng(0).random((30, 16, 16))])
    confidence = learned.predict_confidence(Z)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    right = corner_error(learned.predict_theta(Z[:120]), theta, (16, 16)) < 0.1
    assert confidence[:120].mean() > confidence[120:].mean() + 0.2
    assert abs(confidence[:120].mean() - right.mean()) < 0.25


def test_confidence_means_what_it_says():
    rng = np.random.default_rng(0)
    signs = rng.normal(size=(40_000, 2)) * [3, 0.1] + [5, -2]
    chance = 1 / (1 + np.exp(-(signs[:, 0] - 5) / 2 - 8 * (signs[:, 1] + 2)))
    right = rng.random(len(signs)) < chance
    fitted = calibrated(signs[:2000], right[:2000])
    told = probabilities(signs, fitted)
    for low in np.arange(0, 1, 0.1):
        some = (told >= low) & (told < low + 0.1)
        assert abs(told[some].mean() - right[some].mean()) < 0.05
    assert np.isfinite(probabilities(signs, calibrated(signs, np.ones(len(signs), bool)))).all()
    assert np.isnan(probabilities(signs, [])).all()


def test_known_poses_do_as_well_as_upright_pictures():
    Z, theta = turned(X, np.linspace(-40, 40, len(X)))
    poser = PoseTransformer(angle=40, n_canvases=24_000, filters=8, random_state=0).fit(Z, theta)
    new, true = turned(arrows(60, seed=5), np.linspace(-40, 40, 60))
    off = np.abs(angle_error(poser.predict_theta(new), true, (16, 16)))
    assert np.median(off) < 8


def test_known_poses_say_how_far_things_are_off():
    Z, theta = turned(X, np.linspace(-40, 40, len(X)))
    theta[:, :, :2] *= np.linspace(0.5, 0.6, len(X))[:, None, None]
    theta[:, 0, 2] = 0.3
    fit = PoseFit(quick(), read_pose_data(quick(), Z, theta))
    assert 0.44 < fit.poses.scale[0] < 0.47 and 0.63 < fit.poses.scale[1] < 0.67
    assert 0.15 < fit.poses.shift < 0.18 and fit.poses.perspective < 0.1
    drawn = fit.plan.canvases.draw(np.random.default_rng(0), 400)[1]
    scale = np.hypot(drawn[:, 0, 0], drawn[:, 1, 0])
    assert fit.poses.scale[0] <= scale.min() and scale.max() <= fit.poses.scale[1]
    assert np.abs(drawn[:, :, 2]).max() <= 2 * fit.poses.shift
    told = PoseFit(quick(scale=(0.9, 2), shift=0.4), read_pose_data(quick(), Z, theta)).poses
    assert (told.scale, told.shift) == ((0.9, 2.0), 0.4)
    tilted = np.tile(np.eye(3), (len(X), 1, 1))
    tilted[:, 2, 0] = 0.2
    projective = quick(family="projective")
    fit = PoseFit(projective, read_pose_data(projective, Z, tilted))
    assert 0.2 < fit.poses.perspective < 0.25


@pytest.mark.parametrize(
    ("stretch", "words"),
    [
        ((0.9, 0.3), "3.0 times as wide for their height"),
        ((0.4, 0.8), "2.0 times as high for their width"),
    ],
)
def test_frames_of_other_proportions_than_the_photos_are_warned_of(stretch, words):
    theta = np.tile(np.diag([*stretch, 1.0]), (len(X), 1, 1))
    projective = quick(family="projective", angle=20)
    with pytest.warns(PoseWarning, match=words):
        projective.fit(X, theta)
    quick(angle=20).fit(X, theta[:, :2])  # keeps proportions: nothing to warn of
    even = np.tile(np.diag([0.6, 0.7, 1.0]), (len(X), 1, 1))
    quick(family="projective", angle=20).fit(X, even)


@pytest.mark.parametrize(
    ("n", "canvases"), [(5, 100_000), (399, 100_000), (600, 150_000), (2000, 250_000)]
)
def test_more_examples_are_worth_more_canvases(n, canvases):
    few = quick(n_canvases="auto")
    assert PoseFit(few, read_pose_data(few, arrows(n), None)).n_canvases == canvases


@pytest.mark.usefixtures("blas_in_threads")
def test_bits_do_not_depend_on_threads():
    one, two = (quick(n_jobs=n_jobs, n_canvases=300, batch_size=150).fit(X) for n_jobs in (1, 3))
    assert (one.rectifier_.network.vector == two.rectifier_.network.vector).all()
    assert one.rectifier_.transform == two.rectifier_.transform
    assert one.loss_curve_ == two.loss_curve_
    other = quick(random_state=1, n_canvases=300, batch_size=150).fit(X)
    assert (one.rectifier_.network.vector != other.rectifier_.network.vector).any()


@pytest.mark.parametrize(
    "parameters",
    [
        {"family": "translation"},
        {"family": "attention"},
        {"family": "similarity", "angle": 30},
        {"family": "similarity", "symmetry": 2, "candidates": 2},
        {"family": "affine", "n_steps": 1},
        {"family": "projective"},
        {"family": "tps3", "angle": 20},
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_saved_and_loaded_it_is_the_same(parameters, dtype, tmp_path):
    images = (arrows(12, channels=3) * (255 if dtype == np.uint8 else 1)).astype(dtype)
    poser = quick(**parameters).fit(images)
    stn_cv.save(poser, tmp_path / "model.stn")
    rectifier = stn_cv.load(tmp_path / "model.stn")
    assert isinstance(rectifier, Rectifier)
    theta, confidence = rectifier.find_pose(images)
    np.testing.assert_array_equal(theta, poser.predict_theta(images))
    np.testing.assert_array_equal(confidence, poser.predict_confidence(images))
    np.testing.assert_array_equal(rectifier.rectify(images), poser.transform(images))
    one_theta, one_confidence = rectifier.find_pose(images[0])
    np.testing.assert_allclose(one_theta, theta[0], atol=1e-4)
    assert one_confidence == pytest.approx(confidence[0], abs=1e-3)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("confidence", [0.5], "confidence"),
        ("candidates", 9, "candidates"),
        ("looks", [], "looks"),
        ("looks", 3, "list of lists"),
        ("bins", 3, "bins"),
        ("symmetry", 0, "symmetry"),
        ("look_shape", [900, 900], "fewer"),
    ],
)
def test_a_file_that_describes_no_such_model_is_refused(learned, name, value, reason, tmp_path):
    description = describe(learned.rectifier_)
    description["layers"][0][name] = value
    with pytest.raises((ModelFileError, InvalidInputError), match=reason):
        rectifier_of(description, learned.rectifier_.network.vector)


def test_photos_are_warped_once_at_their_own_resolution(learned, photos):
    Z, _ = photos
    large = Z[:5].repeat(4, axis=1).repeat(4, axis=2)
    theta = learned.rectifier_.theta(large)
    np.testing.assert_allclose(theta, learned.predict_theta(Z[:5]), atol=1e-9)
    warped = learned.rectifier_.rectify(large, (64, 64))
    np.testing.assert_array_equal(warped, stn_cv.warp_affine(large, theta, (64, 64)))


def test_pictures_larger_than_a_look_are_shrunk_for_it():
    images = arrows(8, side=75).repeat(4, axis=1)[:, :100]
    poser = quick(angle=20).fit(images)
    assert poser.rectifier_.transform.look_shape == (36, 27)
    assert poser.transform(images).shape == images.shape
    assert quick(angle=20, output_shape=(10, 12)).fit(images).transform(images).shape == (8, 10, 12)


def test_labels_of_a_pipeline_are_no_poses():
    labels = np.arange(len(X)) % 2
    flat = X.reshape(len(X), -1)
    model = make_pipeline(quick(image_shape=(16, 16)), LogisticRegression()).fit(flat, labels)
    assert model.predict(flat).shape == labels.shape
    alone = quick(image_shape=(16, 16)).fit(flat)
    assert (model[0].transform(flat) == alone.transform(flat)).all()


def interrupting(monkeypatch, at):
    """Press Ctrl-C after so many epochs."""
    from stn_cv.pose.objective import KnownPoses

    evaluate, count = KnownPoses.evaluate, [0]

    def pressed(self, network, settings):
        count[0] += 1
        if count[0] > at:
            raise KeyboardInterrupt
        return evaluate(self, network, settings)

    monkeypatch.setattr(KnownPoses, "evaluate", pressed)


@pytest.mark.parametrize(("at", "steps"), [(3, 1), (8, 3)])
def test_interrupted_it_keeps_what_it_has(monkeypatch, at, steps):
    interrupting(monkeypatch, at)
    poser = quick(n_canvases=4096 * 5, n_steps=3, batch_size=1024)
    with pytest.warns(InterruptedWarning):
        poser.fit(X)
    assert poser.rectifier_.transform.n_steps == steps
    assert np.isfinite(poser.predict_theta(X)).all()


def test_ctrl_c_while_it_calibrates_leaves_a_model_without_confidence(monkeypatch):
    interrupting(monkeypatch, at=7)  # of one epoch a look, and one more each before the first
    with pytest.warns(InterruptedWarning):
        poser = quick().fit(X)
    assert poser.rectifier_.transform.n_steps == 2
    assert np.isnan(poser.predict_confidence(X)).all()
    whole = quick().fit
    monkeypatch.undo()
    assert (whole(X).predict_theta(X) == poser.predict_theta(X)).all()


def test_a_time_budget():
    free, ample = quick(n_canvases=300).fit(X), quick(n_canvases=300, max_seconds=1e6).fit(X)
    assert free.n_canvases_ == ample.n_canvases_ == 300
    assert (free.rectifier_.network.vector == ample.rectifier_.network.vector).all()
    short = quick(n_canvases=300, max_seconds=1e-9).fit(X)
    assert short.n_canvases_ == 1 and np.isfinite(short.predict_theta(X)).all()


def test_a_time_budget_is_shared_out_by_what_a_picture_takes(monkeypatch):
    now = itertools.count(step=10)  # seconds, each time that a clock is read
    monkeypatch.setattr("stn_cv.pose.budget.perf_counter", lambda: next(now))
    poser = quick(n_canvases=10**6, batch_size=512, max_seconds=104).fit(X)
    # In each of the two looks 1024 pictures took 10 s, and the second look gets half as many;
    # all training is doubled for the confidence; 50 s and a tenth are no longer there.
    assert poser.n_canvases_ == int(0.9 * (52 - 50) / (10 / 1024 * 1.5))


THETA = np.tile(np.eye(2, 3), (24, 1, 1))
MIRRORED, FLAT, OUTSIDE = THETA.copy(), THETA.copy(), THETA.copy()
MIRRORED[3, 0, 0] = -1
FLAT[4, 1] = 0
OUTSIDE[5, 0, 2] = 1.5


@pytest.mark.parametrize(
    ("parameters", "images", "theta", "words"),
    [
        ({}, [np.zeros((8, 8)), np.zeros((9, 8))], None, "different shapes"),
        ({}, X[:4], None, "at least 5"),
        ({}, X[:1].repeat(9, axis=0), None, "all 9 examples are alike"),
        ({}, X, MIRRORED, "example 3.*mirrors"),
        ({}, X, FLAT, "example 4.*in a line"),
        ({}, X, OUTSIDE, "example 5.*outside"),
        ({}, X, THETA[:9], "theta of shape"),
        ({"family": "tps3", "angle": 20}, X, THETA, "theta of shape"),
        ({"angle": 0, "bins": 36}, X, None, "angle is 0"),
        ({"angle": 180, "bins": 0}, X, None, "bins is 0"),
        ({"family": "translation", "bins": 36}, X, None, "holds no turn"),
        ({"symmetry": 2, "angle": 45}, X, None, "there are none"),
        ({"symmetry": 2, "angle": 0}, X, None, "angle is 0"),
        ({"symmetry": 2, "family": "attention"}, X, None, "holds no turn"),
        ({"family": "tps"}, X, None, "smaller angle"),
        ({"background": []}, X, None, "no picture"),
        ({"background": [np.zeros((5, 5, 3))]}, X, None, r"background\[0\]"),
        ({"scale": (1.5, 0.5)}, X, None, "smallest, largest"),
        ({"scale": (1,)}, X, None, "scale"),
    ],
)
def test_what_is_refused_before_any_training(parameters, images, theta, words, monkeypatch):
    monkeypatch.setattr("stn_cv.estimators.pose.PoseFit", None)  # none can begin
    poser = quick(**parameters)
    before = dict(vars(poser))
    with pytest.raises(InvalidInputError, match=words):
        poser.fit(images, theta)
    assert vars(poser) == before


def test_background_of_any_size_is_taken():
    background = [np.random.default_rng(0).random((n, 2 * n)) for n in (5, 40)]
    given = quick(background=background).fit(X)
    alone = quick().fit(X)
    assert (given.rectifier_.network.vector != alone.rectifier_.network.vector).any()


def test_the_range_of_values_does_not_matter():
    one = quick().fit(X)
    other = quick().fit(X * 1000 - 300)
    np.testing.assert_allclose(one.predict_theta(X), other.predict_theta(X * 1000 - 300), atol=1e-4)


def test_a_class_model_knows_no_confidence_of_a_pose():
    labels = np.arange(len(X)) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = stn_cv.SpatialTransformer(head="linear", max_iter=1, random_state=0).fit(X, labels)
    with pytest.raises(InvalidInputError, match="PoseTransformer"):
        model.rectifier_.find_pose(X)
