"""Bad input: a clear error before any training, and a fitted estimator stays as it was."""

import copy
import re

import numpy as np
import pytest
from scipy.sparse import coo_array
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError
from support.estimator_cases import DIGITS, ESTIMATORS, LABELS, U8, Snapshot, Spy, fast

import stn_cv
from stn_cv import InvalidInputError, InvalidTypeError
from stn_cv.nn import Conv2D, Dense, Dropout, Flatten, ReLU

COLOUR = np.repeat(DIGITS[..., None], 3, axis=3)
ROWS = DIGITS.reshape(80, 64)
MIXED = [*DIGITS[:-1], np.zeros((4, 4))]
OBJECTS = np.empty(80, object)
OBJECTS[:] = MIXED
HOLED = np.where(DIGITS == DIGITS.max(), np.nan, DIGITS)
ENDLESS = np.where(DIGITS == DIGITS.max(), np.inf, DIGITS)
ONE = np.zeros(80)
NAMES = [f"pixel{i}" for i in range(64)]
OURS, TYPE, THEIRS, NAME = InvalidInputError, InvalidTypeError, ValueError, InvalidParameterError

# What is fit, the parameters, the error, and what its message must say.
CASES = {
    "one axis": ({"X": DIGITS[:, 0, 0]}, {}, THEIRS, "Expected 2D array, got 1D"),
    "five axes": ({"X": COLOUR[..., None]}, {}, OURS, "wanted images (n, h, w)"),
    "mixed sizes": ({"X": MIXED}, {}, OURS, "2 different shapes, such as (4, 4) and (8, 8)"),
    "mixed sizes held by an array": ({"X": OBJECTS}, {}, OURS, "2 different shapes"),
    "grey among colour": ({"X": [*COLOUR[:-1], DIGITS[0]]}, {}, OURS, "2 different shapes"),
    "channels first": ({"X": COLOUR.transpose(0, 3, 1, 2)}, {}, OURS, "channels come last"),
    "one channel first": ({"X": DIGITS[:, None]}, {}, OURS, "X.transpose(0, 2, 3, 1)"),
    "rows of channels first": (
        {"X": np.hstack([ROWS] * 3)}, {"image_shape": (3, 8, 8)}, OURS, "channels come last",
    ),
    "channels first beside their size": (
        {"X": DIGITS[:, None]}, {"image_shape": (8, 8)}, OURS, "channels come last",
    ),
    "no pixel": ({"X": DIGITS[:, :0]}, {}, OURS, "hold no pixel"),
    "no image": ({"X": DIGITS[:0], "y": LABELS[:0]}, {}, THEIRS, "0 sample(s)"),
    "NaN": ({"X": HOLED}, {}, THEIRS, "contains NaN"),
    "infinity": ({"X": ENDLESS}, {}, THEIRS, "contains infinity"),
    "complex": ({"X": DIGITS * 1j}, {}, THEIRS, "Complex data not supported"),
    "text": ({"X": ROWS.astype(str)}, {}, THEIRS, "Convert your data to numeric"),
    "one class": ({"y": ONE}, {}, OURS, "one class only, 0.0"),
    "one class of any weight": ({"sample_weight": LABELS == 2}, {}, OURS, "one class only, 2"),
    "fewer labels": ({"y": LABELS[:-1]}, {}, THEIRS, "inconsistent numbers of samples: [80, 79]"),
    "no labels": ({"y": None}, {}, THEIRS, "requires y to be passed"),
    "labels of two axes": ({"y": np.eye(4)[LABELS]}, {}, THEIRS, "y should be a 1d array"),
    "measurements as labels": ({"y": LABELS + 0.5}, {}, THEIRS, "Unknown label type: continuous"),
    "NaN label": ({"y": np.where(LABELS, 1, np.nan)}, {}, THEIRS, "y contains NaN"),
    "weights zero": ({"sample_weight": ONE}, {}, THEIRS, "at least one non-zero"),
    "weights negative": ({"sample_weight": ONE - 1}, {}, THEIRS, "Negative values"),
    "weights NaN": ({"sample_weight": ONE * np.nan}, {}, THEIRS, "sample_weight contains NaN"),
    "weights of other length": ({"sample_weight": ONE[1:]}, {}, THEIRS, "expected (80,)"),
    "groups of other length": ({"groups": ONE[1:]}, {}, OURS, "groups has shape (79,)"),
    "fill_value beyond all bytes": ({"X": U8}, {"fill_value": 1e39}, OURS, "for uint8"),
    "groups of nothing": ({"groups": [None] * 80}, {}, OURS, "give integers or text"),
    "images too far apart": ({"X": DIGITS * 1e200}, {}, OURS, "too far to be standardized"),
    "fill_value beyond float32": (
        {"X": DIGITS.astype(np.float32)}, {"fill_value": 1e39}, OURS, "more than float32 holds",
    ),
    "class weights zero": ({}, {"class_weight": dict.fromkeys(range(4), 0)}, OURS, "is zero"),
    "class weight negative": ({}, {"class_weight": {0: -1}}, OURS, "none below 0"),
    "class weight NaN": ({}, {"class_weight": {0: np.nan}}, OURS, "wanted finite weights"),
    "class weight unknown": ({}, {"class_weight": "even"}, NAME, "'balanced'"),
    "family": ({}, {"family": "warp"}, NAME, "Got 'warp'"),
    "head": ({}, {"head": "vgg"}, OURS, "wanted one of linear, coarse, mlp, cnn"),
    "localization": ({}, {"localization": "vgg"}, OURS, "wanted one of mlp, cnn"),
    "padding_mode": ({}, {"padding_mode": "wrap"}, NAME, "Got 'wrap'"),
    "no steps": ({}, {"n_steps": 0}, NAME, "'n_steps'"),
    "many steps": ({}, {"n_steps": 17}, NAME, "'n_steps'"),
    "splines in steps": ({}, {"n_steps": 2, "family": "tps"}, OURS, "use n_steps=1"),
    "antialias": ({}, {"antialias": "yes"}, NAME, "'antialias'"),
    "solver": ({}, {"solver": "lbfgs"}, NAME, "Got 'lbfgs'"),
    "learning_rate": ({}, {"learning_rate": "adaptive"}, NAME, "Got 'adaptive'"),
    "max_iter": ({}, {"max_iter": 0}, NAME, "'max_iter'"),
    "batch_size": ({}, {"batch_size": 0}, NAME, "'batch_size'"),
    "random_state": ({}, {"random_state": "seed"}, NAME, "'random_state'"),
    "augment": ({}, {"augment": "flip"}, NAME, "'augment'"),
    "n_jobs": ({}, {"n_jobs": 0}, OURS, "n_jobs is 0"),
    "fill_value endless": ({}, {"fill_value": np.inf}, NAME, "'fill_value'"),
    "fill_value beyond uint8": ({"X": U8}, {"fill_value": 256}, OURS, "wanted 0 to 255 for uint8"),
    "fill_value below uint8": ({"X": U8}, {"fill_value": -1}, OURS, "wanted 0 to 255 for uint8"),
    "head unflattened": ({}, {"head": [Conv2D(2, 3), ReLU()]}, OURS, "put Flatten() before it"),
    "head empty": ({}, {"head": []}, OURS, "put Flatten() before it"),
    "localization unflattened": ({}, {"localization": [Dense(4)]}, OURS, "put Flatten() before it"),
    "flattened twice": ({}, {"head": [Flatten(), Flatten()]}, OURS, "Flatten()"),
    "kernel too large": ({}, {"head": [Conv2D(2, 9), Flatten()]}, OURS, "smaller kernel"),
    "no units": ({}, {"head": [Flatten(), Dense(0)]}, OURS, "wanted a positive integer"),
    "dropout of all": ({}, {"head": [Flatten(), Dropout(1.0)]}, OURS, "below 1"),
    "a class as a layer": ({}, {"head": [Flatten(), Dense]}, TYPE, "a list of layers"),
    "a name as a layer": ({}, {"localization": ["mlp"]}, TYPE, "a list of layers"),
    "validation_fraction": ({}, {"validation_fraction": 1.0}, NAME, "'validation_fraction'"),
    "no validation of each class": (
        {}, {"early_stopping": True, "validation_fraction": 0.01}, OURS, "no validation split",
    ),
    "one group": (
        {"groups": ONE}, {"early_stopping": True}, OURS, "no validation split can be made",
    ),
    "a class in one group": (
        {"groups": LABELS}, {"early_stopping": True, "validation_fraction": 0.3}, OURS,
        "a class would have no training sample",
    ),
}  # fmt: skip
for shape in ((0, 4), (4, 0), (-3, 4), (4, 4, 1), (4,), (), (4.0, 4), ("a", 4)):
    CASES[f"output_shape {shape}"] = ({}, {"output_shape": shape}, OURS, "output_shape")
