"""One, three and four channels, which are worked on as vectors, give what any number does."""

import numpy as np
import pytest
from support import reference

from stn_cv import (
    affine_grid,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)

THETAS = np.array(  # over two edges; turned the other way, over all; nearly as it is
    [
        [[1.1, 0.4, 0.15], [-0.35, 0.9, -0.1]],
        [[1.3, -0.5, 0.0], [0.6, 1.2, 0.1]],
        [[0.97, 0.01, 0.02], [-0.01, 0.99, 0.0]],
    ],
    np.float32,
)
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
SHAPES = [  # source and output
    ((20, 31), (17, 50)),  # put into a frame
    ((90, 100), (13, 50)),  # large beside its output, so only parts of it are
    ((5, 6), (3, 2)),  # rows shorter than a vector
    ((1, 1), (1, 5)),
]
MANY = 5  # channels, which are worked on value by value


def images_of(shape, channels, dtype):
    values = np.random.default_rng(0).random((len(THETAS), *shape, channels))
    return values.astype(dtype) if dtype[0] == "f" else (values * 255).astype(dtype)


KINDS = [("float32", 1), ("float32", 3), ("float32", 4), ("float64", 1), ("float64", 3)]


INTEGERS = [("uint8", 1), ("uint8", 3), ("uint8", 4), ("uint16", 3)]


@pytest.mark.parametrize("whole", [False, True])  # what a dtype cannot hold is in no frame
@pytest.mark.parametrize(("shape", "output"), SHAPES)
@pytest.mark.parametrize(("dtype", "channels"), [*KINDS, *INTEGERS])
def test_values(dtype, channels, shape, output, whole):
    images, fill = images_of(shape, channels, dtype), np.arange(channels) / 8
    fill = np.rint(255 * fill) + 2 if whole else 255 * fill if dtype[0] == "u" else fill
    if whole and dtype[0] == "f":
        fill /= 255
    truth = [reference.warp(i, t, output, fill=fill) for i, t in zip(images, THETAS, strict=True)]
    tolerance = TOLERANCE.get(dtype, 0.5 + 1e-4)
    for out in (
        warp_affine(images, THETAS, output, fill_value=fill),
        grid_sample(images, affine_grid(THETAS.astype(float), output), fill_value=fill),
    ):
        assert out.dtype == dtype
        assert np.abs(out - truth).max() <= tolerance


@pytest.mark.compiled
@pytest.mark.parametrize(("dtype", "channels"), [*KINDS, ("float32", MANY), *INTEGERS])
def test_a_large_image_is_looked_at_beyond_each_corner(dtype, channels):
    image, fill = images_of((260, 300), channels, dtype)[0], np.arange(channels) + 2
    turned = np.array([[0.2, 0.07], [-0.05, 0.22]])
    for corner in ((-1, -1), (1, -1), (-1, 1), (1, 1), (0, 1.2), (3, 0)):
        theta = np.column_stack([turned, corner])
        out = warp_affine(image, theta, (31, 97), fill_value=fill)
        truth = reference.warp(image, theta, (31, 97), fill=fill)
        assert np.abs(out - truth).max() <= TOLERANCE.get(dtype, 0.5 + 1e-2) * fill.max()


@pytest.mark.parametrize(("shape", "output"), SHAPES)
@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_gradients(dtype, channels, shape, output):
    """Channels more, whose output has no gradient, change no gradient of the others."""
    images = images_of(shape, MANY, dtype)
    dout = images_of(output, MANY, dtype)
    dout[..., channels:] = 0
    few = np.ascontiguousarray(dout[..., :channels]), np.ascontiguousarray(images[..., :channels])
    grid = affine_grid(THETAS.astype(dtype), output)
    for backward, where in ((warp_affine_backward, THETAS), (grid_sample_backward, grid)):
        dimages, dwhere = backward(*few, where)
        all_dimages, same = backward(dout, images, where)
        size = max(np.abs(all_dimages).max(), np.abs(same).max())
        assert np.abs(dimages - all_dimages[..., :channels]).max() <= TOLERANCE[dtype] * size
        assert np.abs(dwhere - same).max() <= TOLERANCE[dtype] * size
