"""What a type checker makes of a user's script: names, options and results have their types."""

import subprocess
import sys

import pytest
from support.paths import ROOT

pytest.importorskip("mypy")

SCRIPT = """
import numpy as np

import stn_cv

model = stn_cv.SpatialTransformer(family="affine", max_iter=2)
rectifier: stn_cv.Rectifier = stn_cv.load("model.stn")
summary = stn_cv.rectify_folder(rectifier, "photos", "out", size=(30, 20), existing="overwrite")
done: int = summary.done
reasons: list[tuple[str, str]] = summary.failures
for result in stn_cv.iter_rectified("model.stn", ["a.jpg"], "out", n_jobs=2, format="png"):
    status: str = result.status
layer = stn_cv.nn.Dense(3)
warped = stn_cv.warp_affine(np.zeros((4, 4)), [[1, 0, 0], [0, 1, 0]])
"""
FAULTS = [
    ("stn_cv.rectify_foldr('m', 'a', 'b')", "rectify_foldr"),
    ("stn_cv.rectify_folder('m', 'a', 'b', existing='sometimes')", "Literal['skip', "),
    ("stn_cv.rectify_folder('m', 'a', 'b', size='huge')", "Literal['native', "),
    ("stn_cv.rectify_folder('m', 'a', 'b', threads=2)", '"threads"'),
    ("next(stn_cv.iter_rectified('m', 'a', 'b')).colour", '"colour"'),
    ("stn_cv.load('m').theta_of", '"theta_of"'),
]


# Libraries that the package uses inside, and no name that a user writes depends on.
INSIDE = "cv2 click distributed matplotlib numba llvmlite obstore onnx PIL rich sklearn".split()
CONFIGURATION = f"""
[mypy]
strict = True
ignore_missing_imports = True
[mypy-{",".join(f"{library}.*" for library in INSIDE)}]
follow_imports = skip
"""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What strict mypy says of both scripts, in a process of its own and away from the sources."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "mypy.ini").write_text(CONFIGURATION)
    (folder / "right.py").write_text(SCRIPT)
    (folder / "faulty.py").write_text(SCRIPT + "\n".join(fault for fault, _ in FAULTS))
    command = [sys.executable, "-m", "mypy", "--cache-dir", ROOT / ".mypy_cache"]
    command += ["--config-file", "mypy.ini", "right.py", "faulty.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env={"PATH": "", "MYPYPATH": str(ROOT)}
    )
    assert not done.stderr
    return done.stdout.splitlines()


def test_a_right_script_is_right(complaints):
    assert (ROOT / "stn_cv" / "py.typed").is_file()
    assert [line for line in complaints if "right.py" in line] == []


def test_each_fault_is_found(complaints):
    found = [line for line in complaints if "faulty.py" in line]
    first = SCRIPT.count("\n") + 1
    for number, (fault, word) in enumerate(FAULTS, first):
        there = [line for line in found if f"faulty.py:{number}: error" in line]
        assert len(there) == 1 and word in there[0], (fault, found)
