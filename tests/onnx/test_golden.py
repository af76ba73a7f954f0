"""Files of every format there was are read for ever, and say what they said.

A golden model is a `.stn` file, its exported `.onnx` and, in an `.npz`, pictures with what the
model gave. They were written by `python tests/onnx/test_golden.py`, in a folder a format.
"""

from pathlib import Path

import numpy as np
import pytest
from support.export_cases import answers_of, made_up, made_up_pose, pictures

import stn_cv
from stn_cv.opencv.dnn import run_onnx

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.with_suffix("") for path in GOLDEN.glob("*/*.npz"))


def test_there_are_golden_files():
    assert len(CASES) >= 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_golden_file_gives_what_it_gave(case):
    golden = dict(np.load(case.with_suffix(".npz")))
    images = golden.pop("images")
    rectifier = stn_cv.load(case.with_suffix(".stn"))
    said = answers_of(rectifier, images)
    data = case.with_suffix(".onnx").read_bytes()
    exported = run_onnx(data, images.astype(np.float32), list(golden))
    for (name, wanted), came in zip(golden.items(), exported, strict=True):
        unit = rectifier.image_spec.maximum if name == "rectified" else 1
        assert np.abs(came - wanted).max() <= 1e-4 * unit
        assert np.abs(said[name] - wanted).max() <= 1e-4 * unit


def write(folder):
    """Write the golden files of today's format."""
    folder.mkdir(parents=True)
    for name, rectifier in {
        "similarity_two_looks": made_up(range="uint8", n_steps=2, gain=0.3, fill_value=0.5),
        "projective": made_up("projective", gain=0.1, padding_mode="border"),
        "tps": made_up("tps", output_shape=(8, 10)),
        "pose": made_up_pose(bins=24, candidates=2, symmetry=2, look_shape=(12, 9)),
    }.items():
        images = pictures(3, range=rectifier.image_spec.range)
        answers = answers_of(rectifier, images)
        np.savez_compressed(folder / f"{name}.npz", images=images, **answers)
        stn_cv.save(rectifier, folder / f"{name}.stn")
        stn_cv.export(rectifier, folder / f"{name}.onnx")


if __name__ == "__main__":
    write(GOLDEN / "model_1_2_export_1_0")
