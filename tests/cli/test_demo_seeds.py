"""The digits job on many seeds: no transformer collapses, none makes its head worse."""

import warnings

import pytest
from sklearn.linear_model import LogisticRegression

from stn_cv import CollapseWarning, SpatialTransformerClassifier, demo
from stn_cv.datasets import load_distorted_digits
from stn_cv.nn.evaluation import shares_outside
from stn_cv.threads import pinned_blas


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_no_seed_collapses_or_loses(seed):
    digits = load_distorted_digits(random_state=seed)
    model = SpatialTransformerClassifier(
        head="linear", **{**demo.COMMON, **demo.LINEAR}, n_jobs=-1, random_state=seed
    )
    rows = digits.X_train.reshape(len(digits.X_train), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        model.fit(rows, digits.y_train)
    assert len(model.loss_curve_) == demo.LINEAR["max_iter"]
    lost = shares_outside(model.rectifier_.network, digits.X_test[..., None], -1) > 0.5
    assert lost.mean() <= 0.5
    with pinned_blas(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = LogisticRegression().fit(rows, digits.y_train)
    tests = digits.X_test.reshape(len(digits.X_test), -1)
    assert model.score(tests, digits.y_test) > alone.score(tests, digits.y_test) - 0.01