CASES["output_shape 0"] = ({}, {"output_shape": 0}, NAME, "'output_shape'")
for shape in ((28, 28), (-8, -8), (8.0, 8.0), (64,), (8, 8, 1, 1), (), (0, 64), ("a", "b")):
    CASES[f"image_shape {shape}"] = ({"X": ROWS}, {"image_shape": shape}, OURS, "image_shape is")
CASES["image_shape 64"] = ({"X": ROWS}, {"image_shape": 64}, NAME, "'image_shape'")
CASES["image_shape against images"] = ({}, {"image_shape": (4, 16)}, OURS, "Flat rows need it")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_fit_refuses(cls, case):
    given, parameters, error, says = CASES[case]
    given = {"X": DIGITS, "y": LABELS} | given
    spy = Spy()
    estimator = fast(cls, **({"augment": spy} | parameters))
    snapshot = Snapshot(estimator)
    with pytest.raises(error, match=re.escape(says)):
        estimator.fit(**given)
    assert not spy.seen  # nothing was trained on
    snapshot.check()


@pytest.fixture(scope="module")
def fitted_on_a_frame():
    frame = pytest.importorskip("pandas").DataFrame(ROWS, columns=NAMES)
    estimator = fast(max_iter=1, image_shape=(8, 8)).fit(frame, LABELS)
    assert list(estimator.feature_names_in_) == NAMES
    return estimator.set_params(image_shape=None)


