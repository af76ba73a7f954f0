"""Identity, flips, right angles and integer shifts copy pixels, bit for bit, at every size."""

import numpy as np
import pytest
from support.numba_cache import INTERPRETED

from stn_cv import (
    warp_affine,
)

SIZES = (2, 3, 7) if INTERPRETED else range(2, 200)
TURNS = [  # theta's linear part, and what it does to an image
    ([[1, 0], [0, 1]], lambda a: a),
    ([[-1, 0], [0, 1]], lambda a: a[:, ::-1]),
    ([[1, 0], [0, -1]], lambda a: a[::-1]),
    ([[-1, 0], [0, -1]], lambda a: a[::-1, ::-1]),
    ([[0, 1], [1, 0]], lambda a: a.swapaxes(0, 1)),
    ([[0, -1], [1, 0]], lambda a: np.rot90(a)),
    ([[0, 1], [-1, 0]], lambda a: np.rot90(a, -1)),
    ([[0, -1], [-1, 0]], lambda a: np.rot90(a, 2).swapaxes(0, 1)),
]


def image_of(dtype, shape):
    rng = np.random.default_rng(shape[0])
    if np.dtype(dtype).kind == "f":
        return rng.random(shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "uint16"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_flips_and_right_angles_are_exact(dtype, align_corners):
    for size in SIZES:
        shape = (size, 201 - size) if size > 1 and not INTERPRETED else (size, 5)
        image = image_of(dtype, shape)
        for linear, turned in TURNS:
            wanted = turned(image)
            theta = np.column_stack([linear, [0, 0]]).astype(np.float32)
            out = warp_affine(image, theta, wanted.shape, align_corners=align_corners)
            np.testing.assert_array_equal(out, wanted, f"{shape} {linear}")


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("angle", [0, 90, 180, 270, 360, -90])
def test_right_angles_from_cosines_are_exact(mode, angle):
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    for size in SIZES:
        image = image_of("float64", (size, size))
        out = warp_affine(image, [[c, -s, 0], [s, c, 0]], mode=mode)
        np.testing.assert_array_equal(out, np.rot90(image, angle // 90))


def shifted(image, dx, dy, padding_mode, align_corners, fill):
    """What a look `dx` to the right and `dy` down shows, by NumPy's own padding."""
    height, width = image.shape
    how = {"zeros": "constant", "border": "edge"}.get(padding_mode)
    how = how or ("reflect" if align_corners else "symmetric")
    value = {"constant_values": fill} if how == "constant" else {}
    padded = np.pad(image, ((abs(dy),) * 2, (abs(dx),) * 2), how, **value)
    return padded[abs(dy) + dy :, abs(dx) + dx :][:height, :width]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_integer_shifts_are_exact(dtype, padding_mode, align_corners):
    rules = {"padding_mode": padding_mode, "align_corners": align_corners}
    for size in SIZES:
        height, width = (size, 201 - size) if not INTERPRETED else (size, 5)
        image = image_of(dtype, (height, width))
        rng = np.random.default_rng(size)
        some = rng.integers((1 - width, 1 - height), (width, height), (4, 2)).tolist()
        for dx, dy in ((1, 0), (0, -1), (width - 1, 1 - height), *some):
            spans = (width - 1, height - 1) if align_corners else (width, height)
            theta = np.array([[1, 0, 2 * dx / spans[0]], [0, 1, 2 * dy / spans[1]]])
            out = warp_affine(image, theta, fill_value=7, **rules)
            wanted = shifted(image, dx, dy, padding_mode, align_corners, 7)
            np.testing.assert_array_equal(out, wanted, f"{(height, width)} {(dx, dy)}")


@pytest.mark.compiled
def test_every_integer_shift_of_every_width_is_exact():
    for width in range(2, 200):
        image = image_of("float64", (1, width))
        shifts = np.arange(1 - width, width)
        theta = np.tile(np.eye(2, 3), (len(shifts), 1, 1))
        theta[:, 0, 2] = 2 * shifts / width
        out = warp_affine(np.tile(image, (len(shifts), 1, 1)), theta)
        wide = np.pad(image[0], width)
        wanted = np.stack([wide[width + k :][:width] for k in shifts])
        np.testing.assert_array_equal(out[:, 0], wanted, str(width))
