"""Smallest CPU times of convolutions and of `grid_sample`, to weigh a kernel against another.

Run it in two checkouts in turn: ``PYTHONPATH=. python tests/benchmarks/kernels.py``. CPU time is
measured, so that others on the machine matter less.
"""

import time

import numpy as np

from stn_cv import affine_grid, grid_sample
from stn_cv.nn import conv

CONVOLUTIONS = [(20, 1, 5, 40, 64), (20, 20, 5, 18, 64), (32, 32, 3, 16, 64), (32, 32, 3, 16, 1)]
GRIDS = [(1, 1080, 1920), (1, 1080, 1920, 3), (256, 40, 40, 1)]
THETA = np.array([[[0.8, -0.3, 0.05], [0.3, 0.8, -0.02]]], np.float32)


def show(name, rounds, function, *given):
    function(*given)  # compiled
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function(*given)
        times.append(time.process_time() - start)
    print(f"{name}: {1e3 * min(times):.3f} ms")


def main():
    rng = np.random.default_rng(0)
    for filters, channels, k, side, n in CONVOLUTIONS:
        X = rng.normal(size=(channels, side, side, n)).astype(np.float32)
        W, b = rng.normal(size=(filters, channels, k, k)).astype(np.float32), np.zeros(filters, "f")
        dY = np.ascontiguousarray(conv.correlate(X, W, b, 0))
        name = f"{filters} of {k}x{k} on {channels}x{side}x{side}, {n} images"
        show(f"{name}, forward", 30, conv.correlate, X, W, b, 0)
        show(f"{name}, weights", 30, conv.weight_gradient, X, dY, k, 0)
    for shape in GRIDS:
        images, theta = rng.random(shape, np.float32), np.repeat(THETA, shape[0], axis=0)
        grid = affine_grid(theta, shape[1:3])
        show(f"grid_sample of {shape}", 15, grid_sample, images, grid)


if __name__ == "__main__":
    main()
