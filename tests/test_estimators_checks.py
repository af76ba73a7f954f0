"""scikit-learn's own checks, those of its suite and those it leaves to be called."""

from unittest import SkipTest

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from estimator_cases import ESTIMATORS, fast
from sklearn.datasets import make_blobs
from sklearn.utils.estimator_checks import parametrize_with_checks

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


@parametrize_with_checks([cls() for cls in ESTIMATORS])
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
    getattr(checks, name)(cls.__name__, cls())


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
