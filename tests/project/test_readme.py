"""The README's Python, from top to bottom, on less data."""

import re
from pathlib import Path

import numpy as np
from support.folder_cases import fixed_model
from support.paths import ROOT

from stn_cv import save
from stn_cv.datasets import load_distorted_digits
from stn_cv.opencv import write_image

README = ROOT / "README.md"


def test_its_blocks_run_one_after_another(tmp_path, monkeypatch):
    few = tuple(part[:200] for part in load_distorted_digits())
    monkeypatch.setattr("stn_cv.datasets.load_distorted_digits", lambda: few)
    monkeypatch.chdir(tmp_path)
    save(fixed_model(), "model.stn")
    Path("photos/new").mkdir(parents=True)
    write_image(Path("photos/new/1.png"), np.zeros((40, 60, 3), np.uint8))
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    for block in blocks:
        exec(block, names)  # noqa: S102
    assert len(blocks) > 7 and Path("upright/1.png").exists()
    assert names["upright"].shape == (5, 16, 16) and names["rectifier"].classes is not None
