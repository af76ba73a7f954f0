"""What "auto" stands for, and that it is told."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB
from support.estimator_cases import DIGITS, ESTIMATORS, LABELS, weights_in

from stn_cv import SpatialTransformer, SpatialTransformerClassifier

AUTOMATIC = {
    "start",
    "head",
    "n_steps",
    "early_stopping",
    "validation_fraction",
    "learning_rate_init",
    "alpha",
    "batch_size",
    "max_iter",
}


def chosen(cls=SpatialTransformer, times=1, images=DIGITS, **parameters):
    """What one epoch in a training of the default length would have been told."""
    model = cls(localization="mlp", random_state=0, max_seconds=1e-6, **parameters)
    X, y = np.tile(images, (times, *[1] * (images.ndim - 1))), np.tile(LABELS, times)
    return model.fit(X, y).chosen_


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_to_say_what_was_chosen_gives_the_same_model(cls):
    given = {"localization": "mlp", "random_state": 0, "max_iter": 2}
    automatic = cls(**given).fit(DIGITS, LABELS)
    assert set(automatic.chosen_) == AUTOMATIC - {"max_iter"}
    outright = clone(automatic).set_params(**automatic.chosen_).fit(DIGITS, LABELS)
    assert outright.chosen_ == {}
    np.testing.assert_array_equal(weights_in(outright), weights_in(automatic))


def test_the_parameters_stay_what_they_were():
    model = SpatialTransformer(localization="mlp", max_iter=1)
    before = model.get_params()
    assert model.fit(DIGITS, LABELS).get_params() == before


def test_the_head_is_what_the_estimator_is_for():
    assert chosen()["head"] == chosen(family="attention")["head"] == "coarse"
    assert chosen(SpatialTransformerClassifier)["head"] == "cnn"


def test_epochs_are_counted_in_steps():
    few, many = chosen(), chosen(times=20)
    assert many["batch_size"] > few["batch_size"]
    steps = [
        own["max_iter"] * np.ceil(n / own["batch_size"]) for own, n in ((few, 80), (many, 1440))
    ]
    assert steps[0] == pytest.approx(steps[1], rel=0.1)
    assert chosen(head=GaussianNB(), times=20)["max_iter"] > many["max_iter"]


def test_samples_are_held_out_where_there_are_enough():
    assert not chosen()["early_stopping"]
    assert chosen(times=5)["early_stopping"]
    assert not chosen(times=5, validation_fraction=0.05)["early_stopping"]


@pytest.mark.parametrize(
    ("times", "fraction", "held_out"),
    [(1, 0.25, False), (2, 0.25, True), (3, 1 / 6, True), (6, 0.1, True)],
)
def test_of_few_samples_a_larger_share_is_held_out(times, fraction, held_out):
    found = chosen(times=times)
    assert found["validation_fraction"] == pytest.approx(fraction)
    assert found["early_stopping"] == held_out


def test_splines_look_once():
    assert chosen()["n_steps"] == 2
    assert chosen(family="tps3")["n_steps"] == 1


def test_many_inputs_are_learned_from_more_slowly():
    larger = DIGITS.repeat(2, axis=1).repeat(2, axis=2)
    colour = larger[..., None].repeat(3, axis=3)
    rates = [
        chosen(head="linear", images=images)["learning_rate_init"]
        for images in (DIGITS, larger, colour)
    ]
    assert rates == pytest.approx([0.03, 0.03, 0.03 / 3**0.5])
