"""`stn-cv export` in a process of its own."""

import pytest
from support.commands import stn_cv as command
from support.export_cases import made_up

import stn_cv

pytest.importorskip("onnx", reason="exports need the extra onnx")


def test_it_writes_the_file_and_says_how_near_it_is(tmp_path):
    stn_cv.save(made_up(), tmp_path / "model.stn")
    done = command("export", tmp_path / "model.stn", tmp_path / "model.onnx")
    assert done.returncode == 0 and done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("cv2.dnn: differs from the model by at most: theta ")
    assert last.startswith("Wrote ") and last.endswith(" bytes.")
    stn_cv.export(made_up(), tmp_path / "other.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_it_says_that_a_model_has_no_head(tmp_path):
    stn_cv.save(made_up(classes=None), tmp_path / "model.stn")
    done = command("export", tmp_path / "model.stn", tmp_path / "model.onnx")
    assert done.returncode == 0 and "It gives no probabilities: " in done.stdout


@pytest.mark.parametrize(
    ("out", "options", "code", "message"),
    [
        ("model.stn", {}, 2, "is read, and would be written over"),
        (".", {}, 2, "is a folder"),
        ("missing/model.onnx", {}, 1, "no such folder"),
        ("model.onnx", {"antialias": True}, 2, "antialias=True"),
    ],
)
def test_what_cannot_be_written_is_said(out, options, code, message, tmp_path):
    stn_cv.save(made_up(**options), tmp_path / "model.stn")
    before = (tmp_path / "model.stn").read_bytes()
    done = command("export", tmp_path / "model.stn", tmp_path / out)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.stn"]
    assert (tmp_path / "model.stn").read_bytes() == before
