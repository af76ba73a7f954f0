"""Model files of each format, written by the version that had it, give what they gave there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import stn_cv
from stn_cv.model.file import FORMAT

GOLDEN = Path(__file__).parent / "golden"
FORMATS = [f"{FORMAT[0]}_{minor}" for minor in range(FORMAT[1] + 1)]


def images():
    n, y, x = np.ogrid[:3, :12, :16]
    return ((7 * n + 5 * y * x + 3 * x + y) % 17 / 16).astype(np.float32)


@pytest.mark.parametrize("version", FORMATS)
def test_a_file_gives_what_it_gave_when_it_was_written(version, tmp_path):
    path = GOLDEN / f"format_{version}.stn"
    assert re.search(rb'format\\":\[(\d+),(\d+)\]', path.read_bytes()).groups() == tuple(
        number.encode() for number in version.split("_")
    )
    model = stn_cv.load(path)
    wanted = json.loads((GOLDEN / f"format_{version}.json").read_text("utf-8"))
    assert {"theta", "rectify"} < wanted.keys()
    stn_cv.save(model, tmp_path / "again.stn")
    for rectifier in (model, stn_cv.load(tmp_path / "again.stn")):
        for name, values in wanted.items():
            given = getattr(rectifier, name)(images())
            given = given[1] if name == "find_pose" else given
            np.testing.assert_allclose(given, values, rtol=1e-5, atol=1e-5)
