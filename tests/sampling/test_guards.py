"""Nothing beside an array is touched: by the code that ships, and by code that checks each index.

The code that ships is watched by pages of memory that may not be touched, before and after every
array. Checked indices tell a row's end as well, but leave out what is written for a processor; a
run with NUMBA_BOUNDSCHECK=1 has them, as in a step of .ci/run.
"""

import subprocess
import sys

import numpy as np
import pytest
from numba import config
from support.commands import environment
from support.edge_scenes import CALLS, call_at_edges
from support.paths import ROOT

from stn_cv import InvalidInputError, grid_sample, warp_affine
from stn_cv.kernels.jit import kernel

GUARDS = """
import ctypes, itertools, mmap, sys
import numpy as np
from stn_cv import grid_sample, grid_sample_backward, warp_affine, warp_affine_backward
from support.edge_scenes import call_at_edges

protect = ctypes.CDLL(None, use_errno=True).mprotect
protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PAGE, rng, calls = mmap.PAGESIZE, np.random.default_rng(0), 0

def guarded(array, at_end):
    "A copy whose last or first byte touches a forbidden page."
    size = -(-array.nbytes // PAGE) * PAGE
    pages = mmap.mmap(-1, size + 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for page in (start, start + PAGE + size):
        assert protect(page, PAGE, 0) == 0
    first = PAGE + (size - array.nbytes if at_end else 0)
    copy = np.frombuffer(pages, array.dtype, array.size, first).reshape(array.shape)
    copy[...] = array
    return copy

def call_on_tiles(at_end, dtype):
    "Images of several tiles: how many were sampled."
    calls = 0
    corner = np.array([[0.2, 0, 0.8], [0, 0.2, 0.8]])  # all of it in the image, up to its corner
    for channels, shape, seen in itertools.product(
        (1, 3, 4), ((300, 280), (37, 29), (2, 2)), ((8, 8), (70, 50))
    ):
        images = guarded(rng.integers(0, 255, (1, *shape, channels)).astype(dtype), at_end)
        thetas = [np.eye(2, 3) + rng.normal(0, s, (2, 3)) for s in (0, 1e-3, 0.05, 0.3, 1, 10)]
        precision = "float64" if dtype == "float64" else "float32"  # as points are located in
        grids = [rng.uniform(-far, far, (1, *seen, 2)).astype(precision) for far in (0.9, 1.2)]
        for padding in ("zeros", "border", "reflection"):
            for theta in [*thetas, corner, -corner]:
                theta = theta[None]
                out = warp_affine(images, theta, seen, padding_mode=padding, fill_value=3)
                calls += 1
                if dtype[0] == "f":
                    dout = guarded(out, at_end)
                    warp_affine_backward(dout, images, theta, padding_mode=padding, fill_value=3)
            for grid in grids:
                grid = guarded(grid, at_end)
                out = grid_sample(images, grid, padding_mode=padding, fill_value=3)
                calls += 1
                if dtype[0] == "f":
                    grid_sample_backward(
                        guarded(out, at_end), images, grid, padding_mode=padding, fill_value=3
                    )
    return calls

dtype, tiles = sys.argv[1:]
for at_end in (True, False):
    calls += call_at_edges(dtype, lambda array: guarded(array, at_end))
    calls += call_on_tiles(at_end, dtype) if tiles == "tiles" else 0
print(calls)
"""
ON_TILES = 3 * 3 * 2 * 3 * (8 + 2)


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mprotect to forbid pages")
@pytest.mark.skipif(bool(config.BOUNDSCHECK), reason="watches the code that ships")
@pytest.mark.parametrize(
    ("dtype", "tiles"),
    [("float32", "tiles"), ("uint8", "tiles"), ("float64", "tiles"), ("uint16", "none")],
)
def test_nothing_beside_an_array_is_touched(dtype, tiles):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GUARDS, dtype, tiles],
        cwd=ROOT / "tests",
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == 2 * (CALLS + (ON_TILES if tiles == "tiles" else 0))


@pytest.mark.compiled
@pytest.mark.skipif(not config.BOUNDSCHECK, reason="checks indices where NUMBA_BOUNDSCHECK=1")
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])
def test_no_index_is_outside(dtype):
    @kernel
    def outside(a):
        return a[a.size]

    with pytest.raises(IndexError):  # they are checked
        outside(np.zeros(3))
    assert call_at_edges(dtype) == CALLS


def test_more_pixels_than_can_be_numbered_are_refused():
    image = np.broadcast_to(np.uint8(0), (46341, 46341))  # takes no memory
    for call in (
        lambda: warp_affine(image, np.eye(2, 3), (2, 2)),
        lambda: grid_sample(image, np.zeros((1, 1, 2))),
    ):
        with pytest.raises(InvalidInputError, match=r"46341x46341 pixels are too large"):
            call()
