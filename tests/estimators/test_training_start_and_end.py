"""Where a training starts, when it stops, and what a failed second try leaves."""

import math

import numpy as np
import pytest
from support.estimator_cases import COLLAPSING, DIGITS, LABELS, ODD_ONE_OUT, fast, weights_in

from stn_cv import CollapseWarning, SpatialTransformerClassifier, TrainingDiverged, threads
from stn_cv.estimators import training


@pytest.mark.parametrize("head", ["linear", "coarse", "mlp", "cnn"])
def test_a_fresh_head_favours_no_class(head):
    """A random head can be pleased by looking away; one that knows nothing cannot."""
    losses = []

    def augment(images, rng):
        losses.append(None)
        return images

    model = fast(head=head, max_iter=1, batch_size=len(LABELS), augment=augment)
    first = model.fit(DIGITS, LABELS).loss_curve_[0]  # of the only batch, before its step
    assert losses and first == pytest.approx(math.log(4), rel=1e-9)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids="".join)
def test_a_frequent_class_of_any_name_is_no_divergence(names):
    """All go to the first class before a training, of which its share says nothing."""
    images, rare = hard_to_tell(2)
    model = fast(family="translation", max_iter=12, early_stopping=True, validation_fraction=0.25)
    model.set_params(learning_rate="one_cycle", random_state=2)
    model.fit(images, np.where(rare, *names))
    assert model.score(images, np.where(rare, *names)) > 0.75


def hard_to_tell(seed):
    """Noise, a quarter of it a little brighter in the middle, and which that is."""
    rng, rare = np.random.default_rng(seed), np.arange(120) % 4 == 0
    images = rng.normal(0.5, 0.2, (120, 8, 8))
    images[rare, 2:5, 2:5] += 0.12
    return images, rare


def test_a_refit_may_find_nothing_better_than_it_began_with():
    images, rare = hard_to_tell(0)
    model = fast(family="translation", max_iter=12, early_stopping=True, validation_fraction=0.25)
    model.set_params(learning_rate="one_cycle", warm_start=True).fit(images, rare)
    score = model.score(images, rare)
    for _ in range(3):
        assert model.fit(images, rare).score(images, rare) >= score


@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_cycle_runs_its_course(early_stopping):
    patient = {"max_iter": 9, "n_iter_no_change": 3, "early_stopping": early_stopping, "tol": 1.0}
    assert fast(learning_rate="one_cycle", **patient).fit(DIGITS, LABELS).n_iter_ == 9
    assert fast(learning_rate="constant", **patient).fit(DIGITS, LABELS).n_iter_ == 4


def test_partial_fit_keeps_its_rate():
    """Under one cycle a first call would hardly move, and calls past max_iter not at all."""
    models = [fast(learning_rate=rate, max_iter=2) for rate in ("one_cycle", "constant")]
    for _ in range(4):
        for model in models:
            model.partial_fit(DIGITS, LABELS, classes=np.unique(LABELS))
    np.testing.assert_array_equal(weights_in(models[0]), weights_in(models[1]))


def test_a_failed_second_training_keeps_the_first(monkeypatch):
    trainings = []

    def train(*arguments):
        trainings.append(arguments)
        if len(trainings) == 2:
            raise TrainingDiverged("planted")
        return original(*arguments)

    original = training.train
    monkeypatch.setattr(training, "train", train)
    with pytest.warns(CollapseWarning):
        model = fast(**COLLAPSING).fit(DIGITS, ODD_ONE_OUT)
    assert len(trainings) == 2
    assert np.isfinite(weights_in(model)).all() and model.predict(DIGITS).shape == (80,)


def test_how_a_batch_is_cut_does_not_matter(monkeypatch):
    """Gradients of the slices add up to that of the batch."""
    curves = []
    for longest in (16, 80):
        monkeypatch.setattr(threads, "SLICE_OF_PRODUCTS", longest)
        model = SpatialTransformerClassifier(
            localization="mlp", head="linear", max_iter=4, batch_size=80, random_state=0
        )
        curves.append(model.fit(DIGITS, LABELS).loss_curve_)
    np.testing.assert_allclose(*curves, rtol=1e-9)
