"""Exported files give what their models give, in every engine that is installed."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from support.estimator_cases import DIGITS, LABELS, fast
from support.export_cases import HEAD, LOCALIZATION, SHAPE, answers_of, made_up, pictures

import stn_cv
from stn_cv.errors import (
    InvalidInputError,
    InvalidTypeError,
    MissingLibraryError,
    ModelFileError,
    StnError,
)
from stn_cv.families import FAMILIES
from stn_cv.families.affine import AffineFamily
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Shrink,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from stn_cv.onnx.engines import engines
from stn_cv.onnx.layers import OPERATORS

onnx = pytest.importorskip("onnx", reason="exports need the extra onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="one engine of two needs the extra onnx")

ENGINES = ("cv2.dnn", "onnxruntime")
PROMISED = {"theta": 1e-5, "rectified": 1e-4, "probabilities": 1e-5, "confidence": 1e-5}
IMAGES = 1000
SPLINES = ("tps", "tps3", "tps6")


def exported(model, tmp_path):
    path = tmp_path / "model.onnx"
    stn_cv.export(model, path)
    return path.read_bytes()


def run(engine, data, images, outputs):
    return engines()[engine](data, np.float32(images), list(outputs))


def check_promise(rectifier, tmp_path, images):
    data, answers = exported(rectifier, tmp_path), answers_of(rectifier, images)
    for engine in ENGINES:
        results = run(engine, data, images, answers)
        for (name, wanted), came in zip(answers.items(), results, strict=True):
            unit = rectifier.image_spec.maximum if name == "rectified" else 1
            assert came.shape == wanted.shape
            assert np.abs(came - wanted).max() / unit <= PROMISED[name], (engine, name)


WARPS = [
    {},
    {"n_steps": 2, "padding_mode": "border"},
    {"n_steps": 3, "padding_mode": "reflection", "output_shape": (9, 20)},
    {"fill_value": 0.5, "output_shape": (20, 9)},
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("transform", WARPS)
def test_every_family_and_look_agrees_with_the_model(family, transform, tmp_path):
    if family in SPLINES:
        transform = {**transform, "n_steps": 1}
    # Looks that change much make much of a rounding, and so does what comes near the camera.
    gain = 0.1 if family == "projective" else 0.3 if "n_steps" in transform else 1.0
    rectifier, images = made_up(family, gain=gain, **transform), pictures(IMAGES)
    assert rectifier.theta(images).std(axis=0).max() > 0.01  # the looks find something to do
    check_promise(rectifier, tmp_path, images)


def test_what_lies_behind_the_camera_is_outside(tmp_path):
    rectifier = made_up("projective", fill_value=0.25)
    rectifier.network.layers[0].network.layers[-1].parameters[1][6:] = 1.5, 0.5  # a steep tilt
    images = pictures(200)
    rectified = rectifier.rectify(images)
    assert 0.05 < (rectified == 0.25).mean() < 0.9
    data = exported(rectifier, tmp_path)  # which is not refused for what lies there
    for engine in ENGINES:
        (came,) = run(engine, data, images, ["rectified"])
        # Beside the horizon places run away, and a rounding more is a pixel more.
        assert (np.abs(came - rectified) > 1e-4).mean() < 2e-3


@pytest.mark.parametrize("localization", ["mlp", "cnn"])
@pytest.mark.parametrize("head", ["linear", "coarse", "mlp", "cnn"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_named_network_agrees_with_the_model(localization, head, channels, tmp_path):
    X = np.kron(DIGITS[..., None], np.ones((3, 3, channels)))  # not too small for convolutions
    model = fast(localization=localization, head=head, max_iter=1).fit(X.astype(np.float32), LABELS)
    check_promise(model.rectifier_, tmp_path, np.float32(X))


def test_every_layer_agrees_with_the_model(tmp_path):
    looks = SpatialTransform([Flatten()], "attention", (5, 5))
    head = [
        Standardize([0.4], [0.2]),
        StandardizeEach(),
        Shrink(15, 12),
        Parallel([[Conv2D(3, 4, padding=2), AveragePool(3)], [looks], [MaxPool(3)], []]),
    ]
    chains = [*head[-1].branches[:1], [AveragePool(3)], [MaxPool(3)]]
    head[-1] = Parallel([*chains, [SpatialTransform([Flatten()], "attention", (5, 4))]])
    layers = [*head, LeakyReLU(0.2), ReLU(), Dropout(0.5), Flatten()]
    used = {type(layer) for layer in layers + [inner for c in head[-1].branches for inner in c]}
    assert used | {Dense} == set(OPERATORS)
    check_promise(made_up(head=layers), tmp_path, pictures(100))


@pytest.mark.parametrize("range", ["uint8", "uint16", "float"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_range_agrees_with_the_model(range, channels, tmp_path):
    shape = (*SHAPE[:2], channels)
    localization = [Standardize([0.5] * channels, [0.3] * channels), Flatten()]
    rectifier = made_up(shape=shape, range=range, localization=localization, fill_value=0.5)
    check_promise(rectifier, tmp_path, pictures(100, shape, range))


def test_a_network_of_float64_agrees_as_well(tmp_path):
    check_promise(made_up(dtype=np.float64), tmp_path, pictures(100))


def test_any_number_of_images_goes_through_one_file(tmp_path):
    rectifier, data = made_up(), None
    data = exported(rectifier, tmp_path)
    session = onnxruntime.InferenceSession(data)
    for count in (1, 7, 256, 2):
        images = pictures(count)
        (theta,) = session.run(["theta"], {"images": images})
        assert np.abs(theta - rectifier.theta(images)).max() <= 1e-5
    assert session.run(["theta"], {"images": pictures(1)[:0]})[0].shape == (0, 2, 3)


@pytest.mark.parametrize("shape", [(17, 12, 1), (16, 13, 1), (12, 16, 1), (1, 16, 12), (8, 24, 1)])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_picture_of_another_shape_is_refused(engine, shape, tmp_path):
    data = exported(made_up(), tmp_path)
    with pytest.raises(Exception, match="(?i)shape|dimension"):
        run(engine, data, np.zeros((1, *shape)), ["theta"])


def test_the_difference_that_is_returned_is_the_one_found(tmp_path):
    differences = stn_cv.export(made_up(), tmp_path / "model.onnx")
    assert sorted(differences) == sorted(ENGINES)
    for by_output in differences.values():
        assert list(by_output) == list(PROMISED)
        assert all(0 < value <= PROMISED[name] for name, value in by_output.items())


def test_a_file_that_disagrees_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(OPERATORS, Standardize, lambda graph, layer, X: X)
    with pytest.raises(StnError, match="cv2.dnn gives other values of 'theta'"):
        stn_cv.export(made_up(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_one_model_gives_one_file(tmp_path):
    first = exported(made_up(), tmp_path)
    assert exported(made_up(), tmp_path) == first
    assert exported(made_up(gain=1.1), tmp_path) != first


def test_weights_of_several_looks_are_in_the_file_once(tmp_path):
    one, three = (len(exported(made_up(n_steps=steps), tmp_path)) for steps in (1, 3))
    weights = 4 * made_up().network.vector.size
    assert three - one < weights / 2


def test_the_operators_are_plain_ones_of_opset_16(tmp_path):
    for family in ("similarity", "projective", "tps"):
        model = onnx.load_from_string(exported(made_up(family), tmp_path))
        assert [(own.domain, own.version) for own in model.opset_import] == [("", 16)]
        assert all(node.domain == "" for node in model.graph.node)
        assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_the_file_says_what_it_is(tmp_path):
    rectifier = made_up(range="uint8", output_shape=(8, 6), n_steps=2, fill_value=0.5)
    stn_cv.save(rectifier, tmp_path / "model.stn")
    data = exported(rectifier, tmp_path)
    session = onnxruntime.InferenceSession(data)
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["stn_cv"])
    assert metadata == {
        "format": [1, 0],
        "library": f"stn_cv {stn_cv.__version__}",
        "model_sha256": hashlib.sha256((tmp_path / "model.stn").read_bytes()).hexdigest(),
        "image_spec": {"height": 16, "width": 12, "channels": 1, "range": "uint8"},
        "classes": {"dtype": "U1", "values": ["a", "b", "c"]},
        "family": "similarity",
        "n_steps": 2,
        "output_shape": [8, 6],
        "padding_mode": "zeros",
        "fill_value": 0.5,
    }
    hash_of_all = session.get_modelmeta().custom_metadata_map["sha256"]
    assert hash_of_all == hashlib.sha256(data[:-76]).hexdigest() == data[-64:].decode()


def test_without_a_head_there_are_no_probabilities(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier

    model = fast(head=KNeighborsClassifier()).fit(np.float32(DIGITS), LABELS)
    differences = stn_cv.export(model, tmp_path / "model.onnx")
    assert list(differences["onnxruntime"]) == ["theta", "rectified"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["theta", "rectified"]
    assert json.loads(session.get_modelmeta().custom_metadata_map["stn_cv"])["classes"] is None


def test_nan_in_one_picture_stays_with_it(tmp_path):
    rectifier, images = made_up(), pictures(3)
    data = exported(rectifier, tmp_path)
    images[1, 2, 2] = np.nan
    for engine in ENGINES:
        (theta,), wanted = run(engine, data, images, ["theta"]), rectifier.theta(images[[0, 2]])
        assert np.abs(theta[[0, 2]] - wanted).max() <= 1e-5


@dataclass
class Doubled(Layer):
    """A layer of one's own."""

    def build(self, input_shape):
        return input_shape, []

    def forward(self, X, training=False, rng=None):
        return 2 * X, None


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (made_up(head=[Flatten(), Doubled()]), InvalidTypeError, "cannot export the layer Doubled"),
        (
            made_up(localization=[Doubled(), *LOCALIZATION]),
            InvalidTypeError,
            "cannot export the layer Doubled",
        ),
        (made_up(antialias=True), InvalidInputError, "antialias=True has no plain ONNX operators"),
        (stn_cv.SpatialTransformer(), InvalidInputError, "is not fitted; call fit before export"),
        ("model.stn", InvalidTypeError, "cannot export a str"),
    ],
)
def test_what_cannot_be_exported_is_refused(model, error, message, tmp_path):
    with pytest.raises(error, match=message):
        stn_cv.export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_family_of_ones_own_is_refused(tmp_path, monkeypatch):
    own = AffineFamily("own", 2, FAMILIES["translation"].motion)
    monkeypatch.setitem(FAMILIES, "own", own)
    with pytest.raises(InvalidInputError, match="no ONNX operators are known for the family 'own'"):
        stn_cv.export(made_up("own", head=HEAD), tmp_path / "model.onnx")


def test_without_onnx_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingLibraryError, match=r'pip install "stn_cv\[onnx\]"'):
        stn_cv.export(made_up(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_opencv_checks_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert list(stn_cv.export(made_up(), tmp_path / "model.onnx")) == ["cv2.dnn"]


def test_a_destination_that_cannot_be_is_said_at_once(tmp_path):
    with pytest.raises(InvalidInputError, match="is a folder"):
        stn_cv.export(made_up(), tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        stn_cv.export(made_up(), tmp_path / "missing" / "model.onnx")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        stn_cv.export(made_up(), path)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_an_exported_file_is_not_taken_for_a_model(tmp_path):
    stn_cv.export(made_up(), tmp_path / "model.onnx")
    with pytest.raises(ModelFileError, match="this is an ONNX file, which other engines run"):
        stn_cv.load(tmp_path / "model.onnx")
