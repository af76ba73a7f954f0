"""What a look's outputs mean, and the losses they are trained by: gradients and slow twins."""

import numpy as np
import pytest
from support import reference

from stn_cv import InvalidInputError
from stn_cv.families import FAMILIES
from stn_cv.geometry import corner_error
from stn_cv.nn import Dense, Flatten, ReLU
from stn_cv.nn.network import Network
from stn_cv.pose import PoseTransform
from stn_cv.pose.algebra import after, identities, inverses, middles, similarity_parts
from stn_cv.pose.corner_loss import corner_loss
from stn_cv.pose.encodings import AngleBins, Correction, Frames, Regression
from stn_cv.pose.looks import look_shape
from stn_cv.pose.ranges import PoseRange

SHAPE, OUTPUT, N = (6, 8), (5, 10), 7
KINDS = ["translation", "attention", "similarity", "affine", "projective", "tps3"]


def rng(seed=0):
    return np.random.default_rng(seed)


def assert_gradient(function, x, gradient):
    """`gradient` is that of a function to a number."""
    reference.assert_gradient(function, x, 1.0, gradient)


def poses(family, n=N, angle=30.0, seed=0):
    """True poses of a family: theta, upright to canvas."""
    ranges = PoseRange(family, SHAPE, angle, (0.7, 1.3), 0.1, 0.1)
    return ranges.draw(rng(seed), identities(family, n))[1]


def summed(loss, Y, target):
    return lambda value: loss(value.reshape(Y.shape), target)[0].sum()


@pytest.mark.parametrize("family", KINDS)
def test_corner_loss_gradient(family):
    theta, target = poses(family, seed=1), poses(family, seed=2)
    _, dtheta = corner_loss(theta, target, OUTPUT)
    assert_gradient(lambda value: corner_loss(value, target, OUTPUT)[0].sum(), theta, dtheta)


@pytest.mark.parametrize("family", ["translation", "attention", "similarity", "affine"])
def test_corner_loss_of_affine_families_is_the_corner_error(family):
    theta, target = poses(family, seed=1), poses(family, seed=2)
    error = corner_error(theta, target, OUTPUT)
    np.testing.assert_allclose(corner_loss(theta, target, OUTPUT)[0], error, atol=1.1e-3)


def test_corner_loss_of_homographies_is_the_error_in_first_order():
    target = poses("projective")
    near = target + rng(1).normal(0, 1e-3, target.shape) * [[[1], [1], [0]]]
    loss, error = corner_loss(near, target, OUTPUT)[0], corner_error(near, target, OUTPUT)
    assert (np.abs(loss - error) < 0.5 * error + 1e-3).all()


def encodings(family):
    frames = Frames(family, SHAPE, OUTPUT)
    return [Regression(frames), Correction(frames)]


@pytest.mark.parametrize("family", KINDS)
@pytest.mark.parametrize("number", [0, 1])
def test_gradient_of_regressions(family, number):
    encoding, target = encodings(family)[number], poses(family)
    Y = rng(3).normal(0, 0.2, (encoding.n_outputs, N))
    if number:
        target[::3] = np.nan  # too far off to be corrected
    assert_gradient(summed(encoding.loss, Y, target), Y, encoding.loss(Y, target)[1])


@pytest.mark.parametrize("family", ["similarity", "affine", "projective"])
@pytest.mark.parametrize("symmetry", [1, 2, 3])
def test_gradient_of_bins(family, symmetry):
    encoding = AngleBins(Frames(family, SHAPE, OUTPUT), 12, symmetry)
    target = poses(family, angle=180.0)
    Y = rng(3).normal(0, 0.4, (encoding.n_outputs, N))
    assert_gradient(summed(encoding.loss, Y, target), Y, encoding.loss(Y, target)[1])


@pytest.mark.parametrize("family", KINDS)
def test_gradient_of_parameters(family):
    encoding = encodings(family)[0]
    Y = rng(3).normal(0, 0.3, (encoding.n_outputs, N))
    P, backward = encoding.parameters(Y)
    dP = rng(4).normal(size=P.shape)
    assert_gradient(lambda value: (encoding.parameters(value)[0] * dP).sum(), Y, backward(dP))


@pytest.mark.parametrize("family", ["similarity", "affine", "projective"])
def test_bins_say_the_pose_they_were_asked_for(family):
    frames = Frames(family, SHAPE, OUTPUT)
    encoding = AngleBins(frames, 36, 2)
    target = poses(family, 50, angle=180.0)
    scale, angle, shift = similarity_parts(target, SHAPE)
    logits = np.log(encoding._targets(angle) + 1e-12)
    Y = np.concatenate([logits, scale[None], shift.T])
    theta, _ = FAMILIES[family].theta(encoding.parameters(Y)[0], SHAPE)
    assert np.rad2deg(off_by(theta, angle, 2)).max() < 0.5
    best, second = encoding.candidates(Y, 2)
    assert np.abs(best - encoding.parameters(Y)[0]).max() == 0
    assert (np.abs(best - second).max(axis=1) > 0.05).all()


