"""The calls that the site sets beside those of OpenCV and scikit-image give what these give."""

import re

import cv2
import numpy as np
import pytest
from skimage import transform
from support.paths import ROOT

from stn_cv import (
    grid_sample,
    theta_from_corners,
    theta_from_cv2,
    theta_to_cv2,
    warp_affine,
    warp_points,
)

PAGE = (ROOT / "notebooks" / "site" / "coming_from.md").read_text("utf-8")
IMAGE = np.random.default_rng(0).random((60, 80, 3)).astype(np.float32)
SIZE = IMAGE.shape[:2]
M = cv2.getRotationMatrix2D((30, 20), 25, 0.8)
CLOSE = {"rtol": 0, "atol": 3e-5}  # scikit-image and OpenCV compute in float32


@pytest.mark.parametrize("direction", ["source_to_output", "output_to_source"])
def test_affine(direction):
    inverse = direction == "output_to_source"
    ours = warp_affine(IMAGE, theta_from_cv2(M, SIZE, SIZE, direction=direction), SIZE)
    flags = cv2.INTER_LINEAR | (cv2.WARP_INVERSE_MAP if inverse else 0)
    np.testing.assert_allclose(ours, cv2.warpAffine(IMAGE, M, SIZE[::-1], flags=flags), **CLOSE)
    matrix = transform.AffineTransform(np.vstack([M, [0, 0, 1]]))
    theirs = transform.warp(IMAGE, matrix if inverse else matrix.inverse)
    np.testing.assert_allclose(ours, theirs, **CLOSE)
    theta = theta_from_cv2(M, SIZE, SIZE)
    np.testing.assert_allclose(theta_to_cv2(theta, SIZE, SIZE), M, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "scikit_image", "opencv"),
    [
        ("zeros", "constant", cv2.BORDER_CONSTANT),
        ("border", "edge", cv2.BORDER_REPLICATE),
        ("reflection", "symmetric", cv2.BORDER_REFLECT),
    ],
)
def test_what_lies_outside(ours, scikit_image, opencv):
    assert all(f'"{word}"' in PAGE for word in (ours, scikit_image))
    warped = warp_affine(IMAGE, theta_from_cv2(M, SIZE, SIZE), padding_mode=ours)
    matrix = transform.AffineTransform(np.vstack([M, [0, 0, 1]]))
    theirs = transform.warp(IMAGE, matrix.inverse, mode=scikit_image)
    np.testing.assert_allclose(warped, theirs, **CLOSE)
    theirs = cv2.warpAffine(IMAGE, M, SIZE[::-1], borderMode=opencv)
    np.testing.assert_allclose(warped, theirs, **CLOSE)


def test_a_cubic_inside():
    ours = warp_affine(IMAGE, theta_from_cv2(M, SIZE, SIZE), mode="bicubic")
    theirs = cv2.warpAffine(IMAGE, M, SIZE[::-1], flags=cv2.INTER_CUBIC)
    shown = cv2.warpAffine(np.ones(SIZE), M, SIZE[::-1], flags=cv2.INTER_CUBIC)
    inside = cv2.erode((abs(shown - 1) < 1e-6).astype(np.uint8), np.ones((5, 5))) > 0
    assert inside.mean() > 0.3
    np.testing.assert_allclose(ours[inside], theirs[inside], **CLOSE)


def test_remap_and_resize():
    x, y = np.meshgrid(np.linspace(3, 70, 50), np.linspace(5, 50, 40))
    grid = np.stack([(2 * x + 1) / SIZE[1] - 1, (2 * y + 1) / SIZE[0] - 1], axis=-1)
    theirs = cv2.remap(IMAGE, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    np.testing.assert_allclose(grid_sample(IMAGE, grid), theirs, **CLOSE)
    larger = warp_affine(IMAGE[None], [[[1, 0, 0], [0, 1, 0]]], (125, 133), padding_mode="border")
    theirs = cv2.resize(IMAGE, (133, 125), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(larger[0], theirs, **CLOSE)


def test_the_homography_of_the_page():
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)  # noqa: S102
    image, corners, shape = names["image"], np.float32(names["corners"]), names["shape"]
    image = image.astype(np.float32)  # of float64 OpenCV rounds coordinates
    height, width = shape
    to = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(corners - 0.5, to - 0.5)
    theirs = cv2.warpPerspective(image, matrix, (width, height))
    np.testing.assert_allclose(names["upright"], theirs, **CLOSE)
    points = np.float32([[12, 30], [40, 22]])
    theirs = cv2.perspectiveTransform((points - 0.5)[None], matrix)[0] + 0.5
    theta = theta_from_corners(corners, image.shape)
    np.testing.assert_allclose(warp_points(theta, points, image.shape, shape), theirs, atol=1e-4)
    theirs = transform.matrix_transform(points - 0.5, matrix) + 0.5
    np.testing.assert_allclose(warp_points(theta, points, image.shape, shape), theirs, atol=1e-4)
