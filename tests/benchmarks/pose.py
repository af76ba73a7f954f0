"""Poses found beside peers, on the same pictures: how far they are off, and how long it takes.

    python tests/benchmarks/pose.py [--only cards pages textured mnist digits clutter]
        [--seeds 0 1 2] [--jobs 1] [--cards FOLDER] [--mnist PATH] [--sheets FOLDER]

Every contender is told the same examples and the same range of poses. Figures are means over
the seeds. `cards` wants the folder of playing cards, `mnist` an .npz or a folder of IDX files;
`pages` names `deskew` and `jdeskew` where they are not installed. `--sheets` writes pictures before
and after, to be looked at.
"""

import argparse
import importlib
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from stn_cv import JointAlignment, PoseTransformer, warp_affine
from stn_cv.opencv import write_image

JOBS = {
    "cards": "pose_cards",
    "pages": "pose_pages",
    "textured": "pose_textured",
    "mnist": "pose_mnist",
    "digits": "pose_digits",
    "clutter": "pose_clutter",
}
SHOWN, A_ROW = 144, 18  # pictures of a sheet


class Options(argparse.Namespace):
    """What the command line says; `sheet` draws if asked to."""

    def sheet(self, name, images, theta):
        """Write rows of pictures as they came, and below each as rectified, if wanted."""
        if self.sheets is None:
            return
        few, side = slice(None, SHOWN), images.shape[1]
        if images.dtype != np.uint8:
            images = (255 * images.clip(0, 1)).astype(np.uint8)
        after = warp_affine(images[few], theta[few], (side, side), padding_mode="border")
        strips = []
        for start in range(0, len(after), A_ROW):
            for pictures in (images[few], after):
                row = list(pictures[start : start + A_ROW])
                row += [np.zeros_like(row[0])] * (A_ROW - len(row))
                strips.append(np.concatenate(row, axis=1))
        self.sheets.mkdir(parents=True, exist_ok=True)
        write_image(self.sheets / f"{name}.png", np.concatenate(strips))


def warm_up(jobs):
    """Compile or load the kernels, which is not part of any figure."""
    for shape in ((8, 32, 32), (8, 32, 32, 3)):
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        few = {"n_canvases": 128, "n_jobs": jobs, "random_state": 0}
        PoseTransformer(**few).fit(images).predict_theta(images)
        PoseTransformer(angle=45, **few).fit(images).predict_theta(images)
    images = np.random.default_rng(0).random((60, 32, 32), np.float32)
    JointAlignment(max_iter=1, n_restarts=2, n_jobs=jobs).fit(images).transform(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--cards", type=Path, help="folder of playing cards; without it no cards")
    parser.add_argument("--mnist", type=Path, help="MNIST; without it no handwritten digits")
    parser.add_argument("--sheets", type=Path, help="folder for pictures before and after")
    options = parser.parse_args(namespace=Options())
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        warm_up(options.jobs)
        for name in options.only:
            if name in ("cards", "mnist") and getattr(options, name) is None:
                print(f"{name}: left out; say where the data are with --{name}")
                continue
            print(f"\n== {name}", flush=True)
            importlib.import_module(JOBS[name]).run(options)


if __name__ == "__main__":
    main()
