"""scikit-learn's own checks, those of its suite and those it leaves to be called."""

from unittest import SkipTest

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.estimator_cases import ESTIMATORS, fast
from support.pose_cases import few_canvases

# All that concern a dense transformer or classifier and that the suite does not call.
NOT_IN_SUITE = """
    check_dataframe_column_names_consistency check_get_feature_names_out_error
    check_global_output_transform_pandas check_global_set_output_transform_polars
    check_inplace_ensure_writeable check_param_validation check_set_output_transform
    check_set_output_transform_pandas check_set_output_transform_polars
    check_transformer_get_feature_names_out check_transformer_get_feature_names_out_pandas
    check_parameters_default_constructible check_estimator_cloneable check_estimator_repr
    check_classifiers_one_label check_classifiers_one_label_sample_weights
    check_classifiers_regression_target check_supervised_y_no_nan
    check_decision_proba_consistency check_non_transformer_estimators_n_iter
    check_estimators_partial_fit_n_features
""".split()


HEAD = LogisticRegression(C=0.1, max_iter=1000)
# A check of class weights trains for 1000 epochs: slowly, not to look away, unless it stalls.
SLOWLY = {"localization_learning_rate_ratio": 0.02, "learning_rate": "constant"}
SHORT = {"max_iter": 30, "batch_size": 128, "n_steps": 1}
FEW_EPOCHS = {**SHORT, "max_iter": 3}  # each fits the head, so a few are enough for it
WITH_A_CLASSIFIER = [cls(head=HEAD, **SLOWLY, **FEW_EPOCHS) for cls in ESTIMATORS]


@pytest.fixture(scope="module", autouse=True)
def canvases():
    """Checks of blobs come to a start by alignment, whose poses none asks for."""
    with few_canvases():
        yield


@parametrize_with_checks([*(cls(**SHORT) for cls in ESTIMATORS), *WITH_A_CLASSIFIER])
def test_the_suite(estimator, check):
    try:
        check(estimator)
    except SkipTest:
        name = getattr(check, "func", check).__name__
        assert name == "check_array_api_input"  # scikit-learn asks for an environment of its own
        raise


# Checks of set_output mix arrays and frames, so that any transformer warns.
@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("name", NOT_IN_SUITE)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_outside_of_the_suite(cls, name):
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    getattr(checks, name)(cls.__name__, cls(**SHORT))


# What a classifier as the head has to do with, of the checks that the suite leaves out.
@pytest.mark.parametrize(
    "name",
    [
        "check_inplace_ensure_writeable",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_classifiers_one_label",
        "check_classifiers_regression_target",
        "check_decision_proba_consistency",
        "check_non_transformer_estimators_n_iter",
    ],
)
@pytest.mark.parametrize("estimator", WITH_A_CLASSIFIER, ids=type)
def test_outside_of_the_suite_with_a_classifier(estimator, name):
    getattr(checks, name)(type(estimator).__name__, clone(estimator))


def test_balanced_class_weights():
    X, y = make_blobs(n_samples=120, centers=2, cluster_std=20.0, random_state=0)
    few = (y == 0) | (np.arange(120) % 8 == 0)
    checks.check_class_weight_balanced_classifiers(
        "SpatialTransformerClassifier",
        fast(tol=0.01, n_iter_no_change=3),  # the check itself sets max_iter to 1000
        X[few],
        y[few],
        X,
        y,
        None,
    )
