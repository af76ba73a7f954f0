"""What comes in: odd memory layouts, odd shapes, bad input."""

import re

import numpy as np
import pytest
from support import reference
from support.paths import ROOT
from support.reference import PADDING_MODES

from stn_cv import (
    InvalidInputError,
    InvalidTypeError,
    StnError,
    affine_grid,
    affine_grid_backward,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)
from stn_cv.kernels.sampling import affine_warp as kernels
from stn_cv.kernels.sampling.rules import MODES
from stn_cv.kernels.sampling.rules import PADDING_MODES as KNOWN

THETA = np.array([[[0.8, 0.3, 0.1], [-0.2, 0.9, -0.3]], [[1.1, 0, 0.2], [0.4, 0.7, 0]]])


def arrays():
    rng = np.random.default_rng(6)
    images, grid = rng.random((2, 6, 5, 3)), affine_grid(THETA, (4, 7))
    return images, THETA.copy(), grid, rng.normal(size=(2, 4, 7, 3))


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def every_other(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


LAYOUTS = {
    "read-only": read_only,
    "Fortran": np.asfortranarray,
    "negative strides": lambda a: np.flip(np.flip(a).copy()),
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "strided": every_other,
    "lists": lambda a: a.tolist(),
}


def results(images, theta, grid, dout):
    return [
        warp_affine(images, theta, (4, 7)),
        warp_affine(images, theta, (4, 7), mode="nearest"),
        warp_affine(images, theta, (4, 7), mode="bicubic"),
        *warp_affine_backward(dout, images, theta),
        grid_sample(images, grid),
        *grid_sample_backward(dout, images, grid),
        *grid_sample_backward(dout, images, grid, mode="nearest"),
        *grid_sample_backward(dout, images, grid, mode="bicubic"),
        affine_grid(theta, (4, 7)),
        affine_grid_backward(grid),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layout_changes_nothing(layout):
    plain = arrays()
    odd = [LAYOUTS[layout](a) for a in plain]
    before = [np.array(a, copy=True) for a in odd]
    for got, wanted in zip(results(*odd), results(*plain), strict=True):
        np.testing.assert_array_equal(got, wanted)
        assert got.dtype == wanted.dtype and got.dtype.isnative and got.flags.writeable
    for a, b in zip(odd, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "uint16"])
def test_memory_layout_changes_nothing_in_other_dtypes(dtype):
    images = (arrays()[0] * 200).astype(dtype)
    for convert in (np.asfortranarray, LAYOUTS["big-endian"], LAYOUTS["negative strides"]):
        np.testing.assert_array_equal(
            warp_affine(convert(images), THETA, (4, 7)), warp_affine(images, THETA, (4, 7))
        )


def test_arrays_with_zero_strides():
    images, theta, grid, dout = arrays()
    flat = [a[:1] for a in (images, theta, grid, dout)]
    wide = [np.broadcast_to(a, (3, *a.shape[1:])) for a in flat]
    tall = [np.repeat(a, 3, axis=0) for a in flat]
    for got, wanted in zip(results(*wide), results(*tall), strict=True):
        np.testing.assert_array_equal(got, wanted)
    one = np.broadcast_to(0.5, (2, 4, 7, 3))
    for got, wanted in zip(results(images, theta, grid, one),
                           results(images, theta, grid, one.copy()), strict=True):  # fmt: skip
        np.testing.assert_array_equal(got, wanted)


def test_results_share_no_memory_with_what_came_in():
    for images in (np.ones((2, 4, 7, 3)), np.ones((2, 4, 7, 1))):
        identity, dout = np.stack([np.eye(2, 3)] * 2), np.ones_like(images)
        grid = affine_grid(identity, (4, 7))
        for result in results(images, identity, grid, dout):
            assert not any(np.shares_memory(result, a) for a in (images, identity, grid, dout))


@pytest.mark.parametrize("padding_mode", PADDING_MODES)
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1), (2, 1)])
def test_strips_and_single_pixels(shape, padding_mode):
    image = np.random.default_rng(0).random(shape)
    for align_corners in (False, True):
        rules = {"padding_mode": padding_mode, "align_corners": align_corners}
        for output_shape in ((1, 1), (3, 4), shape):
            truth = reference.warp(image[..., None], THETA[0], output_shape, **rules)[..., 0]
            out = warp_affine(image, THETA[0], output_shape, **rules)
            np.testing.assert_allclose(out, truth, rtol=0, atol=1e-14)
            grid = affine_grid(THETA[0], output_shape, align_corners=align_corners)
            np.testing.assert_allclose(grid_sample(image, grid, **rules), truth, rtol=0, atol=1e-14)
            dimage, dtheta = warp_affine_backward(out, image, THETA[0], **rules)
            assert dimage.shape == shape and dtheta.shape == (2, 3)
            dimage, dgrid = grid_sample_backward(out, image, grid, **rules)
            assert dimage.shape == shape and dgrid.shape == grid.shape


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_no_image_gives_no_image(channels):
    images, theta = np.empty((0, 6, 5, *channels), np.float32), np.empty((0, 2, 3), np.float32)
    grid, dout = affine_grid(theta, (4, 7)), np.empty((0, 4, 7, *channels), np.float32)
    assert grid.shape == (0, 4, 7, 2) and affine_grid_backward(grid).shape == (0, 2, 3)
    for out in (warp_affine(images, theta, (4, 7)), grid_sample(images, grid)):
        assert out.shape == dout.shape and out.dtype == np.float32
    for backward, where in ((warp_affine_backward, theta), (grid_sample_backward, grid)):
        dimages, dwhere = backward(dout, images, where, n_jobs=2)
        assert dimages.shape == images.shape and dwhere.shape == where.shape


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_one_image_is_a_batch_of_one(channels):
    image = np.random.default_rng(1).random((6, 5, *channels))
    grid = affine_grid(THETA[0], (4, 7))
    for one, batch in (
        (warp_affine(image, THETA[0], (4, 7)), warp_affine(image[None], THETA[:1], (4, 7))),
        (grid_sample(image, grid), grid_sample(image[None], grid[None])),
    ):
        assert one.shape == (4, 7, *channels)
        np.testing.assert_array_equal(one, batch[0])
    for backward, where in ((warp_affine_backward, THETA[0]), (grid_sample_backward, grid)):
        one = backward(np.ones((4, 7, *channels)), image, where)
        batch = backward(np.ones((1, 4, 7, *channels)), image[None], where[None])
        for a, b in zip(one, batch, strict=True):
            np.testing.assert_array_equal(a, b[0])
        assert one[0].shape == image.shape and one[1].shape == where.shape


