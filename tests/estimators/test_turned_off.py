"""A transformer that is not worth it leaves images as they are."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.estimator_cases import ESTIMATORS, fast

from stn_cv import InvalidInputError, PoseWarning, SpatialTransformer

rng = np.random.default_rng(0)
# Which of two places is bright: whoever moves the place cannot tell.
KINDS = np.arange(400) % 2
PLACES = rng.normal(0.5, 0.1, (400, 10, 10)).astype(np.float32)
PLACES[KINDS == 0, 2:4, 2:4] += 0.5
PLACES[KINDS == 1, 6:8, 6:8] += 0.5
HELD_OUT = {"early_stopping": True, "validation_fraction": 0.25}


@pytest.mark.parametrize("head", ["linear", LogisticRegression()], ids=["layers", "classifier"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_it_is_turned_off_where_the_head_does_as_well_alone(cls, head):
    with pytest.warns(PoseWarning, match="does not pay.*It is turned off, and leaves") as said:
        model = fast(cls, head=head, max_iter=9, **HELD_OUT).fit(PLACES, KINDS)
    assert said[0].filename == __file__
    np.testing.assert_array_equal(model.transform(PLACES), PLACES)
    report = model.pose_report_
    assert report.turned_off and report.spread.at_identity < 1  # figures are those of before
    if hasattr(model, "score"):
        assert model.score(PLACES, KINDS) > 0.95


@pytest.mark.parametrize("kept", [{"turn_off": False}, {"early_stopping": False}])
def test_it_stays_where_that_is_asked_for_or_nothing_was_held_out(kept):
    with pytest.warns(PoseWarning, match="does not pay") as said:
        model = fast(max_iter=9, **{**HELD_OUT, **kept}).fit(PLACES, KINDS)
    assert not model.pose_report_.turned_off and "turned off" not in str(said[0].message)
    assert (model.transform(PLACES) != PLACES).any()


def test_what_was_turned_off_is_trained_anew():
    model = fast(SpatialTransformer, max_iter=9, warm_start=True, **HELD_OUT)
    with pytest.warns(PoseWarning, match="turned off"):
        model.fit(PLACES, KINDS)
    first = model.pose_report_
    with pytest.warns(PoseWarning, match="turned off"):
        assert model.fit(PLACES, KINDS).pose_report_ == first


def test_portions_cannot_go_on_with_what_was_turned_off():
    with pytest.warns(PoseWarning, match="turned off"):
        model = fast(max_iter=9, **HELD_OUT).fit(PLACES, KINDS)
    with pytest.raises(InvalidInputError, match="turn_off=False"):
        model.partial_fit(PLACES, KINDS)
