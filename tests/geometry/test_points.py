"""Points and boxes go the way of the image they lie in, and back."""

import numpy as np
import pytest

from stn_cv import InvalidInputError, corners_from_theta, warp_affine, warp_boxes, warp_points
from stn_cv.families import FAMILIES
from stn_cv.sampling import WarpRules

SHAPES = (120, 160), (90, 70)  # source, output


def theta_of(name, n=1, seed=0, size=0.05):
    family = FAMILIES[name]
    parameters = np.random.default_rng(seed).normal(0, size, (n, family.n_parameters))
    return family.theta(parameters, SHAPES[0])[0]


def spot(shape, x, y, width=3.0):
    """A picture of a bright spot around (x, y), pixels whose edges are 0 and the sides."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / width**2)


def middle(picture):
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    return np.array([(picture * columns).sum(), (picture * rows).sum()]) / picture.sum()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_point_lands_where_the_picture_shows_it(name):
    theta = theta_of(name)[0]
    inside = np.array([[35.0, 45.0]])
    source = warp_points(theta, inside, *SHAPES, direction="output_to_source")
    picture = FAMILIES[name].apply(spot(SHAPES[0], *source[0]), theta, SHAPES[1], WarpRules())
    np.testing.assert_allclose(middle(picture), inside[0], atol=0.3)
    back = warp_points(theta, source, *SHAPES)
    np.testing.assert_allclose(back, inside, atol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_there_and_back_is_exact(name):
    theta = theta_of(name, n=3, seed=1)
    points = np.random.default_rng(2).uniform(-1, 1, (3, 40, 2))
    source = warp_points(theta, points, direction="output_to_source")
    np.testing.assert_allclose(warp_points(theta, source), points, rtol=0, atol=1e-9)
    one = warp_points(theta[1], source[1])
    np.testing.assert_allclose(one, points[1], rtol=0, atol=1e-9)
    shared = warp_points(theta, points[0], direction="output_to_source")
    np.testing.assert_allclose(shared[0], source[0], rtol=0, atol=1e-12)
    again = warp_points(theta[0], points, direction="output_to_source")
    np.testing.assert_allclose(again[0], source[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_outputs_corners_are_those_that_are_known(name):
    theta, (height, width) = theta_of(name)[0], SHAPES[1]
    corners = [[0, 0], [width, 0], [width, height], [0, height]]
    np.testing.assert_allclose(
        warp_points(theta, corners, *SHAPES, direction="output_to_source"),
        corners_from_theta(theta, SHAPES[0]),
        atol=1e-9,
    )


def test_pixels_are_those_of_the_images():
    image = np.zeros((6, 8))
    image[2, 5] = 1
    theta = np.array([[0.0, -1, 0], [1, 0, 0]])
    turned = warp_affine(image, theta, (8, 6))
    ((x, y),) = warp_points(theta, [[5.5, 2.5]], (6, 8), (8, 6))
    assert turned[int(y), int(x)] == 1


def test_what_has_no_place_is_nan():
    tilted = np.array([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]])
    out = warp_points(tilted, [[-0.9, 0], [0.5, 0]], direction="output_to_source")
    assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()
    back = warp_points(tilted, [[0.6, 0], [0.25, 0]])  # the first lies beyond the horizon
    assert np.isnan(back[0]).all() and np.isfinite(back[1]).all()
    folded = np.zeros((16, 2))
    folded[:, 0] = -np.tile(np.linspace(-1, 1, 4), 4)  # all columns on one line
    assert np.isnan(warp_points(folded, [[0.5, 0.0]])).all()
    assert np.isnan(warp_points(theta_of("tps")[0], [[np.nan, 0.0]])).all()


@pytest.mark.parametrize("direction", ["source_to_output", "output_to_source"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_box_holds_its_warped_border_and_no_more(name, direction):
    theta = theta_of(name, n=2, seed=3)
    boxes = np.array([[20.0, 15, 50, 70], [5, 30, 45, 40], [30, 30, 30, 30]])
    out = warp_boxes(theta, boxes, *SHAPES, direction=direction)
    assert out.shape == (2, 3, 4)
    along = np.linspace(0, 1, 4001)[:, None]
    for box, each in zip(boxes, out.transpose(1, 0, 2), strict=True):
        corners = box[[[0, 1], [2, 1], [2, 3], [0, 3]]]
        border = np.concatenate(
            [a + along * (b - a) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
        )
        points = warp_points(theta, border, *SHAPES, direction=direction)
        wanted = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        np.testing.assert_allclose(each, wanted, atol=1e-4)
        assert (each[:, :2] <= wanted[:, :2] + 1e-9).all()
        assert (each[:, 2:] >= wanted[:, 2:] - 1e-9).all()


def test_a_box_behind_the_camera_is_nan():
    tilted = np.array([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]])
    out = warp_boxes(tilted, [[-0.9, -0.5, 0.5, 0.5], [0.1, 0, 0.2, 0.1]],
                     direction="output_to_source")  # fmt: skip
    assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()


def test_no_points_and_no_thetas():
    assert warp_points(np.eye(2, 3), np.empty((0, 2))).shape == (0, 2)
    assert warp_boxes(np.zeros((16, 2)), np.empty((0, 4))).shape == (0, 4)
    assert warp_points(np.zeros((0, 16, 2)), np.empty((3, 2))).shape == (0, 3, 2)


THETA = np.eye(2, 3)
BAD = {
    "points of three": (lambda: warp_points(THETA, [[1, 2, 3]]), r"wanted .*\(m, 2\)"),
    "points of words": (lambda: warp_points(THETA, [["a", "b"]]), "real numbers"),
    "boxes of two": (lambda: warp_boxes(THETA, [[1, 2]]), r"\(m, 4\)"),
    "a box turned round": (lambda: warp_boxes(THETA, [[2, 0, 1, 1]]), "left right of its right"),
    "one shape": (lambda: warp_points(THETA, [[0, 0]], (4, 4)), "give both"),
    "a shape of nothing": (lambda: warp_points(THETA, [[0, 0]], (4, 4), (0, 4)), "output_shape"),
    "a direction": (lambda: warp_points(THETA, [[0, 0]], direction="back"), "direction"),
    "other counts": (lambda: warp_points([THETA] * 2, np.zeros((3, 1, 2))), "3 sets"),
    "a flat theta": (lambda: warp_points(np.zeros((2, 3)), [[0, 0]]), "singular"),
    "a flat homography": (lambda: warp_points(np.ones((3, 3)), [[0, 0]]), "singular"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_a_clear_error(case):
    call, message = BAD[case]
    with pytest.raises(InvalidInputError, match=message):
        call()
