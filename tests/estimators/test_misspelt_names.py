"""A name that is wrong gets the list, and the nearest one."""

import re

import numpy as np
import pytest
from support.estimator_cases import DIGITS, LABELS, fast

import stn_cv
from stn_cv.nn import Flatten, SpatialTransform
from stn_cv.nn.network import Network


@pytest.mark.parametrize(
    ("parameter", "value", "meant", "listed"),
    [
        ("family", "afine", "affine", "projective"),
        ("solver", "adm", "adam", "sgd"),
        ("padding_mode", "boarder", "border", "reflection"),
        ("learning_rate", "onecycle", "one_cycle", "constant"),
        ("batch_size", "aut", "auto", "int"),
        ("class_weight", "balance", "balanced", "None"),
        ("head", "liner", "linear", "mlp"),
        ("localization", "cnm", "cnn", "mlp"),
    ],
)
def test_of_a_parameter(parameter, value, meant, listed):
    with pytest.raises(ValueError, match=rf"(?i)did you mean '{meant}'") as error:
        fast(**{parameter: value}).fit(DIGITS, LABELS)
    assert listed in str(error.value) and repr(value) in str(error.value)


def test_what_is_near_nothing_gets_the_list_alone():
    with pytest.raises(ValueError, match="projective") as error:
        fast(family="banana").fit(DIGITS, LABELS)
    assert "mean" not in str(error.value)
    with pytest.raises(ValueError, match="projective") as error:
        fast(family=3).fit(DIGITS, LABELS)
    assert not re.search("(?i)did you mean", str(error.value))


def test_of_functions_and_layers():
    with pytest.raises(stn_cv.InvalidInputError, match=r"zeros.*did you mean 'zeros'"):
        stn_cv.warp_affine(np.zeros((4, 4)), np.eye(2, 3), padding_mode="zeroes")
    with pytest.raises(stn_cv.InvalidInputError, match="did you mean 'similarity'"):
        Network([SpatialTransform([Flatten()], "similarty")], (1, 4, 4))
