"""Antialiased warps: what they give, their gradients, and what they leave as it is."""

import math
import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.reference import PADDING_MODES, assert_gradient

from stn_cv import (
    InvalidInputError,
    theta_from_cv2,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.sampling import WarpRules, differentiable_warp

RULES = [
    {"padding_mode": padding_mode, "align_corners": align_corners}
    for padding_mode, align_corners in product(PADDING_MODES, (False, True))
]
every_rule = pytest.mark.parametrize("rules", RULES)
SHAPE, OUTPUT_SHAPE = (2, 9, 11, 2), (3, 4)
WHOLE = np.eye(2, 3)


def random_thetas(seed, n=2):
    rng = np.random.default_rng(seed)
    turn = rng.uniform(-np.pi, np.pi, n)
    scale = np.exp(rng.uniform(-1.5, 1, (n, 2)))
    theta = np.empty((n, 2, 3))
    theta[:, 0, :2] = np.stack([np.cos(turn), -np.sin(turn)], axis=1) * scale
    theta[:, 1, :2] = np.stack([np.sin(turn), np.cos(turn)], axis=1) * scale
    theta[:, :, 2] = rng.normal(0, 0.3, (n, 2))
    return theta


every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])


@given(st.integers(0, 10**6), st.tuples(st.integers(2, 25), st.integers(2, 25)))
def test_a_pixel_is_the_mean_of_samples_over_its_area(seed, shape):
    rules = RULES[seed % len(RULES)]
    image = np.random.default_rng(seed).random((*shape, 3))
    for theta in random_thetas(seed):
        truth = reference.antialiased(image, theta, (4, 5), **rules, fill=0.25)
        for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-6)):
            given = warp_affine(
                image.astype(dtype), theta, (4, 5), fill_value=0.25, antialias=True, **rules
            )
            assert given.dtype == dtype
            np.testing.assert_allclose(given, truth, rtol=0, atol=tolerance)


@pytest.mark.compiled
@every_rule
def test_where_nothing_shrinks_it_is_the_plain_warp_to_the_bit(rules):
    rng = np.random.default_rng(0)
    turn = np.array([[np.cos(1), -np.sin(1), 0.2], [np.sin(1), np.cos(1), -0.1]], np.float32)
    theta = np.stack([turn, WHOLE, 0.3 * turn]).astype(np.float32)
    for images, where in ((rng.random((3, 300, 300), np.float32), theta),
                          (rng.random((300, 300, 3), np.float32), turn)):  # fmt: skip
        plain = warp_affine(images, where, **rules)
        np.testing.assert_array_equal(warp_affine(images, where, antialias=True, **rules), plain)
        dout = rng.random(images.shape, np.float32)
        given = warp_affine_backward(dout, images, where, antialias=True, **rules)
        for one, other in zip(
            given, warp_affine_backward(dout, images, where, **rules), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("down", "across"), [(2, 2), (3, 3), (5, 5), (16, 16), (2, 3), (1, 4)])
@every_dtype
def test_a_whole_shrink_gives_the_mean_of_the_pixels(down, across, dtype):
    values = np.random.default_rng(1).random((6 * down, 4 * across, 3))
    image = (values * (1 if dtype[0] == "f" else np.iinfo(dtype).max)).astype(dtype)
    blocks = image.reshape(6, down, 4, across, 3).astype(np.float64)
    wanted = blocks.mean(axis=(1, 3))
    given = warp_affine(image, WHOLE, (6, 4), antialias=True)
    assert given.dtype == dtype
    if dtype[0] == "u":
        np.testing.assert_array_equal(given, np.rint(wanted).astype(dtype))
    else:
        np.testing.assert_allclose(given, wanted, rtol={"float32": 1e-7, "float64": 1e-14}[dtype])


def test_integers_are_rounded_once_and_halves_to_even():
    image = np.array([[0, 1, 3, 2, 255, 254]], np.uint8)  # means 0.5, 2.5, 254.5
    np.testing.assert_array_equal(warp_affine(image, WHOLE, (1, 3), antialias=True), [[0, 2, 254]])
    # Samples are 1.075 and 1.825; of 1 and 2, to which they would round, the mean would be 2.
    image = np.array([[0, 1, 2, 3]], np.uint8)
    theta = theta_from_cv2([[1.5, 0, 1.45], [0, 1, 0]], (1, 4), (1, 1),
                           direction="output_to_source")  # fmt: skip
    assert warp_affine(image, theta, (1, 1), antialias=True) == 1


