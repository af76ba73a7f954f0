"""Threads change no bit of what is sampled, nor of its gradients."""

import numpy as np
import pytest
from support.reference import PADDING_MODES

import stn_cv.sampling.affine_warp
import stn_cv.sampling.grid
import stn_cv.sampling.warp
from stn_cv import (
    affine_grid,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)

TURNED = [[0.8031, 0.5017, 0.1013], [-0.4969, 0.7981, 0.2003]]
# All rows look at one line of the source.
ONE_LINE = [[0.9031, 0.0, 0.0007], [0.0, 0.0, 0.1013]]
ALMOST_ONE_LINE = [[0.9031, 0.0, 0.0007], [0.3017, 0.01, 0.1013]]
SHRUNK = [[2.1031, 0.9017, 0.0013], [-0.8969, 1.9981, 0.0003]]
OUTSIDE = [[0.9031, 0.0, 0.0007], [0.0, 0.5017, 3.0]]


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(5, 40, 30, 3), (1, 300, 30, 3), (40, 6, 5, 1)])
def test_threads_change_no_bit(shape, monkeypatch):
    monkeypatch.setattr("stn_cv.sampling.arguments.POINTS_OF_A_PIECE", 64)
    monkeypatch.setattr("stn_cv.sampling.arguments.POINTS_OF_THREADS", 64)
    shares = []
    for module in (stn_cv.sampling.grid, stn_cv.sampling.warp):
        run = module.run_slices
        monkeypatch.setattr(
            module,
            "run_slices",
            lambda f, s, n, run=run: shares.append((len(s), n)) or run(f, s, n),
        )
    rng = np.random.default_rng(3)
    images = rng.random(shape, np.float32)
    theta = (np.eye(2, 3) + rng.normal(0, 0.2, (shape[0], 2, 3))).astype(np.float32)
    grid, dout = affine_grid(theta, shape[1:3]), rng.random(shape, np.float32)

    def everything(n_jobs):
        return [
            warp_affine(images, theta, n_jobs=n_jobs),
            grid_sample(images, grid, n_jobs=n_jobs),
            *warp_affine_backward(dout, images, theta, n_jobs=n_jobs),
            *grid_sample_backward(dout, images, grid, n_jobs=n_jobs),
        ]

    wanted = everything(1)
    for n_jobs in (2, 4, -1, None):
        for got, serial in zip(everything(n_jobs), wanted, strict=True):
            np.testing.assert_array_equal(got, serial)
    assert any(pieces > 1 and jobs == 4 for pieces, jobs in shares)


@pytest.mark.compiled
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
@pytest.mark.parametrize("theta", [TURNED, ONE_LINE, ALMOST_ONE_LINE, OUTSIDE, SHRUNK])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("antialias", [False, True])
def test_threads_share_the_gradients_of_one_image(
    theta, padding_mode, channels, antialias, monkeypatch
):
    rng = np.random.default_rng(5)
    image = rng.random((300, 280, channels), np.float32)  # too large for a frame
    dout = rng.random((500, 400, channels), np.float32)
    rules = {"padding_mode": padding_mode, "antialias": antialias}
    dimage, dtheta = warp_affine_backward(dout, image, theta, **rules)  # in one piece
    monkeypatch.setattr("stn_cv.sampling.arguments.POINTS_OF_A_PIECE", 2**14)
    turns = []
    run = stn_cv.sampling.affine_warp.run_slices
    monkeypatch.setattr(
        "stn_cv.sampling.affine_warp.run_slices",
        lambda function, slices, n: turns.append((list(slices), n)) or run(function, slices, n),
    )
    serial = warp_affine_backward(dout, image, theta, **rules)
    scale = np.abs(dimage).max()
    np.testing.assert_allclose(serial[0], dimage, rtol=1e-4, atol=1e-4 * scale)
    np.testing.assert_allclose(serial[1], dtheta, rtol=1e-4, atol=1e-4 * np.abs(dtheta).max())
    pieces = sum(len(numbers) for numbers, _ in turns)
    apart = padding_mode == "zeros" and theta in (TURNED, OUTSIDE, SHRUNK)
    assert pieces >= 7 and len(turns) == (2 if apart else pieces)
    turns.clear()
    for _ in range(3):
        shared = warp_affine_backward(dout, image, theta, **rules, n_jobs=4)
        np.testing.assert_array_equal(shared[0], serial[0])
        np.testing.assert_array_equal(shared[1], serial[1])
    alone = warp_affine_backward(dout, image, theta, **rules, want_dimages=False, n_jobs=4)
    assert alone[0] is None
    assert turns[-1] == (list(range(pieces)), 4)
    assert not apart or turns[0] == (list(range(0, pieces, 2)), 4)
    np.testing.assert_array_equal(alone[1], serial[1])
