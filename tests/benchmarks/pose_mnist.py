"""Handwritten digits: 1,000 upright ones of MNIST's training part known, others of its test part.

They lie as people write them, so slants differ by some degrees and are nobody's fault. `--mnist`
names an .npz or a folder of IDX files.
"""

import numpy as np
from pose_peers import PEERS
from pose_score import Reach, Table, drawn, pose_errors, square

from stn_cv import PoseTransformer, warp_affine
from stn_cv.datasets import load_mnist

N_EXAMPLES, N_JUDGED = 1000, 500
MARGIN = 2  # pixels of paper on each side: 28 become 32
REACH = Reach(45, (0.7, 1.3), 0.1)


def run(options):
    """One table; a sheet of the first seed's digits."""
    X, X_test, *_ = load_mnist(options.mnist)
    table = Table("handwritten digits turned by up to 45 degrees, 1,000 upright known")
    for seed in options.seeds:
        rng = np.random.default_rng(seed)
        examples, judged = _chosen(X, N_EXAMPLES, rng), _chosen(X_test, N_JUDGED, rng)
        truth = drawn(REACH, rng, N_JUDGED)
        images = warp_affine(judged, np.linalg.inv(square(truth))[:, :2], judged.shape[1:])
        print(f"seed {seed}")

        def judge(theta, truth=truth):
            return pose_errors(theta, truth)

        for name, fit in PEERS.items():
            table.measure(name, lambda fit=fit, e=examples: fit(e, REACH), images, judge)
        reach = {"angle": REACH.angle, "scale": REACH.scale, "shift": REACH.shift}
        poser = PoseTransformer(**reach, random_state=seed, n_jobs=options.jobs)
        find = table.measure(
            "PoseTransformer",
            lambda poser=poser, e=examples: poser.fit(e).predict_theta,
            images,
            judge,
        )
        options.sheet(f"mnist_{seed}", images, find(images))
    table.print()


def _chosen(images, count, rng):
    """Some of the images, with a margin."""
    some = images[rng.permutation(len(images))[:count]]
    return np.pad(some, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)])