def off_by(theta, angle, symmetry):
    found = similarity_parts(theta, SHAPE)[1]
    return np.abs((found - angle + np.pi / symmetry) % (2 * np.pi / symmetry) - np.pi / symmetry)


@pytest.mark.parametrize("family", ["similarity", "affine", "projective"])
def test_algebra(family):
    A, B = poses(family, seed=1), poses(family, seed=2)
    np.testing.assert_allclose(after(A, inverses(A)), identities(family, N), atol=1e-12)
    both = after(after(A, B), inverses(B))
    np.testing.assert_allclose(both, A, atol=1e-10)


def test_middles_of_every_family_agree_on_an_affine_pose():
    theta = poses("affine")
    spline = after(theta, identities("tps3", N))
    square = np.concatenate([theta, np.tile([[[0.0, 0, 1]]], (N, 1, 1))], axis=1)
    for other in (spline, square * 3):
        np.testing.assert_allclose(middles(other), theta, atol=1e-12)


@pytest.mark.parametrize("shape", [(96, 96), (100, 75), (640, 480), (33, 33), (8, 8), (1, 500)])
def test_looks_see_pictures_in_proportion(shape):
    seen = look_shape(shape)
    assert seen[0] <= shape[0] and seen[1] <= shape[1]
    if min(shape) > 40:
        assert 25 <= np.sqrt(np.prod(seen)) <= 40
        assert abs(np.log(seen[0] * shape[1] / (seen[1] * shape[0]))) < 0.02


def pose_transform(family="similarity", **fields):
    looks = [[Flatten(), Dense(6), ReLU()]] * 2
    return PoseTransform(looks, family, **{"n_steps": 3, **fields})


def built(layer, shape=(2, 6, 8)):
    network = Network([layer], shape, rng(), np.float64)
    network.vector[:] = rng(5).normal(0, 0.1, network.vector.size)
    return network


BINS_OF = [("translation", 0), *((f, n) for f in KINDS[2:5] for n in (0, 12))]


@pytest.mark.parametrize(("family", "bins"), BINS_OF)
def test_gradient_through_all_looks(family, bins):
    network = built(pose_transform(family, bins=bins, look_shape=(5, 7)))
    X = rng(6).normal(size=(2, 6, 8, 3))
    P, backward = network.layers[0].localize(X, training=True)
    dP = rng(7).normal(size=P.shape)
    if bins:
        dP[:, [1, 0, 3, 4] if family != "similarity" else [1]] = 0  # of the angle there is none
    dX, (first, second) = backward(dP)

    def value(vector):
        network.vector[:] = vector
        return (network.layers[0].localize(X)[0] * dP).sum()

    start = network.vector.copy()
    gradient = np.concatenate([first, second])
    if bins:  # the bins' logits have a gradient that is not given: the correcting look alone
        count = len(first)
        assert_gradient(
            lambda later: value(np.concatenate([start[:count], later])), start[count:], second
        )
    else:
        assert_gradient(value, start, gradient)
        network.vector[:] = start
        assert_gradient(lambda X: (network.layers[0].localize(X)[0] * dP).sum(), X, dX)


def followed(layer, x, candidates, going_on):
    """Parameters of one image, its candidates followed one by one, and sorted after each look."""
    outputs = layer.networks[0].forward(x)[0]
    left = layer.encodings[0].candidates(outputs, candidates)
    for count in going_on:
        looked = [layer._look_again(x, P, False, None)[:2] for P in left]
        looked.sort(key=lambda seen: -seen[1][-1, 0])
        left = [P for P, _ in looked[:count]]
    return left[0][0]


@pytest.mark.parametrize(
    ("fields", "going_on"),
    [
        ({"candidates": 3}, [3, 1]),
        ({"candidates": 4, "n_steps": 4}, [4, 4, 1]),
        ({"candidates": 6, "n_steps": 4, "halving": True}, [3, 1, 1]),
        ({"candidates": 5, "n_steps": 2, "halving": True}, [1]),
    ],
)
def test_the_best_candidates_are_those_of_which_a_look_is_surest(fields, going_on):
    network = built(pose_transform(bins=30, **fields))
    layer, X = network.layers[0], rng(6).normal(size=(2, 6, 8, 9))
    wanted = [followed(layer, X[..., i : i + 1], fields["candidates"], going_on) for i in range(9)]
    found = layer.warp_parameters(X)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    layer.candidates = 1
    assert (np.abs(layer.warp_parameters(X) - found) > 0.1).any()  # the first is not always best


@pytest.mark.parametrize(
    "fields",
    [
        {"bins": 12, "family": "translation"},
        {"bins": 3},
        {"candidates": 2},
        {"bins": 20, "candidates": 5},
        {"n_steps": 1},
        {"family": "tps3"},
        {"look_shape": (7, 8)},
        {"confidence": [1.0, 2.0]},
        {"confidence": [0.0] * 9},
        {"confidence": [float("nan")] * 9},
    ],
)
def test_what_cannot_be_built(fields):
    with pytest.raises(InvalidInputError):
        built(pose_transform(**fields))
