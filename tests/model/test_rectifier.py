"""The Rectifier's doors: empty batches, single images, proportions, folders as file names."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.estimator_cases import DIGITS, LABELS, fast
from support.pose_cases import arrows, quick

import stn_cv
from stn_cv import InvalidInputError, InvalidTypeError, NonFiniteError, warp_affine
from stn_cv.nn import SpatialTransform


@pytest.fixture(scope="module")
def rectifier():
    return fast(output_shape=(5, 6)).fit(DIGITS, LABELS).rectifier_


def test_an_empty_batch_gives_an_empty_result(rectifier):
    assert rectifier.rectify(DIGITS[:0]).shape == (0, 5, 6)
    assert rectifier.theta(DIGITS[:0]).shape == (0, 2, 3)
    assert rectifier.predict_proba(DIGITS[:0]).shape == (0, 4)


@pytest.mark.parametrize(
    "images", [DIGITS, DIGITS[:0], DIGITS[3], np.kron(DIGITS, np.ones((2, 2)))]
)
def test_find_is_theta_and_predict_proba(rectifier, images):
    theta, probabilities = rectifier.find(images)
    np.testing.assert_array_equal(theta, rectifier.theta(images))
    np.testing.assert_array_equal(probabilities, rectifier.predict_proba(images))


def test_find_looks_once(rectifier, monkeypatch):
    looks = []
    localize = SpatialTransform.localize

    def noted(self, X, training=False, rng=None):
        looks.append(X.shape[-1])
        return localize(self, X, training, rng)

    monkeypatch.setattr(SpatialTransform, "localize", noted)
    rectifier.find(DIGITS[:3])
    assert looks == [3]


def test_find_needs_a_head():
    model = fast(head=LogisticRegression(), max_iter=1).fit(DIGITS, LABELS).rectifier_
    with pytest.raises(InvalidInputError, match="this model holds no head"):
        model.find(DIGITS)


def test_one_image_with_or_without_its_channel(rectifier):
    alone = rectifier.rectify(DIGITS[3])
    assert alone.shape == (5, 6)
    np.testing.assert_array_equal(rectifier.rectify(DIGITS[3][..., None])[..., 0], alone)
    np.testing.assert_allclose(rectifier.rectify(DIGITS)[3], alone, atol=1e-9)


@pytest.mark.parametrize("shape", [(8, 7), (16, 15), (1, 8), (24, 30)])
def test_other_proportions_are_refused(rectifier, shape):
    with pytest.raises(InvalidInputError, match="other proportions"):
        rectifier.theta(np.zeros((2, *shape)))


def test_colours_for_a_grey_model_are_named(rectifier):
    with pytest.raises(InvalidInputError, match="If the last axis holds colours"):
        rectifier.theta(np.zeros((48, 64, 3)))


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", "object", "M8[s]", "uint32"])
def test_a_dtype_whose_range_nobody_knows_is_refused(rectifier, dtype):
    for question in (rectifier.theta, rectifier.predict_proba):
        with pytest.raises(InvalidTypeError, match="wanted uint8, uint16 or floats"):
            question((DIGITS * 16).astype("int64").astype(dtype))


@pytest.mark.parametrize("shape", [(16, 16), (4, 4), (33, 33)])
def test_theta_is_found_at_any_resolution(rectifier, shape):
    assert rectifier.rectify(np.zeros((2, *shape))).shape == (2, 5, 6)


def test_a_strip_keeps_its_length():
    strips = DIGITS.reshape(len(DIGITS), 1, 64)
    model = fast(head="linear").fit(strips, LABELS).rectifier_
    with pytest.raises(InvalidInputError, match="other proportions"):
        model.theta(np.zeros((2, 1, 5)))


def test_a_folder_is_no_file_name(rectifier, tmp_path):
    for path in (tmp_path, "."):
        with pytest.raises(InvalidInputError, match="is a folder"):
            stn_cv.save(rectifier, path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        stn_cv.save(rectifier, tmp_path / "missing" / "model.safetensors")


def test_threads_are_counted_in_integers():
    for n_jobs in ("a", 1.5, True):
        with pytest.raises(InvalidTypeError, match="n_jobs is"):
            warp_affine(DIGITS[0], np.eye(2, 3), n_jobs=n_jobs)


def test_rooms_open_from_the_package():
    code = "import stn_cv; print(stn_cv.nn.Dense(3), stn_cv.datasets.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Dense(units=3,", "initialization='he')", "stn_cv.datasets"]


def test_images_of_several_shapes_are_named(rectifier):
    for question in (rectifier.theta, rectifier.rectify, rectifier.predict_proba):
        with pytest.raises(InvalidInputError, match="its parts differ in shape"):
            question([DIGITS[0], DIGITS[1][:5]])


@pytest.mark.parametrize(
    ("range", "dtype", "fits"),
    [
        ("uint8", "uint8", True),
        ("uint16", ">u2", True),
        ("uint16", "uint8", False),
        ("float", "float16", True),
        ("float", ">f8", True),
        ("float", "uint8", False),
        ("uint8", "float32", False),
        ("u1", "uint8", False),
        ("int64", "int64", False),
        ("object", object, False),
    ],
)
def test_a_spec_fits_what_it_was_made_from(range, dtype, fits):
    spec = stn_cv.ImageSpec(4, 6, 1, range)
    assert spec.fits(np.zeros((2, 4, 6, 1), dtype)) == fits
    assert not spec.fits(np.zeros((2, 4, 6, 3), dtype))
    assert not spec.fits(np.zeros((2, 6, 4, 1), dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_that_are_not_finite_are_refused(rectifier, value):
    with pytest.raises(NonFiniteError, match="hold NaN or infinity"):
        rectifier.theta(np.full((8, 8), value))


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("pick", [3, slice(3), slice(0, 1), slice(0)], ids=str)
@pytest.mark.parametrize("enlarged", [False, True])
def test_outputs_are_what_each_question_gives(kind, pick, enlarged):
    X = (DIGITS / 16).astype(kind) if kind != "uint8" else (DIGITS * 15).astype(kind)
    model = fast(max_iter=2, n_steps=2, output_shape=(5, 6)).fit(X, LABELS).rectifier_
    images = X[pick]
    if enlarged:
        images = images.repeat(2, axis=-2).repeat(2, axis=-1)
    outputs = model.outputs(images)
    assert list(outputs) == ["theta", "rectified", "probabilities", "confidence"]
    np.testing.assert_array_equal(outputs["theta"], model.theta(images))
    assert outputs["rectified"].dtype == X.dtype
    np.testing.assert_array_equal(outputs["rectified"], model.rectify(images))
    np.testing.assert_array_equal(outputs["probabilities"], model.predict_proba(images))
    np.testing.assert_array_equal(outputs["confidence"], outputs["probabilities"].max(axis=-1))


@pytest.mark.parametrize("antialias", [False, True])
def test_outputs_keep_the_axes_that_came(antialias):
    X = np.stack([DIGITS, DIGITS / 2, DIGITS * 0], axis=-1)
    model = fast(head=LogisticRegression(), max_iter=2, antialias=antialias).fit(X, LABELS)
    for images in (X[0], X[:1], X[:4]):
        outputs = model.rectifier_.outputs(images)
        assert list(outputs) == ["theta", "rectified"]
        np.testing.assert_array_equal(outputs["rectified"], model.rectifier_.rectify(images))


def test_outputs_of_a_pose_model_tell_its_confidence():
    X = arrows(12)
    model = quick().fit(X).rectifier_
    for images in (X[0], X[:4]):
        outputs = model.outputs(images)
        theta, confidence = model.find_pose(images)
        np.testing.assert_array_equal(outputs["theta"], theta)
        np.testing.assert_array_equal(outputs["rectified"], model.rectify(images))
        np.testing.assert_array_equal(outputs["confidence"], confidence)
