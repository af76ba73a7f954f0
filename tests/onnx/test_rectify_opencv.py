"""The recipe that needs NumPy and OpenCV alone does what `stn-cv rectify` does."""

import ast
import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from support.export_cases import made_up
from support.paths import ROOT
from support.picture_files import picture, turned

import stn_cv
from stn_cv.families import FAMILIES
from stn_cv.model.photos import find, warped
from stn_cv.nn import Flatten, Standardize

pytest.importorskip("onnx", reason="exports need the extra onnx")

RECIPE = ROOT / "pipelines" / "deploy" / "rectify_opencv.py"
LINES = 120
PHOTOS = [(300, 420, 3), (517, 203, 3), (200, 200, 1)]


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("rectify_opencv", RECIPE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model_of(family="similarity", shape=(24, 20, 3), range="uint8", **transform):
    localization = [Standardize([0.5] * shape[2], [0.3] * shape[2]), Flatten()]
    options = {"output_shape": (20, 16), "gain": 0.15, **transform}
    return made_up(family, shape=shape, range=range, localization=localization, **options)


def photo_of(shape, seed=0):
    """A smooth photo: at hard edges OpenCV's coordinates alone make more than a level."""
    return cv2.GaussianBlur(picture(*shape, seed=seed), (0, 0), 2)


def exported(recipe, rectifier, folder):
    stn_cv.export(rectifier, folder / "model.onnx")
    return recipe.Model(folder / "model.onnx")


def differences(model, rectifier, photo):
    """Of theta, and of pixels, between the recipe and the command."""
    blue_first = np.ascontiguousarray(photo[..., ::-1] if photo.ndim == 3 else photo)
    wanted = find(rectifier, photo)
    found, _ = model.find(blue_first)
    output, _ = warped(rectifier, photo, wanted.theta, "native", 10**8)
    came = model.rectify(blue_first)
    came = came[..., ::-1] if photo.ndim == 3 else came
    assert came.shape == output.shape and came.dtype == output.dtype
    assert abs(found["confidence"] - wanted.confidence) < 1e-3
    return np.abs(found["theta"] - wanted.theta).max(), np.abs(
        came.astype(float) - output.astype(float)
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "rules",
    [
        {"fill_value": 0.5},
        {"padding_mode": "border"},
        {"padding_mode": "reflection", "shape": (16, 12, 1)},
    ],
)
def test_photos_come_out_as_from_the_command(recipe, family, rules, tmp_path):
    rectifier = model_of(family, **rules)
    model = exported(recipe, rectifier, tmp_path)
    for shape in PHOTOS:
        theta, pixels = differences(model, rectifier, photo_of(shape, shape[0]))
        # A pixel of the small copy may be rounded otherwise, and theta with it.
        assert theta < 2e-4
        assert (pixels > 1).mean() < 1e-3 and pixels.max() <= 4


@pytest.mark.parametrize("range", ["uint8", "uint16", "float"])
def test_depths_of_photo_and_model_may_differ(recipe, range, tmp_path):
    photo = photo_of((300, 420, 3)).astype(np.uint16) * 257
    rectifier = model_of(range=range)
    theta, pixels = differences(exported(recipe, rectifier, tmp_path), rectifier, photo)
    assert theta < 2e-4 and (pixels > 257).mean() < 1e-3


def test_a_large_photo_is_averaged_before_it_is_shrunk(recipe, tmp_path, monkeypatch):
    rectifier = model_of("affine", output_shape=(8, 6), gain=0.01)
    photo = photo_of((900, 700, 3))
    model = exported(recipe, rectifier, tmp_path)
    monkeypatch.setattr(recipe, "LARGEST", 30_000)
    came = model.rectify(np.ascontiguousarray(photo[..., ::-1]))[..., ::-1]
    theta = find(rectifier, photo).theta
    output, _ = warped(rectifier, photo, theta, "native", 30_000)
    assert came.shape == output.shape and output.size < 100_000
    assert np.abs(came.astype(int) - output).max() <= 2


def test_threads_may_share_a_model(recipe, tmp_path):
    model = exported(recipe, model_of(), tmp_path)
    photos = [picture(60 + i, 80, seed=i) for i in range(20)] * 5
    alone = [model.find(photo)[0]["theta"] for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda photo: model.find(photo)[0]["theta"], photos))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


def test_a_changed_bit_is_refused(recipe, tmp_path):
    path = tmp_path / "model.onnx"
    stn_cv.export(model_of(), path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    places = [*rng.integers(0, len(data), 200), *range(len(data) - 76, len(data))]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        with pytest.raises(SystemExit, match="or was changed"):
            recipe.Model(path)
    for cut in (0, 10, 76, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(SystemExit, match="no file of stn-cv export"):
            recipe.Model(path)


def test_a_file_of_a_newer_version_is_refused(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("stn_cv.onnx.metadata.FORMAT", (2, 0))
    stn_cv.export(model_of(), tmp_path / "model.onnx")
    with pytest.raises(SystemExit, match="take the script of that one"):
        recipe.Model(tmp_path / "model.onnx")


def run(*arguments):
    """The recipe in a process that sees NumPy and OpenCV, and nothing of ours."""
    blocked = dict.fromkeys(["stn_cv", "numba", "sklearn", "onnx"])
    code = f"""if True:
        import runpy, sys
        sys.modules.update({blocked})
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
    """
    command = [sys.executable, "-I", "-c", code, str(RECIPE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_its_command_writes_upright_photos_and_names_what_failed(tmp_path):
    stn_cv.export(model_of(), tmp_path / "model.onnx")
    (tmp_path / "turned.jpg").write_bytes(turned(".jpg", 6))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    photos = [tmp_path / "turned.jpg", tmp_path / "bad.png", tmp_path / "missing.png"]
    done = run(tmp_path / "model.onnx", *photos, "--out", tmp_path / "out")
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert [str(path) in line for path, line in zip(photos[1:], lines, strict=True)] == [True] * 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["turned.jpg"]
    assert cv2.imread(str(tmp_path / "out" / "turned.jpg")).shape[2] == 3
    done = run(tmp_path / "model.onnx", photos[0], "--out", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run(photos[0], photos[0], "--out", tmp_path / "none")
    assert done.returncode == 1 and "is no file of stn-cv export" in done.stderr
    done = run(photos[2], photos[0], "--out", tmp_path / "none")
    assert done.returncode == 2 and f"error: {photos[2]} is no file" in done.stderr
    assert not (tmp_path / "none").exists()
    done = run(tmp_path / "model.onnx", photos[0], "--out", photos[0])
    assert done.returncode == 1 and done.stderr.startswith(f"{photos[0]}: [Errno 17] File exists")


def test_it_is_as_short_as_promised():
    source = RECIPE.read_text("utf-8")
    tree = ast.parse(source)
    named = (ast.Module, ast.FunctionDef, ast.ClassDef)
    docs = [node.body[0] for node in ast.walk(tree) if isinstance(node, named)]
    docs = [doc for doc in docs if isinstance(doc, ast.Expr)]
    described = {line for doc in docs for line in range(doc.lineno, doc.end_lineno + 1)}
    code = [
        line
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and number not in described
    ]
    assert len(code) < LINES
    modules = {name.split(".")[0] for name in _imports(tree)}
    assert modules - set(sys.stdlib_module_names) == {"numpy", "cv2"}


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
