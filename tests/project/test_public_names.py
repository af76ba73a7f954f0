"""What the package offers, that it is documented, and that asking for it costs little."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib

import pytest
from support.paths import ROOT

import stn_cv

SAMPLING = [
    "affine_grid",
    "affine_grid_backward",
    "grid_sample",
    "grid_sample_backward",
    "theta_from_cv2",
    "theta_to_cv2",
    "warp_affine",
    "warp_affine_backward",
]
POSES = [
    "angle_error",
    "corner_error",
    "corners_from_theta",
    "theta_from_corners",
    "warp_boxes",
    "warp_points",
]
ALIGNMENT = ["theta_from_moments"]
MODEL = ["ImageSpec", "Rectifier", "export", "load", "save"]
PICTURES = ["contact_sheet"]
DISPLAYS = ["ClassMeanDisplay", "LossCurveDisplay", "RectificationDisplay", "ThetaDisplay"]
FOLDERS = [
    "DaskExecutor",
    "iter_rectified",
    "load_folder",
    "predict_folder",
    "read_manifest",
    "rectify_folder",
]
ESTIMATORS = [
    "HOG",
    "JointAlignment",
    "PoseReport",
    "PoseTransformer",
    "SpatialTransformer",
    "SpatialTransformerClassifier",
    "cross_validate_pose",
    "fit_folder",
]
ERRORS = [
    "AlignmentWarning",
    "ClusterError",
    "CollapseWarning",
    "InterruptedWarning",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingLibraryError",
    "ModelFileError",
    "NonFiniteError",
    "PoseWarning",
    "StnError",
    "TrainingDiverged",
]
LAYERS = [
    "AveragePool",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "MaxPool",
    "Parallel",
    "ReLU",
    "Shrink",
    "SpatialTransform",
    "Standardize",
    "StandardizeEach",
]
JOINT = ["DERIVATIVES", "GRADIENTS", "differentiable", "forward"]
PUBLIC = SAMPLING + POSES + ALIGNMENT + MODEL + PICTURES + DISPLAYS + FOLDERS + ESTIMATORS + ERRORS
DOCUMENTED = [f"stn_cv.{name}" for name in PUBLIC] + [f"stn_cv.nn.{name}" for name in LAYERS]
DOCUMENTED += [f"stn_cv.joint.{name}" for name in JOINT if name.islower()]
HEAVY = ("sklearn", "cv2", "numba", "scipy", "torch", "rich", "click", "safetensors")


def resolve(dotted):
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_after(code, libraries):
    names = "[name for name in libraries if name in sys.modules]"
    return run(f"import sys; libraries = {libraries!r}\n{code}\nprint(*{names})").split()


def test_the_public_names_are_these():
    assert sorted(stn_cv.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(stn_cv))
    assert sorted(importlib.import_module("stn_cv.nn").__all__) == sorted(LAYERS)
    assert sorted(importlib.import_module("stn_cv.joint").__all__) == sorted(JOINT)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = stn_cv.no_such_name


@pytest.mark.parametrize("dotted", DOCUMENTED)
def test_a_public_name_resolves(dotted):
    assert callable(resolve(dotted))


def test_the_version_is_the_one_in_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert stn_cv.__version__ == project["version"]


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import stn_cv; dir(stn_cv); stn_cv.__version__", HEAVY) == []
    assert loaded_after("import stn_cv.families, stn_cv.nn", ("numba",)) == []


def test_the_fitted_thing_is_used_without_scikit_learn():
    code = "import stn_cv; stn_cv.Rectifier, stn_cv.load, stn_cv.save, stn_cv.warp_affine"
    assert loaded_after(code, ("sklearn", "scipy", "cv2")) == []


SECTION = re.compile(r"^ *([A-Z][A-Za-z ]+)\n *-{3,} *$", re.MULTILINE)
GEOMETRIC = {
    "theta",
    "corners",
    "grid",
    "dgrid",
    "matrix_source_to_output",
    "matrix_output_to_source",
}


def parameters(thing):
    return [
        name
        for name in inspect.signature(thing).parameters
        if name not in ("self", "cls", "args", "kwargs")
    ]


def documentation_faults(label, thing, examples):
    doc = inspect.getdoc(thing) or ""
    if not doc:
        yield f"{label}: no docstring"
        return
    sections = SECTION.findall(doc)
    names = parameters(thing)
    if names and "Parameters" not in sections:
        yield f"{label}: no section Parameters"
    elif names:
        for name in names:
            if not re.search(rf"^\s*(?:\*?\w+, )*{name}(?:, \w+)*(?: :.*)?$", doc, re.MULTILINE):
                yield f"{label}: parameter {name} is not described"
    if not inspect.isclass(thing) and not {"Returns", "Yields"} & set(sections):
        if inspect.signature(thing).return_annotation not in (None, "None"):
            yield f"{label}: no section Returns"
    if examples and not ("Examples" in sections and ">>>" in doc):
        yield f"{label}: no section Examples with a line to run"
    if GEOMETRIC & set(names) and "Convention" not in doc:
        yield f"{label}: no line Convention (shape, direction, units, corner rule, source)"


def own_methods(thing):
    """Public methods written here, not those that come from scikit-learn."""
    for name, method in inspect.getmembers(thing, inspect.isfunction):
        if not name.startswith("_") and method.__module__.startswith("stn_cv"):
            yield name, method


@pytest.mark.parametrize("dotted", [name for name in DOCUMENTED if name[7:] not in ERRORS])
def test_a_public_name_is_documented(dotted):
    thing = resolve(dotted)
    found = list(documentation_faults(dotted, thing, examples=True))
    if inspect.isclass(thing) and not dotted.startswith("stn_cv.nn."):
        for name, method in own_methods(thing):
            found += documentation_faults(f"{dotted}.{name}", method, examples=False)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_what_it_means(name):
    error = getattr(stn_cv, name)
    assert "__doc__" in vars(error) and error.__doc__.strip()
    assert issubclass(error, Warning if name.endswith("Warning") else stn_cv.StnError)


def modules():
    found = pkgutil.walk_packages(stn_cv.__path__, "stn_cv.")
    return ["stn_cv", *sorted(module.name for module in found)]


@pytest.mark.parametrize("module", modules())
def test_examples_in_docstrings_run(module, tmp_path, monkeypatch):
    if module == "stn_cv.onnx.export":
        pytest.importorskip("onnx", reason="exports need the extra onnx")
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(module), optionflags=flags).failed == 0
