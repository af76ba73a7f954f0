"""A training begun by joint alignment, where classes are told at any turn."""

import copy

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from support.pose_cases import few_canvases

from stn_cv import InterruptedWarning, InvalidInputError, SpatialTransformer
from stn_cv.estimators import alignment_start
from tests.support.reliefs import reliefs

QUICK = {"max_iter": 20, "output_shape": (20, 20), "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def canvases():
    """What a network learns poses from: enough of them for eight designs."""
    with few_canvases(12_000):
        yield


@pytest.fixture(scope="module")
def coins():
    """Eight designs of four classes at any turn, shining: (X, y) to learn from, and others."""
    X, design, _ = reliefs(n=1200, seed=1, n_designs=8)
    return X[:800], design[:800] % 4, X[800:], design[800:] % 4


@pytest.fixture(scope="module")
def fitted(coins):
    X, y, _, _ = coins
    return SpatialTransformer(**QUICK).fit(X, y)


def flat(X):
    return X.reshape(len(X), -1) / 255


def behind(view, coins):
    X, y, others, labels = coins
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(flat(view(X)), y)
    return model.score(flat(view(others)), labels)


def test_it_is_chosen_and_a_classifier_behind_it_gains(fitted, coins):
    """Over labels alone on the samples held out, by which it is chosen."""
    assert fitted.chosen_["start"] == "alignment"
    assert behind(fitted.transform, coins) > behind(lambda X: X, coins) + 0.3


def test_the_report_says_what_was_compared(fitted):
    accuracy = fitted.pose_report_.accuracy
    assert accuracy["alignment"].value > accuracy["alone"].value
    assert accuracy["transformer"].value > accuracy["alone"].value
    assert "behind joint alignment" in str(fitted.pose_report_)


def test_training_goes_on_from_it(fitted, coins):
    before = fitted.predict_theta(coins[2])
    further = copy.deepcopy(fitted).set_params(warm_start=True, max_iter=1).fit(*coins[:2])
    apart = np.abs(further.predict_theta(coins[2]) - before).max(axis=(1, 2))
    assert np.median(apart) < 0.1  # or the start was best, and stays


def test_ctrl_c_while_poses_are_learned_keeps_the_first_training(coins, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(alignment_start, "_learned", interrupted)
    with pytest.warns(InterruptedWarning, match="began at the identity is kept"):
        model = SpatialTransformer(**QUICK).fit(*coins[:2])
    assert model.chosen_["start"] == "identity"
    assert model.pose_report_.accuracy["transformer"].value > 0


def test_begun_outright_it_is_the_same_model(fitted, coins):
    outright = SpatialTransformer(start="alignment", **QUICK).fit(*coins[:2])
    np.testing.assert_array_equal(outright.transform(coins[2]), fitted.transform(coins[2]))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"family": "attention"}, "family is 'attention'"),
        ({"augment": lambda images, rng: images}, "augment is given"),
        ({"max_seconds": 9}, "max_seconds is given"),
        ({"warm_start": True}, "warm_start is True"),
    ],
)
def test_what_alignment_cannot_serve_is_refused(coins, given, problem):
    with pytest.raises(InvalidInputError, match=problem):
        SpatialTransformer(start="alignment", **QUICK, **given).fit(*coins[:2])
