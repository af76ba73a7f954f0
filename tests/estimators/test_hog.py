"""HOG as a scikit-learn transformer: its checks, names, and what it refuses."""

import pickle
from unittest import SkipTest

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from stn_cv import HOG, InvalidInputError

IMAGES = np.random.default_rng(0).random((12, 8, 9))
TINY = {"pixels_per_cell": (1, 1), "cells_per_block": (1, 1)}  # the checks have rows of 1 value
SMALL = {"pixels_per_cell": (4, 3), "cells_per_block": (2, 1), "orientations": 2}
NOT_IN_SUITE = """
    check_dataframe_column_names_consistency check_get_feature_names_out_error
    check_global_output_transform_pandas check_global_set_output_transform_polars
    check_inplace_ensure_writeable check_param_validation check_set_output_transform
    check_set_output_transform_pandas check_set_output_transform_polars
    check_transformer_get_feature_names_out check_transformer_get_feature_names_out_pandas
    check_transformer_preserve_dtypes check_estimator_cloneable check_estimator_repr
""".split()


@parametrize_with_checks([HOG(**TINY)])
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
    pytest.importorskip("polars")
    getattr(checks, name)("HOG", HOG(**TINY))


def test_defaults_are_constructible():
    checks.check_parameters_default_constructible("HOG", HOG())


def test_default_parameters_are_those_of_scikit_image():
    from inspect import signature

    theirs = signature(pytest.importorskip("skimage.feature").hog).parameters
    for name, value in HOG().get_params().items():
        if name not in ("image_shape", "n_jobs"):
            assert theirs[name].default == value


@pytest.mark.parametrize("images", [IMAGES, IMAGES[..., None], IMAGES.tolist()])
def test_images_and_rows_agree(images):
    rows = IMAGES.reshape(12, 72)
    hog = HOG(**SMALL, image_shape=(8, 9)).fit(rows)
    np.testing.assert_array_equal(hog.transform(images), hog.transform(rows))
    np.testing.assert_array_equal(HOG(**SMALL).fit_transform(images), hog.transform(rows))
    assert hog.n_features_in_ == 72


def test_names_of_features():
    hog = HOG(**SMALL).fit(IMAGES)
    names = hog.get_feature_names_out()
    assert names.shape == hog.transform(IMAGES).shape[1:] == (12,)
    assert list(names[:5]) == [
        "hog_block0_0_cell0_0_bin0",
        "hog_block0_0_cell0_0_bin1",
        "hog_block0_0_cell1_0_bin0",
        "hog_block0_0_cell1_0_bin1",
        "hog_block0_1_cell0_0_bin0",
    ]
    assert names[-1] == "hog_block0_2_cell1_0_bin1"


def test_a_name_says_what_its_feature_is():
    images = np.zeros((1, 8, 9))
    images[0, 5, 6:9] = [0, 0.5, 1]  # grows to the right in the cell (1, 2)
    hog = HOG(**SMALL).fit(images)
    largest = hog.get_feature_names_out()[hog.transform(images)[0].argmax()]
    assert largest.startswith("hog_block0_2_cell1_0")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    frames = pytest.importorskip(library)
    names = [f"pixel{i}" for i in range(72)]
    kwargs = {"columns": names} if library == "pandas" else {"schema": names}
    frame = frames.DataFrame(IMAGES.reshape(12, 72), **kwargs)
    hog = HOG(**SMALL, image_shape=(8, 9)).set_output(transform=library)
    framed = hog.fit_transform(frame)
    assert list(framed.columns) == list(hog.get_feature_names_out())
    np.testing.assert_array_equal(framed.to_numpy(), HOG(**SMALL).fit_transform(IMAGES))


def test_a_copy_does_the_same():
    hog = HOG(**SMALL).fit(IMAGES)
    wanted = hog.transform(IMAGES)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(hog)).transform(IMAGES), wanted)
    assert clone(hog).get_params() == hog.get_params()


def test_a_grid_search_over_its_parameters():
    y = np.arange(12) % 2
    search = GridSearchCV(
        make_pipeline(HOG(**SMALL), LinearSVC()), {"hog__orientations": [1, 3]}, cv=2
    )
    assert search.fit(IMAGES, y).predict(IMAGES).shape == (12,)


def test_scikit_image_would_refuse_it_too():
    with pytest.raises(
        InvalidInputError, match=r"8 x 9 pixels hold 1 x 1 cells, a block takes 3 x 3.*24 x 24"
    ):
        HOG().fit(IMAGES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pixels_per_cell", (0, 2)),
        ("pixels_per_cell", (2, 2, 2)),
        ("pixels_per_cell", (2.5, 2)),
        ("cells_per_block", ()),
        ("cells_per_block", ("1", "1")),
    ],
)
def test_sizes_that_are_none(name, value):
    with pytest.raises(InvalidInputError, match=rf"{name} is .*two whole numbers above 0"):
        HOG(**{**SMALL, name: value}).fit(IMAGES)


@pytest.mark.parametrize(
    ("name", "value"), [("orientations", 0), ("block_norm", "L3"), ("transform_sqrt", "yes")]
)
def test_what_is_set_after_fit_is_checked(name, value):
    hog = HOG(**SMALL).fit(IMAGES).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of HOG"):
        hog.transform(IMAGES)


def test_not_fitted():
    for call in (lambda hog: hog.transform(IMAGES), HOG.get_feature_names_out):
        with pytest.raises(NotFittedError):
            call(HOG())


def test_other_images_than_fitted():
    hog = HOG(**SMALL).fit(IMAGES)
    with pytest.raises(InvalidInputError, match=r"\(8, 8, 1\); the estimator was fitted on"):
        hog.transform(IMAGES[:, :, :8])


def test_a_failed_fit_leaves_the_last_one():
    hog = HOG(**SMALL).fit(IMAGES)
    before = dict(vars(hog))
    with pytest.raises(InvalidInputError):
        hog.fit(IMAGES[:, :3, :2])
    assert vars(hog) == before
    hog.transform(IMAGES)