def test_float32_is_kept_and_other_real_numbers_are_float64():
    assert affine_grid(THETA.astype(np.float32), (2, 2)).dtype == np.float32
    assert affine_grid([[1, 0, 0], [0, 1, 0]], (2, 2)).dtype == np.float64
    assert affine_grid(THETA.astype(np.float16), (2, 2)).dtype == np.float64
    images, theta, grid, dout = (a.astype(np.float32) for a in arrays())
    assert {a.dtype for a in results(images, theta, grid, dout)} == {np.dtype(np.float32)}


IMAGES, IMAGE = np.ones((2, 6, 5, 3)), np.ones((6, 5))
GRID = np.zeros((2, 4, 7, 2))
RAGGED = [[[1, 2], [3]], [[4], [5, 6]]]
BAD_TYPES = {
    "images of int32": (lambda: warp_affine(IMAGE.astype("int32"), THETA[0]), "int32"),
    "images of bool": (lambda: warp_affine(IMAGE > 0, THETA[0]), "bool"),
    "images of float16": (lambda: warp_affine(IMAGE.astype("f2"), THETA[0]), "float16"),
    "images of objects": (lambda: warp_affine(IMAGE.astype(object), THETA[0]), "object"),
    "gradients of integers": (
        lambda: warp_affine_backward(IMAGE, IMAGE.astype("u1"), THETA[0]),
        "gradients",
    ),
    "a complex dout": (
        lambda: warp_affine_backward(IMAGE * 1j, IMAGE, THETA[0]),
        "complex",
    ),
}
BAD_VALUES = {
    "images of mixed sizes": (lambda: warp_affine(RAGGED, THETA), "images.*differ"),
    "images of wrong ndim": (lambda: warp_affine(IMAGES[None], THETA), "n, h, w"),
    "one image, many thetas": (lambda: warp_affine(IMAGE, THETA), "n, h, w"),
    "fewer thetas": (lambda: warp_affine(np.ones((3, 6, 5)), THETA), "3 images.* 2 thetas"),
    "images without pixels": (lambda: warp_affine(IMAGES[:, :0], THETA), "no pixel"),
    "NCHW": (lambda: warp_affine(np.ones((2, 3, 32, 32)), THETA), "channels first"),
    "CHW": (lambda: warp_affine(np.ones((1, 28, 28)), THETA[0]), "moveaxis"),
    "NCHW on a grid": (lambda: grid_sample(np.ones((2, 4, 32, 16)), GRID), "first"),
    "theta of wrong shape": (lambda: warp_affine(IMAGE, np.eye(3)), r"\(3, 3\)"),
    "theta of strings": (lambda: warp_affine(IMAGE, [["a"] * 3] * 2), "theta"),
    "a complex theta": (lambda: affine_grid(THETA * 1j, (2, 2)), "complex"),
    "a ragged theta": (lambda: affine_grid(RAGGED, (2, 2)), "theta.*differ"),
    "grid of wrong shape": (lambda: grid_sample(IMAGE, GRID[0, ..., :1]), "grid has"),
    "grid of pairs": (lambda: grid_sample(IMAGE, GRID[0, 0]), "grid has shape"),
    "grid without pixels": (lambda: grid_sample(IMAGES, GRID[:, :0]), "no pixel"),
    "a ragged grid": (lambda: grid_sample(IMAGE, RAGGED), "grid.*differ"),
    "fewer grids": (lambda: grid_sample(np.ones((3, 6, 5)), GRID), "3 images"),
    "output_shape 0": (lambda: warp_affine(IMAGE, THETA[0], (0, 3)), "positive"),
    "output_shape -1": (lambda: affine_grid(THETA, (4, -1)), "positive"),
    "output_shape of floats": (lambda: affine_grid(THETA, (4, 1.5)), "positive"),
    "an infinite output_shape": (lambda: affine_grid(THETA, (4, np.inf)), "positive"),
    "one number": (lambda: warp_affine(IMAGE, THETA[0], 4), "height, width"),
    "three numbers": (lambda: warp_affine(IMAGE, THETA[0], (4, 4, 3)), "height"),
    "an unknown mode": (lambda: warp_affine(IMAGE, THETA[0], mode="cubic"), "nearest"),
    "an unknown padding": (
        lambda: grid_sample(IMAGES, GRID, padding_mode="wrap"),
        "reflection",
    ),
    "a number as a mode": (lambda: warp_affine(IMAGE, THETA[0], mode=0), "mode is 0"),
    "a fill_value beyond float32": (
        lambda: warp_affine(IMAGE.astype("f4"), THETA[0], fill_value=1e39),
        "1e.39",
    ),
    "fill_value as a word": (
        lambda: warp_affine(IMAGE, THETA[0], fill_value="white"),
        "'white'",
    ),
    "fill_value None": (lambda: warp_affine(IMAGE, THETA[0], fill_value=None), "None"),
    "too many fill values": (
        lambda: warp_affine(IMAGES, THETA, fill_value=[1, 2]),
        "each of 3 channels",
    ),
    "fill_value beyond uint8": (
        lambda: warp_affine(IMAGE.astype("u1"), THETA[0], fill_value=256),
        "range of uint8",
    ),
    "dout of wrong shape": (
        lambda: grid_sample_backward(GRID[..., 0], IMAGES, GRID),
        r"\(2, 4, 7, 3\)",
    ),
    "dout of one image": (
        lambda: warp_affine_backward(IMAGE, IMAGES, THETA),
        "dout has shape",
    ),
    "dout of one axis": (
        lambda: warp_affine_backward(np.ones(6), IMAGE, THETA[0]),
        "dout has shape",
    ),
    "dout of other channels": (
        lambda: warp_affine_backward(IMAGES[..., :2], IMAGES, THETA),
        "dout has shape",
    ),
    "a ragged dout": (
        lambda: warp_affine_backward(RAGGED, IMAGE, THETA[0]),
        "dout.*differ",
    ),
    "dgrid of wrong shape": (lambda: affine_grid_backward(GRID[0, 0]), "dgrid has"),
    "dgrid of strings": (lambda: affine_grid_backward(GRID.astype(str)), "dgrid has"),
    "n_jobs 0": (lambda: warp_affine(IMAGE, THETA[0], n_jobs=0), "n_jobs"),
}


