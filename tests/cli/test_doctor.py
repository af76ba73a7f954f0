"""`stn-cv doctor`: what is installed and whether it works."""

import platform

import numpy as np
import pytest
from support.commands import COMMAND, stn_cv, stn_cv_process

from stn_cv import opencv


def test_doctor(tmp_path):
    done = stn_cv("doctor")
    assert done.returncode == 0, done.stdout
    for name in (
        "numpy",
        "opencv",
        "kernel cache",
        "threads",
        *(f.suffix[1:] for f in opencv.FORMATS if f.is_written),
    ):
        assert name in done.stdout
    (tmp_path / "cv2.py").write_text("__version__ = '4.10.0'")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{COMMAND}"
    sick = stn_cv_process("doctor", code=code)
    assert sick.returncode == 1 and "PROBLEM" in sick.stdout and "4.10.0" in sick.stdout
    assert "Traceback" not in sick.stderr


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="OpenBLAS knows these names on x86 only"
)
def test_doctor_knows_a_blas_that_does_not_use_the_processor(monkeypatch):
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    wide = bool({"X86_V4", "AVX512_SKX"}.intersection(found))
    for kind, hint in (("Haswell", wide), *([("SkylakeX", False)] * wide)):
        monkeypatch.setenv("OPENBLAS_CORETYPE", kind)
        said = stn_cv_process("doctor").stdout
        assert f"for {kind}" in said
        assert ("OPENBLAS_CORETYPE=SkylakeX" in said) == hint
