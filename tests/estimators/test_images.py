"""What goes in comes out: axes, dtypes, names; X as arrays, lists and frames."""

import numpy as np
import pytest
from support.estimator_cases import (
    DIGITS,
    ESTIMATORS,
    KINDS,
    LABELS,
    U8,
    fast,
    images_of,
    weights_in,
)

from stn_cv import InvalidInputError, SpatialTransformer

classes = pytest.mark.parametrize("cls", ESTIMATORS)


def test_images_that_look_like_channels_first_can_be_said_not_to_be():
    strips = np.concatenate([DIGITS.reshape(80, 1, 8, 8)] * 2, axis=2)
    with pytest.raises(InvalidInputError, match=r"say so by image_shape=\(1, 16, 8\)"):
        fast().fit(strips, LABELS)
    assert fast(image_shape=(1, 16, 8)).fit(strips, LABELS).transform(strips).shape == strips.shape


def test_integers_are_named_where_bytes_were_fitted():
    model = fast().fit(U8, LABELS)
    for X in (U8.astype(int), U8.tolist()):
        with pytest.raises(InvalidInputError, match=r"X is of int64.*give X.astype\(np.uint8\)"):
            model.predict(X)
    for X in (U8.astype(int) + 1, U8 > 0, -U8.astype(int)):
        with pytest.raises(InvalidInputError, match="fitted on uint8, give 0 to 255"):
            model.predict(X)


def of_dtype(kind, dtype):
    X = images_of(kind)
    return X.astype(dtype) if dtype[0] == "f" else (X * np.iinfo(dtype).max).astype(dtype)


@classes
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_axes_and_dtype_come_back(cls, kind, dtype):
    X = of_dtype(kind, dtype)
    untouched = X.copy()
    estimator = fast(cls, kind, output_shape=(5, 6))
    came = estimator.fit_transform(X, LABELS)
    wanted = {"grey": (5, 6), "colour": (5, 6, 3), "flat": (30,)}[kind]
    assert came.dtype == dtype
    assert came.shape == (len(X), *wanted)
    assert came.max() > 0.3 * X.max()
    assert estimator.predict_theta(X).shape == (len(X), 2, 3)
    assert estimator.predict_theta(X).dtype == np.float64
    assert estimator.n_features_in_ == X[0].size
    assert estimator.rectifier_.network.vector.dtype == (
        "float64" if dtype == "float64" else "float32"
    )
    np.testing.assert_array_equal(X, untouched)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_output_shape_of_the_input_by_default(dtype):
    X = of_dtype("grey", dtype)
    assert fast(SpatialTransformer).fit(X, LABELS).transform(X).shape == X.shape


@pytest.mark.parametrize("dtype", [np.int64, bool, np.float16, np.longdouble])
def test_other_dtypes_become_float64(dtype):
    X = (DIGITS * 16).astype(dtype)
    came = fast(SpatialTransformer).fit_transform(X, LABELS)
    wanted = fast(SpatialTransformer).fit_transform(X.astype(np.float64), LABELS)
    np.testing.assert_array_equal(came, wanted, strict=True)


def test_integers_are_read_by_their_range_and_floats_as_they_are():
    a = fast().fit(U8, LABELS)
    b = fast().fit((U8 / np.float32(255)).astype(np.float32), LABELS)
    np.testing.assert_array_equal(weights_in(a), weights_in(b))


@classes
def test_all_ways_to_hold_the_same_images_agree(cls):
    rows = DIGITS.reshape(80, 64)
    fitted = fast(cls, "flat").fit(rows, LABELS)
    vector = weights_in(fitted)
    objects = np.empty(80, object)
    objects[:] = list(DIGITS)
    held = [DIGITS, DIGITS[..., None], list(DIGITS), DIGITS.tolist(), objects]
    for X in (*held, np.asfortranarray(DIGITS)):
        np.testing.assert_array_equal(weights_in(fast(cls, "flat").fit(X, LABELS)), vector)
    theta = fitted.predict_theta(rows)
    for X in (DIGITS, DIGITS[..., None], list(DIGITS)):  # what was fitted on rows takes images
        np.testing.assert_array_equal(fitted.predict_theta(X), theta)
    assert fitted.transform(DIGITS).shape == DIGITS.shape
    assert fast(cls).fit(DIGITS, LABELS).transform(rows).shape == rows.shape


def test_a_strip_with_a_warning_where_a_square_was_meant():
    rows = DIGITS.reshape(80, 64)
    with pytest.warns(UserWarning, match=r"strip of 1 x 64 .* image_shape=\(8, 8\)"):
        strip = fast().fit(rows, LABELS)
    assert strip.rectifier_.output_shape == (1, 64)
    assert fast().fit(rows[:, :60], LABELS).rectifier_.output_shape == (1, 60)


@classes
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_feature_names(cls, library):
    frames = pytest.importorskip(library)
    names = [f"pixel{i}" for i in range(64)]
    if library == "pandas":
        frame = frames.DataFrame(U8.reshape(80, 64), columns=names)
    else:
        frame = frames.DataFrame(U8.reshape(80, 64), schema=names)
    estimator = fast(cls, "flat", output_shape=(2, 3)).fit(frame, LABELS)
    assert list(estimator.feature_names_in_) == names
    assert estimator.transform(frame).dtype == np.uint8
    out = [f"{cls.__name__.lower()}{i}" for i in range(6)]
    assert list(estimator.get_feature_names_out()) == out
    framed = estimator.set_output(transform=library).transform(frame)
    assert isinstance(framed, frames.DataFrame)
    assert list(framed.columns) == out
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.transform(frame.rename(columns={"pixel0": "other"}) if library == "pandas"
                            else frame.rename({"pixel0": "other"}))  # fmt: skip


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_weights_and_labels_as_series(library):
    series = pytest.importorskip(library).Series
    weights = np.linspace(0, 2, 80)
    a = fast().fit(DIGITS, series(LABELS.tolist()), series(weights.tolist()))
    np.testing.assert_array_equal(weights_in(a), weights_in(fast().fit(DIGITS, LABELS, weights)))


@pytest.mark.parametrize(
    "labels", [np.array(["zero", "one", "two", "three"]), np.array([0.0, 1.0, 2.0, 3.0]),
               np.array([-1, 5, 7, 100]), np.array(["a", "b", "c", "d"], object)]
)  # fmt: skip
def test_labels_of_any_kind(labels):
    order = np.argsort(labels)
    y = labels[order][LABELS]  # in the order of the numbers, so that the network is the same
    named, numbered = fast().fit(DIGITS, y), fast().fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(named), weights_in(numbered))
    np.testing.assert_array_equal(named.classes_, labels[order])
    predicted = named.predict(DIGITS)
    np.testing.assert_array_equal(predicted, labels[order][numbered.predict(DIGITS)])
    assert named.classes_.dtype == predicted.dtype == y.dtype
    assert named.score(DIGITS, y) > 0.25


def test_bool_labels():
    estimator = fast().fit(DIGITS, LABELS == 1)
    assert estimator.classes_.tolist() == [False, True]
    assert estimator.predict(DIGITS).dtype == bool
    np.testing.assert_allclose(estimator.predict_proba(DIGITS).sum(axis=1), 1)
