"""Exported models of poses find the poses that the models find, and are as sure of them."""

import json

import numpy as np
import pytest
from support.export_cases import SHAPE, answers_of, made_up_pose, pictures
from support.pose_cases import arrows, quick, turned

import stn_cv
from stn_cv.onnx.engines import engines

pytest.importorskip("onnx", reason="exports need the extra onnx")
pytest.importorskip("onnxruntime", reason="one engine of two needs the extra onnx")

PROMISED = {"theta": 1e-5, "rectified": 1e-4, "confidence": 1e-4}
IMAGES = 1000

REGRESSIONS = [
    {"family": "similarity"},
    {"family": "similarity", "n_steps": 1},
    {"family": "translation", "n_steps": 3, "padding_mode": "border"},
    {"family": "attention", "look_shape": (9, 7)},
    {"family": "affine", "output_shape": (9, 20)},
    {"family": "projective", "gain": 0.1},
    {"family": "tps", "n_steps": 1},
]
BINS = [
    {"bins": 36, "n_steps": 1},
    {"bins": 36, "candidates": 3, "n_steps": 4},
    {"bins": 36, "candidates": 6, "n_steps": 4, "halving": True, "gain": 0.1},
    {"family": "affine", "bins": 36, "candidates": 5, "n_steps": 3, "halving": True},
    {"bins": 25, "candidates": 2, "symmetry": 2, "look_shape": (12, 10)},
    {"bins": 24, "candidates": 2, "symmetry": 4, "fill_value": 0.5},
    {"family": "affine", "bins": 16, "candidates": 3, "n_steps": 3},
    {"family": "projective", "bins": 16, "candidates": 2, "gain": 0.1},
]


def check_promise(rectifier, images, tmp_path):
    differences = stn_cv.export(rectifier, tmp_path / "model.onnx")
    answers, data = answers_of(rectifier, images), (tmp_path / "model.onnx").read_bytes()
    assert list(differences["onnxruntime"]) == list(answers)
    for engine in engines().values():
        came = dict(zip(answers, engine(data, np.float32(images), list(answers)), strict=True))
        for name, wanted in answers.items():
            unit = rectifier.image_spec.maximum if name == "rectified" else 1
            unit = np.maximum(np.abs(wanted), 1) if name == "theta" else unit
            assert came[name].shape == wanted.shape
            off = (np.abs(came[name] - wanted) / unit).reshape(len(images), -1).max(axis=1)
            assert off.max() <= PROMISED[name], (name, np.sort(off)[-5:])
    return answers


@pytest.mark.parametrize("transform", [*REGRESSIONS, *BINS], ids=str)
def test_every_kind_of_look_agrees_with_the_model(transform, tmp_path):
    images = pictures(IMAGES)
    answers = check_promise(made_up_pose(**transform), images, tmp_path)
    assert answers["theta"].std(axis=0).max() > 0.01  # the looks find something to do
    assert answers["confidence"].std() > 0.01 or transform.get("n_steps") == 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("range", ["uint8", "uint16"])
def test_every_range_agrees_with_the_model(range, channels, tmp_path):
    shape = (*SHAPE[:2], channels)
    rectifier = made_up_pose(shape=shape, range=range, bins=36, candidates=2)
    check_promise(rectifier, pictures(100, shape, range), tmp_path)


def test_a_vector_that_points_backwards_has_its_angle(tmp_path):
    rectifier = made_up_pose(n_steps=1, sure=False)
    rectifier.network.layers[0].networks[0].layers[-1].parameters[1][0] = -1  # vectors around 0
    theta = check_promise(rectifier, pictures(100), tmp_path)["theta"]
    angles = np.arctan2(theta[:, 1, 0], theta[:, 0, 0])
    assert len(np.unique(np.floor(angles / (np.pi / 2)))) == 4  # all quadrants


def test_a_trained_model_is_exported_with_its_confidence(tmp_path):
    images = arrows(24, side=20)
    model = quick(family="similarity", angle=180, n_steps=3).fit(images.astype(np.float32))
    seen, _ = turned(images, np.linspace(-170, 170, len(images)))
    answers = check_promise(model.rectifier_, seen[..., None].astype(np.float32), tmp_path)
    assert "confidence" in answers


def test_without_a_fitted_confidence_there_is_none(tmp_path):
    rectifier = made_up_pose(sure=False)
    assert list(stn_cv.export(rectifier, tmp_path / "model.onnx")["cv2.dnn"]) == [
        "theta",
        "rectified",
    ]


def test_the_file_says_that_it_finds_poses(tmp_path):
    stn_cv.export(made_up_pose(bins=36), tmp_path / "model.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    said = json.loads(session.get_modelmeta().custom_metadata_map["stn_cv"])
    assert said["classes"] is None and said["n_steps"] == 2
    assert [output.name for output in session.get_outputs()] == ["theta", "rectified", "confidence"]
