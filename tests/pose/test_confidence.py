"""Of the poses that are given 0.9, nine in ten are right: on canvases of examples never seen."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from support.pose_cases import arrows

from stn_cv import PoseTransformer, corner_error
from stn_cv.estimators.pose_examples import read_pose_data
from stn_cv.estimators.pose_training import PoseFit

SCANS = load_digits(n_class=5).images / 16
DIGITS = SCANS[np.random.default_rng(0).permutation(len(SCANS))]  # the same writers in each part
COLOURED = (255 * arrows(700, channels=3).clip(0, 1)).astype(np.uint8)
SMALL = {"filters": 8, "n_steps": 2, "n_canvases": 12_000, "random_state": 0}
N = 3000  # canvases


@pytest.mark.parametrize(
    ("images", "n", "parameters"),
    [
        (arrows(700), 100, {"angle": 60, "validation_fraction": 0.2}),
        (COLOURED, 60, {"angle": 40, "validation_fraction": 0.4}),
        (arrows(900), 200, {"angle": 180, "validation_fraction": 0.3}),
        (DIGITS, 500, {"angle": 45, "scale": (0.9, 1.1), "validation_fraction": 0.4}),
    ],
    ids=["grey", "coloured", "by bins", "digits"],
)
def test_nine_in_ten(images, n, parameters):
    poser = PoseTransformer(**{**SMALL, **parameters}).fit(images[:n])
    others = PoseFit(poser, read_pose_data(poser, images[n:], None)).unseen
    canvases, theta = others.draw(np.random.default_rng(0), N)
    if images.dtype == np.uint8:
        canvases = np.rint(255 * canvases.clip(0, 1)).astype(np.uint8)
    found, told = poser.rectifier_.find_pose(canvases)
    right = corner_error(found, theta, images.shape[1:3]) < 0.1
    assert abs(told.mean() - right.mean()) < 0.05
    near = np.argsort(np.abs(told - 0.9), kind="stable")[: N // 5]
    assert abs(told[near].mean() - right[near].mean()) < 0.05
    assert right[told > np.median(told)].mean() > right[told <= np.median(told)].mean() + 0.05
