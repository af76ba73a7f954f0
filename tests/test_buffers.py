"""Memory that is used again: never while anybody holds any of it."""

import subprocess
import sys

import numpy as np
import pytest
from support.commands import environment

import stn_cv
from stn_cv import buffers
from stn_cv.buffers import MOST, SMALLEST, empty

SHAPE = (SMALLEST // 4, 3)


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("hold", [lambda a: a, lambda a: a[1:], lambda a: a.T.reshape(-1)[::2]])
def test_what_is_held_is_not_handed_out(hold):
    array = empty(SHAPE, np.float32)
    array[:] = 1
    held = hold(array)
    del array
    others = [empty(SHAPE, np.float32) for _ in range(3)]
    for other in others:
        other[:] = 2
    assert (held == 1).all()
    assert len({address(other) for other in others}) == 3


def test_what_nobody_holds_is_used_again():
    array = empty(SHAPE, np.float64)
    before = address(array)
    del array
    assert address(empty(SHAPE, np.float64)) == before


THETA = np.array([[[0.9, 0.2, 0.1], [-0.2, 0.9, 0.0]]] * 2, np.float32)


def images_of(seed):
    return np.random.default_rng(seed).random((2, 90, 100), np.float32)


def results(seed):
    """What the functions that use memory again give for the images of a seed."""
    images, grid = images_of(seed), stn_cv.affine_grid(THETA, (90, 100))
    return {
        "warp_affine": stn_cv.warp_affine(images, THETA),
        "grid_sample": stn_cv.grid_sample(images, grid),
        "affine_grid": grid * np.float32(1),
        "warp_affine_backward": stn_cv.warp_affine_backward(images, images, THETA)[0],
        "grid_sample_backward": stn_cv.grid_sample_backward(images, images, grid)[0],
        "dgrid": stn_cv.grid_sample_backward(images, images, grid)[1],
    }


def test_results_that_are_held_do_not_change():
    held = results(0)
    before = {name: array.copy() for name, array in held.items()}
    results(1)
    for name, array in held.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_what_memory_held_before_does_not_show():
    first = {name: array.copy() for name, array in results(0).items()}
    results(1)  # into the same memory
    for name, array in results(0).items():
        np.testing.assert_array_equal(array, first[name], err_msg=name)


def test_results_that_are_held_do_not_make_others_slow():
    """Of one size, at most `MOST` are looked at."""
    held = [empty(SHAPE, np.int16) for _ in range(3 * MOST)]
    assert len({address(array) for array in held}) == len(held)
    size = held[0].nbytes
    assert len(buffers._kept.buffers[size]) == MOST


FAULTS = """
import resource
import subprocess
import sys

import numpy as np
from stn_cv.buffers import freed_memory_kept

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(10**6, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with freed_memory_kept():
    np.ones(10**6, np.uint8)
    print(faults())
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_freed_memory_serves_again_where_the_environment_would_give_it_back():
    said = subprocess.run(
        [sys.executable, "-c", FAULTS],
        env=environment(MALLOC_TRIM_THRESHOLD_="65536"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    kept, given_back = map(int, said.split())
    assert kept < 500 < given_back