@pytest.mark.parametrize("case", [*BAD_TYPES, *BAD_VALUES])
def test_bad_input_is_a_clear_error(case):
    call, message = {**BAD_TYPES, **BAD_VALUES}[case]
    error = InvalidTypeError if case in BAD_TYPES else InvalidInputError
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, StnError)


def test_many_channels_in_few_rows_are_allowed_below_sixteen():
    assert warp_affine(np.ones((2, 3, 32, 15)), THETA).shape == (2, 3, 32, 15)
    assert warp_affine(np.ones((2, 5, 32, 64)), THETA).shape == (2, 5, 32, 64)
    assert warp_affine(np.ones((2, 3, 40)), THETA).shape == (2, 3, 40)


@pytest.mark.parametrize("rules", [{}, {"mode": "nearest"}, {"antialias": True}])
@pytest.mark.parametrize("shape", [(0, 6), (6, 0)])
def test_a_gradient_of_no_pixel_is_refused(rules, shape):
    for theta in (np.eye(2, 3), np.eye(2, 3) * 9):
        with pytest.raises(InvalidInputError, match="the gradient of no pixel"):
            warp_affine_backward(np.zeros(shape), np.ones((5, 6)), theta, **rules)


@pytest.mark.compiled
def test_no_kernel_is_compiled_twice_for_what_can_be_written_to():
    """Where some images shrink and others do not, each kind is copied out of the batch."""
    images = np.random.default_rng(0).random((4, 20, 20))
    theta = np.stack([np.eye(2, 3) * size for size in (1, 3, 1, 3)])
    out = warp_affine(images, theta, antialias=True)
    warp_affine_backward(out, images, theta, antialias=True)
    for kernel in (kernels.warp, kernels.warp_backward):
        assert all(not given[0].mutable for given in kernel.signatures if given[0].ndim == 4)