@pytest.mark.parametrize("case", CASES)
def test_a_fitted_estimator_survives(case, fitted_on_a_frame):
    given, parameters, error, says = CASES[case]
    given = {"X": DIGITS, "y": LABELS} | given
    estimator = copy.deepcopy(fitted_on_a_frame).set_params(**parameters)
    snapshot = Snapshot(estimator)
    with pytest.raises(error, match=re.escape(says)):
        estimator.fit(**given)
    snapshot.check()


LATER = {
    "shape": (U8[:, :4], "(4, 8, 1); the estimator was fitted on (8, 8, 1)"),
    "larger": (U8.repeat(2, 1).repeat(2, 2), "fitted on (8, 8, 1)"),
    "channels": (U8[..., None].repeat(3, 3), "(8, 8, 3); the estimator was fitted on (8, 8, 1)"),
    "float": (DIGITS, "fitted on 8x8 pixels, 1 channel, uint8; these images have 8x8 pixels"),
    "uint16": (U8.astype(np.uint16), "1 channel, uint16"),
    "flat": (ROWS[:, 1:], "X has 63 features"),
    "NaN": (HOLED, "contains NaN"),
    "mixed": (MIXED, "different shapes"),
    "one image": (U8[0], "X has 8 features"),
    "none": (U8[:0], "0 sample(s)"),
}


@pytest.fixture(scope="module")
def fitted_on_u8():
    return fast().fit(U8, LABELS)


@pytest.mark.parametrize("case", LATER)
@pytest.mark.parametrize("method", ["transform", "predict_theta", "predict", "predict_proba"])
def test_other_images_than_fitted(method, case, fitted_on_u8):
    X, says = LATER[case]
    snapshot = Snapshot(fitted_on_u8)
    with pytest.raises(ValueError, match=re.escape(says)):
        getattr(fitted_on_u8, method)(X)
    snapshot.check()


def test_channels_first_later():
    colour = fast().fit(COLOUR, LABELS)
    with pytest.raises(InvalidInputError, match=r"channels come last.*X.transpose"):
        colour.predict(COLOUR.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("method", ["transform", "predict_theta", "predict", "predict_proba"])
def test_not_fitted_comes_first(method):
    with pytest.raises(NotFittedError):
        getattr(fast(), method)(None)


def test_sparse_images_get_the_words_of_scikit_learn():
    with pytest.raises(TypeError, match="dense data is required"):
        fast().fit(coo_array(DIGITS), LABELS)


@pytest.mark.parametrize("name", ["localization", "head"])
def test_layers_that_hold_themselves_are_refused(name):
    layers = [Flatten()]
    layers.append(layers)
    estimator = stn_cv.SpatialTransformerClassifier(**{name: layers})
    with pytest.raises(InvalidTypeError, match=f"{name} is .* wanted a name"):
        estimator.fit(np.zeros((20, 8, 8)), np.arange(20) % 2)
