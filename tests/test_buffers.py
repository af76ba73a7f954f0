"""Memory that is used again: never while anybody holds any of it."""

import numpy as np
import pytest

from stn_cv.buffers import SMALLEST, empty

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