@pytest.mark.parametrize(("name", "table"), [("mode", MODES), ("padding_mode", KNOWN)])
def test_docstrings_name_every_mode(name, table):
    package = ROOT / "stn_cv"
    texts = [path.read_text("utf-8") for path in package.rglob("*.py")]
    named = [names for text in texts for names in re.findall(rf"  {name} : {{(.*?)}}", text)]
    wanted = ", ".join(f'"{one}"' for one in table)
    assert len(named) >= 2 and set(named) == {wanted}


@pytest.mark.parametrize("function", [0, 1, 2, 3])
def test_a_mode_with_no_kernel_is_not_sampled_by_anothers(monkeypatch, function):
    """A name alone does not make a mode: none of the functions may fall back on another's."""
    monkeypatch.setitem(MODES, "lanczos", 9)
    images, theta, grid, dout = arrays()
    call = (
        lambda: warp_affine(images, theta, (4, 7), mode="lanczos"),
        lambda: warp_affine_backward(dout, images, theta, mode="lanczos"),
        lambda: grid_sample(images, grid, mode="lanczos"),
        lambda: grid_sample_backward(dout, images, grid, mode="lanczos"),
    )[function]
    with pytest.raises(NotImplementedError, match="no kernel samples with mode='lanczos'"):
        call()
