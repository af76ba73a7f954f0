"""HOG against `skimage.feature.hog`, one thread: microseconds of CPU time an image, medians.

    python tests/benchmarks/hog.py

Both take turns in one process on the same images; what they give is compared first.
"""

import time

import numpy as np
from skimage.feature import hog

from stn_cv import HOG
from stn_cv.joint import forward

BATCH = 64
ROUNDS = 15
SMALL = {"pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}
LARGE = {"pixels_per_cell": (16, 16)}
CASES = [
    ((16, 16), SMALL), ((28, 28), SMALL), ((32, 32), {}), ((64, 64), {}), ((64, 64, 3), {}),
    ((128, 128), {}), ((128, 128), LARGE), ((128, 128, 3), {}),
]  # fmt: skip


def seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def contenders(images, parameters):
    """Each of ours on the batch, the peer on a quarter of it; the images of each."""
    estimator = HOG(**parameters).fit(images)
    channel_axis = -1 if images.ndim == 4 else None
    few = images[: BATCH // 4]

    def peer():
        return np.array([hog(image, channel_axis=channel_axis, **parameters) for image in few])

    Y, backward = forward(estimator, images)
    np.testing.assert_allclose(estimator.transform(few), peer(), rtol=0, atol=3e-6)
    return {
        "skimage": (peer, len(few)),
        "transform": (lambda: estimator.transform(images), BATCH),
        "forward": (lambda: forward(estimator, images), BATCH),
        "backward": (lambda: backward(Y), BATCH),
    }


def medians(functions):
    times = {name: [] for name in functions}
    for function, _ in functions.values():
        function()
    for _ in range(ROUNDS):
        for name, (function, n) in functions.items():
            times[name].append(seconds(function) / n)
    return {name: 1e6 * float(np.median(values)) for name, values in times.items()}


def main():
    """Print a line a case."""
    print("shape          parameters  skimage  transform  times as fast  forward  backward")
    for shape, parameters in CASES:
        images = np.random.default_rng(0).random((BATCH, *shape), np.float32)
        us = medians(contenders(images, parameters))
        cells, blocks = parameters.get("pixels_per_cell", (8, 8)), HOG(**parameters).cells_per_block
        print(
            f"{'x'.join(map(str, shape)):14} {cells[0]:2}px, {blocks[0]}x{blocks[1]}"
            f" {us['skimage']:9.1f} {us['transform']:10.1f} {us['skimage'] / us['transform']:14.1f}"
            f" {us['forward']:8.1f} {us['backward']:9.1f}"
        )


if __name__ == "__main__":
    main()
