"""scikit-learn's own checks of the pose transformer."""

from unittest import SkipTest

import pytest
import sklearn.utils.estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.pose_cases import few_judges, quick

from stn_cv import PoseTransformer

NOT_IN_SUITE = """
    check_dataframe_column_names_consistency check_get_feature_names_out_error
    check_global_output_transform_pandas check_inplace_ensure_writeable
    check_param_validation check_set_output_transform check_set_output_transform_pandas
    check_transformer_get_feature_names_out check_transformer_get_feature_names_out_pandas
    check_parameters_default_constructible check_estimator_cloneable check_estimator_repr
""".split()


@pytest.fixture(autouse=True)
def few():
    with few_judges():
        yield


@parametrize_with_checks([quick()])
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
def test_outside_of_the_suite(name):
    pytest.importorskip("pandas")
    default = name == "check_parameters_default_constructible"
    getattr(checks, name)("PoseTransformer", PoseTransformer() if default else quick())
