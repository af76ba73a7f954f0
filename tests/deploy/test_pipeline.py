"""The recipe by which a whole Pipeline leaves the machine: skops and ONNX give what it gave."""

import importlib
import importlib.util
import pickle

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from support.estimator_cases import DIGITS, LABELS, fast
from support.paths import ROOT

from stn_cv import HOG, SpatialTransformer

skops = pytest.importorskip("skops.io", reason="pipelines leave by skops, which is not needed else")


@pytest.fixture(scope="module")
def recipe():
    path = ROOT / "pipelines" / "deploy" / "pipeline.py"
    spec = importlib.util.spec_from_file_location("pipeline_recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("localization", ["cnn", "mlp"])
def test_a_pipeline_is_read_again_with_the_types_that_are_named(recipe, localization, tmp_path):
    X = np.kron(DIGITS, np.ones((3, 3))).astype(np.float32)
    steps = [
        (
            "rectify",
            fast(SpatialTransformer, localization=localization, max_iter=1, output_shape=(16, 16)),
        ),
        ("hog", HOG(pixels_per_cell=(4, 4), cells_per_block=(2, 2))),
        ("classify", LogisticRegression(max_iter=500)),
    ]
    steps[0][1].set_params(head="linear")
    pipeline = Pipeline(steps).fit(X, LABELS)
    skops.dump(pipeline, tmp_path / "pipeline.skops")
    again = recipe.read_again(tmp_path / "pipeline.skops")
    assert np.array_equal(again.decision_function(X), pipeline.decision_function(X))


class Foreign:
    """A type that nobody trusts."""


def test_a_file_with_another_type_in_it_is_refused(recipe, tmp_path):
    pipeline = Pipeline([("classify", LogisticRegression())])
    pipeline.foreign_ = Foreign()
    skops.dump(pipeline, tmp_path / "pipeline.skops")
    with pytest.raises(TypeError, match="Foreign"):
        recipe.read_again(tmp_path / "pipeline.skops")
    (tmp_path / "pipeline.pickle").write_bytes(pickle.dumps(LogisticRegression()))
    with pytest.raises(Exception, match="zip"):
        recipe.read_again(tmp_path / "pipeline.pickle")


def test_every_trusted_type_is_there(recipe):
    for name in recipe.TRUSTED:
        module, _, kind = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), kind), type)


def test_onnx_files_of_its_steps_give_its_labels(recipe, tmp_path):
    pytest.importorskip("skl2onnx", reason="classifiers as ONNX need skl2onnx")
    pytest.importorskip("onnxruntime", reason="they are run by it")
    X, y = np.kron(DIGITS, np.ones((4, 4))).astype(np.float32), LABELS
    pipeline = recipe.fitted(X.reshape(len(X), -1), y, max_iter=1)
    recipe.write(pipeline, tmp_path)
    again = recipe.Deployed(tmp_path).predict(X[..., None])
    assert np.array_equal(again, pipeline.predict(X.reshape(len(X), -1)))
