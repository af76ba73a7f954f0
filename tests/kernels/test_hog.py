"""HOG against scikit-image, feature by feature, and its input gradient against differences."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from support.reference import assert_gradient

from stn_cv import HOG, InvalidInputError
from stn_cv.joint import differentiable, forward

skimage = pytest.importorskip("skimage.feature._hog")
NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
ROUNDED = 3e-7  # scikit-image rounds its cells to float32


def cells_unrounded(gx, gy, c_col, c_row, _, __, columns, rows, orientations, out):
    """As scikit-image's own `hog_histograms`, in float64 to the end."""
    degrees = np.rad2deg(np.arctan2(gy, gx)) % 180
    edges = 180 / orientations * np.arange(1, orientations)
    for r, c in itertools.product(range(rows), range(columns)):
        place = np.s_[r * c_row : (r + 1) * c_row, c * c_col : (c + 1) * c_col]
        bins = np.searchsorted(edges, degrees[place].ravel(), side="right")
        votes = np.hypot(gx, gy)[place].ravel()
        out[r, c] = np.bincount(bins, votes, orientations) / (c_row * c_col)


@pytest.fixture(scope="module")
def unrounded():
    """`skimage.feature.hog` with cells that are not rounded."""

    def hog(*args, **kwargs):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(skimage._hoghistogram, "hog_histograms", cells_unrounded)
            return skimage.hog(*args, **kwargs)

    return hog


def of_skimage(hog, images, **parameters):
    channel_axis = None if images.ndim == 3 else -1
    return np.array([hog(image, channel_axis=channel_axis, **parameters) for image in images])


def ours(images, **parameters):
    return HOG(**parameters).fit_transform(images)


def random_images(shape, dtype="float64", seed=0):
    images = np.random.default_rng(seed).random(shape)
    if np.dtype(dtype).kind == "u":
        return np.floor(images * 256).astype(dtype)
    return images.astype(dtype)


