"""Photos with transparency: colours count as much as they are opaque, and little is held."""

import time
import tracemalloc

import numpy as np
import pytest
from support import reference
from support.folder_cases import fixed_model
from support.picture_files import picture

from stn_cv.arrays import premultiplied, straight
from stn_cv.model.image_spec import ImageSpec
from stn_cv.model.photos import small_copy, warped

MEGABYTE = 2**20


def area_means(values, shape):
    """Means over the equal parts of both axes, by differences of running sums."""
    for axis, n in enumerate(shape):
        values = np.moveaxis(values, axis, 0)
        size = len(values)
        if n <= size:
            sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
            at = np.arange(n + 1) * size / n
            low = np.minimum(at.astype(int), size - 1)
            sums = sums[low] + (at - low)[:, None, None] * values[low]
            values = np.diff(sums, axis=0) * n / size
        values = np.moveaxis(values, 0, axis)
    return values


def photo(height=30, width=40, dtype="uint8", seed=0):
    alpha = picture(height, width, 1, seed + 1)
    alpha[: height // 3, : width // 3] = 0
    rgba = np.dstack([picture(height, width, 3, seed), alpha])
    white = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    return (rgba * np.float32(white)).astype(dtype)


def model(family="similarity", padding_mode="zeros", **transform):
    parameters = {"similarity": (0.1, 0.4, 0.1, -0.1), "tps": np.full(32, 0.05)}[family]
    return fixed_model(parameters, family, padding_mode=padding_mode, **transform)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("family", ["similarity", "tps"])
def test_a_warp_is_that_of_a_premultiplied_photo(family, dtype, interpolation):
    pixels, rectifier = photo(dtype=dtype), model(family, "border")
    theta = rectifier.theta(np.zeros((16, 16, 3), np.uint8))
    out, theta = warped(rectifier, pixels, theta, "native", 10**6, interpolation)
    shares = reference.warp(premultiplied(pixels), theta, out.shape[:2], interpolation, "border")
    wanted = straight(shares.astype(np.float32), pixels.dtype)
    opaque = out[..., 3] > 0.02 * np.iinfo(dtype).max if dtype != "float32" else out[..., 3] > 0.02
    np.testing.assert_allclose(
        out[opaque].astype(float),
        wanted[opaque],
        atol={"uint8": 1, "uint16": 40, "float32": 1e-3}[dtype],
    )
    assert out.dtype == pixels.dtype and opaque.any() and not opaque.all()


def test_outside_is_transparent_and_means_are_taken_of_what_shrinks():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[::2], pixels[1::2, :, :3] = 255, 77  # every second row is white, the rest is nothing
    rectifier = fixed_model((0, 0, 0, 0), antialias=True)
    theta = np.array([[2.0, 0, 0], [0, 2.0, 0]])
    for size in ((16, 16), (9, 9)):
        out, _ = warped(rectifier, pixels, theta, size, 10**6)
        assert (out[0] == 0).all() and (out[..., :3][out[..., 3] > 0] == 255).all()
        middle = out[len(out) // 2, len(out) // 2, 3]
        assert abs(int(middle) - 128) < 20


@pytest.mark.parametrize("shape", [(80, 60), (60, 80), (1, 500), (500, 1)])
def test_a_small_copy_is_that_of_the_whole_at_once(monkeypatch, shape):
    monkeypatch.setattr("stn_cv.model.transparent.BAND", 300)
    pixels, spec = photo(*shape), ImageSpec(16, 16, 3, "float")
    inside = min(16 / shape[0], 16 / shape[1])
    small = tuple(max(round(side * inside), 1) for side in shape)
    whole = area_means(premultiplied(pixels), small)
    copy = small_copy(pixels, spec, 0.5)
    top, left = ((16 - side) // 2 for side in small)
    own = copy[top : top + small[0], left : left + small[1]]
    if min(shape) > 1:  # or the photo lies between pixels of its canvas
        np.testing.assert_allclose(own, whole[..., :3] + 0.5 * (1 - whole[..., 3:]), atol=2e-3)
    assert copy.shape == (16, 16, 3) and np.isfinite(copy).all()


@pytest.mark.parametrize("size", ["native", (300, 300)])
def test_no_more_is_held_than_the_output(size):
    pixels, rectifier = photo(2000, 1500), model()
    theta = rectifier.theta(np.zeros((16, 16, 3), np.uint8))
    warped(rectifier, photo(), theta, "native", 10**6)  # what is compiled is not counted
    tracemalloc.start()
    small_copy(pixels, ImageSpec(16, 16, 3, "uint8"))
    out, _ = warped(rectifier, pixels, theta, size, 10**7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < out.nbytes + 40 * MEGABYTE  # a premultiplied copy of the photo has 46


def test_a_thread_of_a_photo_costs_no_more_than_its_pixels_allow():
    """1 x 60,000 pixels in 300 bytes: the shares of its rows alone would be 300 MB."""
    pixels, rectifier = photo(60_000, 1), model()
    theta = rectifier.theta(np.zeros((16, 16, 3), np.uint8))
    warped(rectifier, photo(), theta, "native", 10**6)  # what is compiled is not counted
    tracemalloc.start()
    start = time.process_time()
    small_copy(pixels, ImageSpec(16, 16, 3, "uint8"))
    warped(rectifier, pixels, theta, "native", 10**7)
    assert time.process_time() - start < 10
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * MEGABYTE
