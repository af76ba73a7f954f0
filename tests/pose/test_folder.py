"""A folder of photos through a pose model, by the library alone."""

import json
import subprocess
import sys

import numpy as np
import pytest
from support.pose_cases import arrows, quick

import stn_cv

SCRIPT = """
import sys, stn_cv
summary = stn_cv.rectify_folder(stn_cv.load(sys.argv[1]), *sys.argv[2:4], manifest=sys.argv[4])
assert "sklearn" not in sys.modules, "scikit-learn is loaded"
"""


def test_a_folder_is_brought_upright_without_scikit_learn(tmp_path):
    cv2 = pytest.importorskip("cv2")
    images = (arrows(8, side=32, channels=3) * 255).astype(np.uint8)
    poser = quick(angle=30).fit(images)
    stn_cv.save(poser, tmp_path / "model.stn")
    (tmp_path / "in").mkdir()
    large = images.repeat(5, axis=1).repeat(5, axis=2)
    for number, photo in enumerate(large):
        assert cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), photo[..., ::-1])
    paths = [tmp_path / name for name in ("model.stn", "in", "out", "manifest.jsonl")]
    subprocess.run([sys.executable, "-c", SCRIPT, *map(str, paths)], check=True)
    rows = [json.loads(line) for line in paths[3].read_text("utf-8").splitlines()]
    rows = sorted((row for row in rows if "theta" in row), key=lambda row: row["input"])
    assert len(rows) == 8
    theta = poser.predict_theta(images)
    for row, wanted, photo in zip(rows, theta, large, strict=True):
        np.testing.assert_allclose(row["theta"], wanted, atol=1e-3)
        out = cv2.imread(row["output"])[..., ::-1]
        assert out.shape[0] == out.shape[1]
        whole = stn_cv.warp_affine(photo, np.array(row["theta"]), out.shape[:2], antialias=False)
        assert np.abs(out.astype(int) - whole).mean() < 2
