"""How near the machine's limits: copies, GEMM, growth, compile time and start-up."""

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from harness import race
from sampling import Case

from stn_cv import warp_affine, warp_affine_backward
from stn_cv.nn import Conv2D
from stn_cv.nn.network import Network

CONVOLUTIONS = [  # channels, filters, kernel size, side of the input; batch 64
    (1, 20, 5, 30),
    (20, 20, 5, 13),
    (1, 8, 7, 28),
    (8, 10, 5, 11),
    (1, 32, 3, 20),
    (32, 32, 3, 9),
]

FIRST_USE = """
import time, warnings
import numpy as np
warnings.simplefilter("ignore")
start = time.perf_counter()
import stn_cv
from stn_cv import SpatialTransformer, SpatialTransformerClassifier
imported = time.perf_counter()
rng = np.random.default_rng(0)
X, y = rng.random((64, 32, 32), np.float32), np.arange(64) % 10
def demo():
    for head in ("linear", "cnn"):
        SpatialTransformerClassifier(
            family="similarity", head=head, output_shape=(16, 16), max_iter=1,
            learning_rate_init=1e-3, alpha=1e-4, batch_size=128, n_steps=1,
            learning_rate="constant", early_stopping=False, random_state=0
        ).fit(X, y).predict(X)
def everything():
    demo()
    theta = np.tile(np.eye(2, 3, dtype=np.float32) * 0.9, (64, 1, 1))
    grid = stn_cv.affine_grid(theta, (16, 16))
    for images in (X[..., None], rng.random((64, 16, 16, 3), np.float32)):
        for mode in ("bilinear", "nearest"):
            out = stn_cv.warp_affine(images, theta, (16, 16), mode=mode)
            stn_cv.warp_affine_backward(out, images, theta, mode=mode)
            stn_cv.grid_sample(images, grid, mode=mode)
            stn_cv.grid_sample_backward(out, images, grid, mode=mode)
    stn_cv.warp_affine((images * 255).astype(np.uint8), theta)
calls = {"demo": demo, "everything": everything, "warp": lambda: stn_cv.warp_affine(
    X[:1], np.eye(2, 3)[None])}
def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
call = calls[WHAT]
first = timed(call)
print(imported - start, first, timed(call))
"""


def first_use(what, cache):
    """(seconds to import, of the first call, of the second) in a process of its own."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = f"WHAT = {what!r}\n{FIRST_USE}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def compilation():
    """Print what a first run costs, and a later one."""
    print("\ncompilation, in seconds, one thread")
    for what in ("demo", "everything"):
        with tempfile.TemporaryDirectory() as cache:
            _, first, second = first_use(what, cache)
            print(f"  {what:12s} {first - second:5.1f} to compile", end="")
            _, cached, again = first_use(what, cache)
            print(f", {cached - again:5.2f} to load from the cache")
            if what == "demo":
                first_use("warp", cache)
                start = time.perf_counter()
                imported, call, _ = first_use("warp", cache)
                whole = time.perf_counter() - start
                print(
                    f"  start-up: import {imported:.2f}, first warp from the cache {call:.2f}, "
                    f"whole process {whole:.2f}"
                )


def copies():
    """Print ns a pixel of warps beside a plain copy of the same bytes."""
    print("\nns a pixel, one thread")
    cases = [((256, 28, 28, 1), "float32"), ((64, 224, 224, 1), "float32"),
             ((1, 1080, 1920, 1), "float32"), ((16, 224, 224, 3), "float32"),
             ((16, 224, 224, 3), "uint8")]  # fmt: skip
    for shape, dtype in cases:
        case = Case(shape, dtype)
        contenders = {
            "copy": case.images.copy,
            "warp": lambda case=case: warp_affine(case.images, case.theta),
        }
        if dtype == "float32":
            dout = np.ones_like(case.images)
            for name, want in (("by theta", False), ("by images and theta", True)):
                contenders[name] = lambda case=case, dout=dout, want=want: warp_affine_backward(
                    dout, case.images, case.theta, want_dimages=want
                )
        pixels = np.prod(shape[:3])
        timings = race(contenders)
        row = ", ".join(f"{k} {t.median / pixels * 1e9:.2f}" for k, t in timings.items())
        print(f"  {case.name:28s} {row}")


def convolutions():
    """Print GFLOP/s of each convolution, forward and backward, beside a large product."""
    rng = np.random.default_rng(0)
    a = rng.random((2048, 2048), np.float32)
    peak = 2 * 2048**3 / race({"gemm": lambda: a @ a}, 5)["gemm"].median / 1e9
    print(f"\nGFLOP/s at batch 64, one thread; a matrix product of 2048 reaches {peak:.0f}")
    for channels, filters, k, side in CONVOLUTIONS:
        network = Network([Conv2D(filters, k)], (channels, side, side), rng)
        X = rng.random((channels, side, side, 64), np.float32)
        Y, backward = network.forward(X, True)
        dY = rng.random(Y.shape, np.float32)
        work = 2 * Y.size * channels * k * k
        timings = race(
            {
                "forward": lambda n=network, X=X: n.forward(X),
                "by weights": lambda b=backward, dY=dY: b(dY, False),
                "by weights and input": lambda b=backward, dY=dY: b(dY, True),
            }
        )
        rates = [work * (1 + (name == "by weights and input")) / t.median / 1e9
                 for name, t in timings.items()]  # fmt: skip
        row = ", ".join(f"{name} {rate:.0f}" for name, rate in zip(timings, rates, strict=True))
        print(f"  {channels:2d} to {filters:2d}, {k}x{k}, input {side}x{side}: {row}")


def growth():
    """Print how time grows with images, with pixels and with threads."""
    print("\ngrowth: ms of warp_affine, one channel, float32")
    for n in (1, 16, 256, 4096):
        case = Case((n, 28, 28, 1), "float32")
        timing = race({"x": lambda c=case: warp_affine(c.images, c.theta)})["x"].median
        print(f"  {n:5d} images of 28x28: {timing * 1e3:8.3f}, {timing / n * 1e6:6.2f} us each")
    for side in (32, 128, 512, 2048):
        case = Case((1, side, side, 1), "float32")
        timings = race(
            {str(j): lambda c=case, j=j: warp_affine(c.images, c.theta, n_jobs=j) for j in (1, 2)}
        )
        one, two = (timing.median for timing in timings.values())
        print(
            f"  one image of {side}x{side}: {one * 1e3:8.3f}, {one / side**2 * 1e9:5.2f} ns a "
            f"pixel; two threads {one / two:.2f}x as fast"
        )


def run():
    """Print everything."""
    copies()
    convolutions()
    growth()
    compilation()
