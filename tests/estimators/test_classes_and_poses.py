"""Labels for all, upright images for some: the pose is learned first, then both go on together."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from support.pose_cases import arrows, few_judges, quick, turned

import stn_cv
from stn_cv import (
    InterruptedWarning,
    InvalidInputError,
    PoseTransformer,
    SpatialTransformer,
    SpatialTransformerClassifier,
)
from stn_cv.geometry import angle_error, corner_error

UPRIGHT = arrows(60)
DEGREES = np.random.default_rng(3).uniform(-60, 60, 240)
LABELS = np.arange(240) % 2  # a square in the head or in the foot: told by no outline


def marked(n, seed):
    images = arrows(n, seed=seed)
    for number, image in enumerate(images):
        row = 5 if number % 2 else 11
        image[row - 1 : row + 1, 7:9] = 0
    return images


@pytest.fixture(scope="module")
def turned_arrows():
    """Images, and the theta that brings each upright; made when a test asks: it compiles."""
    return turned(marked(240, 4), DEGREES)


@pytest.fixture(scope="module")
def X(turned_arrows):
    return turned_arrows[0]


@pytest.fixture(scope="module")
def unseen(turned_arrows):
    """Images that nothing is fitted on, and their thetas."""
    return [of[160:] for of in turned_arrows]


def classifier(localization, **parameters):
    default = {"head": "linear", "max_iter": 2, "random_state": 0, "n_steps": 1}
    pace = {"learning_rate_init": 0.005, "alpha": 1e-4, "batch_size": 128}
    given = {**default, **pace, **parameters}
    return SpatialTransformerClassifier(localization=localization, **given)


@pytest.fixture(scope="module")
def poser():
    """Learns well enough to be told from what is not; 20 of 60 examples are held out."""
    narrow = {"angle": 60, "shift": 0.05, "scale": (0.9, 1.1), "n_steps": 2, "filters": 8}
    return PoseTransformer(**narrow, n_canvases=12_000, validation_fraction=0.34, random_state=0)


@pytest.fixture(scope="module")
def joint(poser, X):
    """Fitted in one go."""
    return classifier(poser, max_iter=15).fit(X[:160], LABELS[:160], upright=UPRIGHT)


@pytest.fixture(autouse=True)
def few():
    with few_judges():
        yield


def turns_off(estimator, images, thetas):
    return np.abs(angle_error(estimator.predict_theta(images), thetas, (16, 16)))


def test_the_pose_stays_and_the_labels_are_learned(joint, X, unseen):
    assert np.median(turns_off(joint, *unseen)) < 6
    assert joint.score(X[160:], LABELS[160:]) > 0.85
    given = {"family": "similarity", "start": "identity", "max_iter": 15}
    labels_alone = classifier("cnn", **given).fit(X[:160], LABELS[:160])
    assert np.median(turns_off(labels_alone, *unseen)) > 20
    assert joint.score(X[160:], LABELS[160:]) > labels_alone.score(X[160:], LABELS[160:])


def test_its_confidence_is_that_of_its_own_poses(joint, unseen):
    images, thetas = unseen
    confidence = joint.rectifier_.find_pose(images)[1]
    right = corner_error(joint.predict_theta(images), thetas, (16, 16)) < 0.1
    assert abs(confidence.mean() - right.mean()) < 0.25
    noise = np.random.default_rng(0).random((60, 16, 16))
    assert joint.rectifier_.find_pose(noise)[1].mean() < confidence.mean() - 0.2


def test_a_localization_that_stands_still_gives_the_poses_it_was_given(X):
    start = quick().fit(UPRIGHT).rectifier_
    still = classifier(start, localization_learning_rate_ratio=0).fit(X, LABELS)
    np.testing.assert_array_equal(still.predict_theta(X), start.theta(X))
    moved = classifier(start).fit(X, LABELS)
    assert (moved.predict_theta(X) != start.theta(X)).any()
    assert np.isnan(moved.rectifier_.find_pose(X)[1]).all()  # nothing to calibrate it by


def test_one_fit_is_what_two_make(X):
    first = quick(random_state=7).fit(UPRIGHT)
    together = classifier(quick(random_state=7)).fit(X, LABELS, upright=UPRIGHT)
    apart = classifier(first.rectifier_).fit(X, LABELS)
    np.testing.assert_array_equal(together.predict_theta(X), apart.predict_theta(X))
    np.testing.assert_array_equal(together.predict_proba(X), apart.predict_proba(X))


@pytest.mark.usefixtures("blas_in_threads")
def test_bits_do_not_depend_on_threads(X):
    one, two = (
        classifier(quick(), n_jobs=n_jobs, batch_size=150).fit(X, LABELS, upright=UPRIGHT)
        for n_jobs in (1, 3)
    )
    assert (one.rectifier_.network.vector == two.rectifier_.network.vector).all()
    assert one.rectifier_.transform == two.rectifier_.transform


@pytest.mark.parametrize("head", ["mlp", LogisticRegression()])
def test_saved_and_loaded_it_is_the_same(head, tmp_path, X):
    model = classifier(quick(), head=head, output_shape=(8, 8), n_folds=2)
    model.fit(X, LABELS, upright=UPRIGHT)
    stn_cv.save(model, tmp_path / "model.stn")
    rectifier = stn_cv.load(tmp_path / "model.stn")
    np.testing.assert_array_equal(rectifier.rectify(X), model.transform(X))
    assert (rectifier.find_pose(X)[1] <= 1).all() and model.predict(X).shape == LABELS.shape
    if head == "mlp":
        np.testing.assert_array_equal(rectifier.predict_proba(X), model.predict_proba(X))


def test_a_transformer_for_a_classifier_of_scikit_learn_keeps_the_pose(X):
    start = quick().fit(UPRIGHT).rectifier_
    transformer = SpatialTransformer(
        head=LogisticRegression(), localization=start, max_iter=3, random_state=0
    )
    transformer.fit(X[:60], LABELS[:60])
    assert transformer.predict_theta(X).shape == (240, 2, 3)
    assert transformer.rectifier_.transform.bins == 36


def test_training_goes_on(X):
    model = classifier(quick(), warm_start=True, max_iter=1).fit(X, LABELS, upright=UPRIGHT)
    before = model.rectifier_.network.vector.copy()
    model.set_params(random_state=1, max_iter=3)
    model.fit(X, LABELS)
    assert (model.rectifier_.network.vector != before).any()
    model.partial_fit(X, LABELS)
    assert np.isnan(model.rectifier_.find_pose(X)[1]).all()
    alone = classifier(quick().fit(UPRIGHT).rectifier_)
    assert alone.partial_fit(X, LABELS, classes=[0, 1]).predict(X).shape == (240,)


def test_it_can_be_cloned(X):
    start = quick().fit(UPRIGHT).rectifier_
    again = clone(classifier(start)).fit(X, LABELS)
    assert (again.predict(X) == classifier(start).fit(X, LABELS).predict(X)).all()
    assert clone(classifier(quick())).get_params()["localization__n_canvases"] == 64


@pytest.mark.parametrize(
    ("localization", "upright", "parameters", "words"),
    [
        ("cnn", UPRIGHT, {}, "upright images came"),
        (quick(), None, {}, "upright=images"),
        (quick(), UPRIGHT[:4], {}, "at least 5"),
        (quick(), UPRIGHT[:, :8], {}, "shape|have"),
        (quick(), (UPRIGHT * 255).astype(np.uint8), {}, "upright images have"),
        (quick(symmetry=2, angle=30), UPRIGHT, {}, "symmetry"),
        (quick(angle=999), UPRIGHT, {}, "angle"),
        (quick(), UPRIGHT, {"head": "no such"}, "head"),
        (quick(), UPRIGHT, {"output_shape": (0, 8)}, "output_shape"),
    ],
)
def test_what_is_refused_before_any_training(
    localization, upright, parameters, words, monkeypatch, X
):
    monkeypatch.setattr("stn_cv.pose.training.train", None)
    monkeypatch.setattr("stn_cv.estimators.training.train", None)
    with pytest.raises((InvalidInputError, ValueError), match=words):
        classifier(localization, **parameters).fit(X, LABELS, upright=upright)


def test_a_pose_of_other_images_is_refused(X):
    start = quick().fit(arrows(8, side=20)).rectifier_
    with pytest.raises(InvalidInputError, match="localization was fitted on"):
        classifier(start).fit(X, LABELS)


def interrupting(monkeypatch, objective, at):
    evaluate, count = objective.evaluate, [0]

    def pressed(self, network, settings):
        count[0] += 1
        if count[0] > at:
            raise KeyboardInterrupt
        return evaluate(self, network, settings)

    monkeypatch.setattr(objective, "evaluate", pressed)


def test_ctrl_c_while_the_pose_is_learned_leaves_everything_as_it_was(monkeypatch, X):
    from stn_cv.pose.objective import KnownPoses

    interrupting(monkeypatch, KnownPoses, at=1)
    model = classifier(quick())
    with pytest.warns(InterruptedWarning), pytest.raises(KeyboardInterrupt):
        model.fit(X, LABELS, upright=UPRIGHT)
    assert not hasattr(model, "rectifier_")


def test_ctrl_c_later_keeps_the_best_epoch(monkeypatch, X):
    from stn_cv.nn.objectives import Classification

    interrupting(monkeypatch, Classification, at=2)
    model = classifier(quick(), max_iter=9)
    with pytest.warns(InterruptedWarning):
        model.fit(X, LABELS, upright=UPRIGHT)
    assert model.n_iter_ == 2 and np.isnan(model.rectifier_.find_pose(X)[1]).all()