@st.composite
def cases(draw):
    pair = st.tuples(st.integers(1, 5), st.integers(1, 5))
    cell, block = draw(pair), draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    extra = draw(pair)
    shape = [cell[i] * (block[i] + extra[i] // 3) + extra[i] % 3 for i in range(2)]
    channels = draw(st.sampled_from([(), (1,), (2,), (3,)]))
    dtype = draw(st.sampled_from(["uint8", "uint16", "float64"]))
    images = random_images((2, *shape, *channels), dtype, draw(st.integers(0, 99)))
    return images, {
        "orientations": draw(st.integers(1, 13)),
        "pixels_per_cell": cell,
        "cells_per_block": block,
        "block_norm": draw(st.sampled_from(NORMS)),
        "transform_sqrt": draw(st.booleans()),
    }


@given(cases())
@example((random_images((2, 24, 24)), {}))
@example((random_images((1, 1, 7)), {"pixels_per_cell": (1, 2), "cells_per_block": (1, 2)}))
@example((random_images((1, 2, 1)), {"pixels_per_cell": (1, 1), "cells_per_block": (2, 1)}))
def test_features_are_those_of_scikit_image(unrounded, case):
    images, parameters = case
    untouched = images.copy()
    Y = ours(images, **parameters)
    assert Y.dtype == np.float64
    np.testing.assert_allclose(Y, of_skimage(unrounded, images, **parameters), atol=1e-12)
    as_it_is = of_skimage(skimage.hog, images, **parameters)
    np.testing.assert_allclose(Y, as_it_is, rtol=0, atol=ROUNDED)
    np.testing.assert_array_equal(images, untouched)


@pytest.mark.compiled
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(4, 128, 128), (4, 61, 45, 3), (3, 200, 37)])
def test_larger_images(unrounded, shape, norm):
    images = random_images(shape)
    wanted = of_skimage(unrounded, images, block_norm=norm)
    np.testing.assert_allclose(ours(images, block_norm=norm), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("norm", NORMS)
def test_float32(norm, channels):
    images = random_images((3, 24, 32, *channels), "uint8").astype(np.float32) / 255
    Y = ours(images, block_norm=norm)
    assert Y.dtype == np.float32
    wanted = of_skimage(skimage.hog, images, block_norm=norm)
    np.testing.assert_allclose(Y, wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("orientations", [*range(1, 17), 20, 24, 28, 36, 45, 64])
def test_gradients_along_the_axes_and_diagonals_are_binned_exactly(unrounded, orientations):
    images = np.random.default_rng(orientations).integers(0, 2, (10, 6, 6)).astype(np.uint8)
    parameters = {"pixels_per_cell": (2, 2), "cells_per_block": (1, 1)}
    parameters["orientations"] = orientations
    wanted = of_skimage(unrounded, images, **parameters)
    np.testing.assert_allclose(ours(images, **parameters), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_equally_strong_channels_the_first_counts(unrounded, order):
    across = np.broadcast_to(np.arange(6.0), (1, 6, 6))
    images = np.stack([across, across.swapaxes(1, 2)], axis=-1)[..., order]
    parameters = {"pixels_per_cell": (2, 2), "cells_per_block": (1, 1)}
    wanted = of_skimage(unrounded, images, **parameters)
    np.testing.assert_allclose(ours(images, **parameters), wanted, rtol=0, atol=1e-12)


def test_blank_images_have_features_of_zero():
    for norm in NORMS:
        assert not ours(np.full((2, 24, 24), 7.0), block_norm=norm).any()


# Input gradients

SMALL = {"pixels_per_cell": (3, 2), "cells_per_block": (2, 2), "orientations": 5}


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("norm", NORMS)
def test_the_input_gradient(norm, channels, root):
    X = 0.1 + random_images((2, 8, 7, *channels), seed=3)
    hog = HOG(**SMALL, block_norm=norm, transform_sqrt=root).fit(X)
    Y, backward = forward(hog, X)
    np.testing.assert_array_equal(Y, hog.transform(X))
    dY = np.random.default_rng(1).normal(size=Y.shape)
    assert_gradient(hog.transform, X, dY, backward(dY))


def test_the_input_gradient_where_some_features_are_clipped():
    X = random_images((1, 6, 6), seed=5)
    hog = HOG(9, pixels_per_cell=(3, 3), cells_per_block=(2, 2)).fit(X)
    before_the_second_normalization = ours(X, **{**hog.get_params(), "block_norm": "L2"})
    clipped = before_the_second_normalization > 0.2
    assert 2 < clipped.sum() < clipped.size - 2
    Y, backward = forward(hog, X)
    dY = np.cos(np.arange(Y.size))[None]
    assert_gradient(hog.transform, X, dY, backward(dY))


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(1, 32, 32), (1, 29, 26, 3)])
def test_the_input_gradient_of_default_parameters(shape):
    X = random_images(shape)
    hog = HOG().fit(X)
    Y, backward = forward(hog, X)
    dY = np.random.default_rng(1).normal(size=Y.shape)
    dX = backward(dY)
    for seed in range(20):
        along = np.random.default_rng(seed).normal(size=X.shape)
        step = 1e-7 * along
        numeric = np.sum((hog.transform(X + step) - hog.transform(X - step)) * dY) / 2e-7
        np.testing.assert_allclose(np.sum(dX * along), numeric, rtol=1e-5, atol=1e-6)


def test_pixels_that_count_for_no_cell_have_no_gradient():
    X = random_images((1, 8, 9))
    hog = HOG(pixels_per_cell=(3, 4), cells_per_block=(2, 1)).fit(X)
    Y, backward = forward(hog, X)
    dX = backward(np.ones_like(Y))[0]
    assert dX[6, :8].all() and not dX[7].any()  # the first row outside is a neighbour still
    assert dX[:5, 8].any() and not dX[6:, 8].any()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("root", [False, True])
def test_the_gradient_is_finite_where_there_is_none(norm, root):
    X = np.zeros((2, 6, 6))
    X[1, 2, 3] = 1
    hog = HOG(pixels_per_cell=(2, 2), cells_per_block=(2, 2), block_norm=norm, transform_sqrt=root)
    Y, backward = forward(hog.fit(X), X)
    dX = backward(np.ones_like(Y))
    assert np.isfinite(dX).all() and not dX[0].any()


def probabilities(model, X):
    return model.predict_proba(X)


def decisions(model, X):
    return np.outer(model.decision_function(X), [-0.5, 0.5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("classifier", "scores"), [(LinearSVC(), decisions), (LogisticRegression(), probabilities)]
)
def test_a_head_of_hog_and_a_linear_classifier(classifier, scores, dtype):
    images = random_images((20, 8, 8), dtype)
    rows, y = images.reshape(20, 64), np.array(["left", "right"])[np.arange(20) % 2]
    hog = HOG(pixels_per_cell=(2, 2), cells_per_block=(2, 2), image_shape=(8, 8))
    model = make_pipeline(hog, classifier).fit(rows, y)
    assert differentiable(model)
    Y, backward = forward(model, rows[:2])
    np.testing.assert_allclose(Y, scores(model, rows[:2]), rtol=1e-4)
    dY = np.array([[1, -2], [0.5, 3]])
    dX = backward(dY)
    assert dX.dtype == dtype
    _, backward_of_images = forward(model, images[:2])
    np.testing.assert_array_equal(backward_of_images(dY), dX.reshape(2, 8, 8))
    if dtype == "float64":
        assert_gradient(lambda X: scores(model, X), rows[:2].copy(), dY, dX)


# How images come

ALIGNED = {"pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}


def test_arrays_of_any_make():
    images = random_images((3, 9, 10, 3))
    wanted = ours(images, **ALIGNED)
    frozen = images.copy()
    frozen.flags.writeable = False
    wide = np.repeat(images, 2, axis=2)[:, :, ::2]
    turned = images[:, ::-1].copy()[:, ::-1]
    for X in (frozen, np.asfortranarray(images), wide, turned, images.astype(">f8")):
        np.testing.assert_array_equal(ours(X, **ALIGNED), wanted)
        Y, backward = forward(HOG(**ALIGNED).fit(X), X.astype(np.float64, copy=False))
        np.testing.assert_array_equal(Y, wanted)
        assert np.isfinite(backward(np.asfortranarray(Y))).all()


def test_a_gradient_repeated_over_the_batch():
    images = random_images((3, 8, 8))
    Y, backward = forward(HOG(**ALIGNED).fit(images), images)
    ones = np.ones_like(Y)
    repeated = np.broadcast_to(1.0, Y.shape)
    np.testing.assert_array_equal(backward(repeated), backward(ones))


def test_an_image_does_not_depend_on_its_batch_or_on_threads():
    images = random_images((70, 16, 16))
    wanted = ours(images, **ALIGNED)
    for n_jobs in (2, 3, -1):
        np.testing.assert_array_equal(ours(images, **ALIGNED, n_jobs=n_jobs), wanted)
    hog = HOG(**ALIGNED).fit(images)
    Y, backward = forward(hog, images)
    dX = backward(wanted)
    for i in (0, 17, 69):
        np.testing.assert_array_equal(hog.transform(images[i : i + 1])[0], wanted[i])
        _, alone = forward(hog, images[i : i + 1])
        np.testing.assert_array_equal(alone(wanted[i : i + 1])[0], dX[i])


def test_no_image():
    hog = HOG(**ALIGNED).fit(random_images((2, 8, 8)))
    Y, backward = forward(hog, np.empty((0, 8, 8)))
    assert Y.shape == (0, 36) and backward(Y).shape == (0, 8, 8)


def test_roots_of_negative_pixels_are_refused():
    images = random_images((2, 24, 24)) - 0.5
    hog = HOG(transform_sqrt=True).fit(np.abs(images))
    with pytest.raises(InvalidInputError, match=r"hold -0.49.*transform_sqrt takes roots"):
        hog.transform(images)
    with pytest.raises(InvalidInputError, match="transform_sqrt takes roots"):
        forward(hog, images)