@every_rule
@every_dtype
def test_a_constant_image_stays_constant(rules, dtype):
    value = {"u": 201, "f": 0.1}[dtype[0]]
    images = np.full((4, 20, 30), value, dtype)
    theta = random_thetas(3, 4)
    given = warp_affine(images, theta, (5, 4), fill_value=value, antialias=True, **rules)
    np.testing.assert_allclose(given, images[:, :5, :4], rtol=1e-14 if dtype == "float64" else 0)


def zone_plate(size):
    """Rings, ever finer towards the sides, where they are as fine as pixels can be."""
    at = np.arange(size) - (size - 1) / 2
    return np.cos(np.pi / size * (at[:, None] ** 2 + at[None] ** 2))


@pytest.mark.compiled
@pytest.mark.parametrize("turn", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("zoom", [1.0, 0.97, 0.8])
def test_a_fine_pattern_shrunk_by_three_aliases_ten_times_less(turn, zoom):
    """What is finer than two pixels of the output cannot be shown: all one sees of it is false."""
    board = np.indices((240, 240)).sum(axis=0) % 2 - 0.5  # a square a pixel
    side = int(240 * zoom / 3)
    along = (np.arange(side) - (side - 1) / 2) * 3 / 240
    cycles = np.hypot(along[:, None], along)  # of the rings, a source pixel; 1/6 can be shown
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    theta = [[cos, -sin, 0.003], [sin, cos, 0.001]]
    of_board, of_rings = [], []
    for antialias in (False, True):
        warped = warp_affine(board, theta, (side, side), antialias=antialias)
        of_board.append(np.mean(warped[10:-10, 10:-10] ** 2))
        rings = warp_affine(zone_plate(240), theta, (side, side), antialias=antialias)
        of_rings.append(np.mean(rings[(cycles > 0.187) & (cycles < 0.5)] ** 2))
    assert of_rings[0] > 10 * of_rings[1] and of_board[0] > 50 * of_board[1] > 0
    assert of_rings[0] > 0.2


def off_kinks(align_corners):
    """Thetas that shrink, by different counts, with no sample near a kink; some lie outside."""
    for seed in range(10_000):
        theta = random_thetas(seed)
        samples = [reference.samples(t, SHAPE[1:3], OUTPUT_SHAPE, align_corners) for t in theta]
        counts = [tuple(counts) for counts, _ in samples]
        distances = [
            reference.kink_distance(grid, SHAPE[1:3], align_corners).min() for _, grid in samples
        ]
        outside = [(np.abs(grid) > 1).any(axis=-1).mean() for _, grid in samples]
        if (
            min(distances) > 3e-5
            and max(outside) > 0.1
            and counts[0] != counts[1]
            and all(1 < max(count) and math.prod(count) < 20 for count in counts)
        ):
            return theta
    raise AssertionError("no theta found")


@every_rule
def test_gradcheck_of_theta(rules):
    theta = off_kinks(rules["align_corners"])
    rng = np.random.default_rng(0)
    images, dout = rng.random(SHAPE), rng.normal(size=(2, *OUTPUT_SHAPE, 2))
    rules = {**rules, "fill_value": [0.5, -1], "antialias": True}
    _, dtheta = warp_affine_backward(dout, images, theta, **rules)
    assert_gradient(lambda t: warp_affine(images, t, OUTPUT_SHAPE, **rules), theta, dout, dtheta)
    none, alone = warp_affine_backward(dout, images, theta, want_dimages=False, **rules)
    assert none is None
    np.testing.assert_array_equal(alone, dtheta)


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_warp_of_networks_is_the_public_one(padding_mode):
    theta = off_kinks(False)[[0, 1, 0, 1]] * [[[1]], [[1]], [[0.2]], [[1.1]]]
    rng = np.random.default_rng(0)
    images, dout = rng.random((4, *SHAPE[1:])), rng.normal(size=(4, *OUTPUT_SHAPE, 2))
    rules = {"padding_mode": padding_mode, "fill_value": 0.5, "antialias": True}
    Y, backward = differentiable_warp(
        images, theta, OUTPUT_SHAPE, WarpRules(padding_mode, 0.5, True)
    )
    np.testing.assert_array_equal(Y, warp_affine(images, theta, OUTPUT_SHAPE, **rules))
    wanted = warp_affine_backward(dout, images, theta, **rules)
    for one, other in zip(backward(dout, True), wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    assert backward(dout, False)[0] is None
    empty, backward = differentiable_warp(
        images[:0], theta[:0], (3, 4), WarpRules(padding_mode, 0.5, True)
    )
    assert empty.shape == (0, 3, 4, 2)
    assert [d.shape for d in backward(dout[:0], True)] == [(0, *SHAPE[1:]), (0, 2, 3)]


@every_rule
def test_the_gradient_by_the_images_is_the_adjoint(rules):
    rng = np.random.default_rng(2)
    theta = random_thetas(5, 3)
    for _ in range(3):
        x, y = rng.normal(size=(3, 20, 17, 2)), rng.normal(size=(3, 7, 5, 2))
        Wx = warp_affine(x, theta, (7, 5), antialias=True, **rules)
        WTy, _ = warp_affine_backward(y, x, theta, antialias=True, **rules)
        size = np.linalg.norm(Wx) * np.linalg.norm(y)
        dots = [math.fsum((a * b).ravel().tolist()) for a, b in ((Wx, y), (x, WTy))]
        assert size > 1 and abs(dots[0] - dots[1]) <= 1e-14 * size


def test_every_source_pixel_under_the_output_has_a_gradient():
    image = np.zeros((30, 30))
    for antialias, share in ((False, 0.5), (True, 1.0)):
        dimage, _ = warp_affine_backward(np.ones((7, 7)), image, WHOLE, antialias=antialias)
        assert (dimage > 0).mean() == share if antialias else (dimage > 0).mean() < share


def test_an_image_does_not_depend_on_its_batch():
    rng = np.random.default_rng(4)
    images, theta = rng.random((12, 40, 30, 1)), random_thetas(6, 12)
    dout = rng.random((12, 8, 9, 1))
    batch = warp_affine(images, theta, (8, 9), antialias=True)
    gradients = warp_affine_backward(dout, images, theta, antialias=True)
    for i in range(12):
        one = slice(i, i + 1)
        np.testing.assert_array_equal(
            warp_affine(images[one], theta[one], (8, 9), antialias=True), batch[one]
        )
        alone = warp_affine_backward(dout[one], images[one], theta[one], antialias=True)
        for gradient, wanted in zip(alone, gradients, strict=True):
            np.testing.assert_array_equal(gradient, wanted[one])


@pytest.mark.parametrize("shape", [(9, 40, 30, 2), (1, 60, 50, 3)])
@pytest.mark.parametrize("samples", [2**17, 200])
def test_threads_change_no_bit_and_pieces_nothing_but_rounding(shape, samples, monkeypatch):
    rng = np.random.default_rng(3)
    images, theta = rng.random(shape), random_thetas(7, shape[0])
    dout = rng.random((shape[0], 12, 11, shape[3]))

    def everything(n_jobs):
        rules = {"antialias": True, "n_jobs": n_jobs}
        out = warp_affine(images, theta, (12, 11), **rules)
        return out, *warp_affine_backward(dout, images, theta, **rules)

    whole = everything(None)
    monkeypatch.setattr("stn_cv.sampling.antialias.SAMPLES_AT_ONCE", samples)
    serial = everything(1)
    for n_jobs in (2, 4):
        for one, wanted in zip(everything(n_jobs), serial, strict=True):
            np.testing.assert_array_equal(one, wanted)
    for one, wanted in zip(serial, whole, strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.compiled
def test_memory_does_not_grow_with_the_samples():
    """400 x 400 pixels of 16 x 16 samples would be 160 MB at once."""
    image = np.random.default_rng(0).random((400, 400), np.float32)
    dout = np.ones((400, 400), np.float32)
    tracemalloc.start()
    warp_affine(image, 20 * WHOLE, (400, 400), antialias=True)
    warp_affine_backward(dout, image, 20 * WHOLE, antialias=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16e6


def test_a_theta_of_nan_in_a_network_gives_zeros():
    images = np.ones((2, 6, 6, 1), np.float32)
    theta = np.stack([np.full((2, 3), np.nan), 2 * WHOLE])
    Y, backward = differentiable_warp(images, theta, (3, 3), WarpRules("border", antialias=True))
    assert not Y[0].any() and Y[1].all()
    dimages, dtheta = backward(np.ones_like(Y), True)
    assert not dimages[0].any() and np.isfinite(dtheta).all()


def test_copies_cannot_be_means():
    for call in (
        lambda: warp_affine(np.ones((4, 4)), WHOLE, mode="nearest", antialias=True),
        lambda: warp_affine_backward(
            np.ones((4, 4)), np.ones((4, 4)), WHOLE, mode="nearest", antialias=True
        ),
    ):
        with pytest.raises(InvalidInputError, match="antialias=True takes means.*choose one"):
            call()
