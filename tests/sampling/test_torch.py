"""torch is the peer: the same function and the same gradients, in float64."""

import numpy as np
import pytest
from support import reference

from stn_cv import (
    affine_grid,
    affine_grid_backward,
    grid_sample,
    grid_sample_backward,
    warp_affine,
    warp_affine_backward,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:Since version 1.3.0, affine_grid:UserWarning"),
]

FORWARD, GRADIENT = 1e-12, 1e-10
NEAR = 1e-6  # pixels from a kink, where a gradient is either of two


def configuration(seed):
    rng = np.random.default_rng(seed)
    n, channels = rng.integers(1, 4, 2)
    shape, output_shape = rng.integers(1, 10, 2), rng.integers(1, 10, 2)
    rules = {
        "mode": "nearest" if rng.random() < 0.2 else "bilinear",
        "padding_mode": str(rng.choice(reference.PADDING_MODES)),
        "align_corners": bool(rng.integers(2)),
    }
    images = rng.random((n, *shape, channels))
    theta = np.eye(2, 3) + rng.normal(0, rng.choice([0.05, 0.5, 3]), (n, 2, 3))
    dout = rng.normal(size=(n, *output_shape, channels))
    return images, theta, tuple(map(int, output_shape)), rules, dout


def first(images):
    """torch's channels-first copy, to be differentiated."""
    return torch.tensor(np.moveaxis(images, -1, 1).copy(), requires_grad=True)


def last(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def assert_close(ours, theirs, tolerance):
    scale = max(np.abs(theirs).max(), 1e-3) if tolerance == GRADIENT else 1.0
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * scale


def compare(seed):
    images, theta, output_shape, rules, dout = configuration(seed)
    corners = rules["align_corners"]
    n, channels = images.shape[0], images.shape[3]
    X, T = first(images), torch.tensor(theta, requires_grad=True)
    G = F.affine_grid(T, (n, channels, *output_shape), align_corners=corners)
    G.retain_grad()
    grid = G.detach().numpy()
    Y = F.grid_sample(X, G, **rules)

    away = reference.kink_distance(grid, images.shape[1:], corners) > NEAR
    if rules["mode"] == "nearest":  # beside a tie either pixel is right
        away_in_forward = away[..., None]
    else:
        away_in_forward = True
    dout = dout * away[..., None]
    Y.backward(torch.tensor(np.moveaxis(dout, -1, 1).copy()))

    assert_close(affine_grid(theta, output_shape, align_corners=corners), grid, FORWARD)
    assert_close(
        affine_grid_backward(G.grad.numpy(), align_corners=corners), T.grad.numpy(), GRADIENT
    )
    sampled, warped = grid_sample(images, grid, **rules), warp_affine(
        images, theta, output_shape, **rules
    )  # fmt: skip
    assert_close(sampled * away_in_forward, last(Y) * away_in_forward, FORWARD)
    assert_close(warped * away_in_forward, last(Y) * away_in_forward, FORWARD)
    dimages, dgrid = grid_sample_backward(dout, images, grid, **rules)
    assert_close(dimages, last(X.grad), GRADIENT)
    assert_close(dgrid, G.grad.numpy(), GRADIENT)
    dimages, dtheta = warp_affine_backward(dout, images, theta, **rules)
    assert_close(dimages, last(X.grad), GRADIENT)
    assert_close(dtheta, T.grad.numpy(), GRADIENT)
    return away.mean()


def test_same_function_and_gradients_as_torch():
    kept = [compare(seed) for seed in range(100)]
    assert np.mean(kept) > 0.7  # the rest lies on kinks: images of one row or column


@pytest.mark.long
@pytest.mark.compiled
def test_same_function_and_gradients_as_torch_in_ten_thousand_configurations():
    for seed in range(10_000):
        compare(seed)


@pytest.mark.parametrize("padding_mode", reference.PADDING_MODES)
def test_float32_is_as_near_to_the_truth_as_torch(padding_mode):
    rng = np.random.default_rng(3)
    image = rng.random((1, 40, 50, 1), np.float32)
    theta = np.array([[[0.9, 0.3, 0.1], [-0.4, 1.1, -0.2]]], np.float32)
    truth = reference.warp(image[0], theta[0], (30, 20), padding_mode=padding_mode)
    ours = warp_affine(image, theta, (30, 20), padding_mode=padding_mode)[0]
    T = F.affine_grid(torch.tensor(theta), (1, 1, 30, 20), align_corners=False)
    X = torch.tensor(np.moveaxis(image, -1, 1).copy())
    theirs = last(F.grid_sample(X, T, padding_mode=padding_mode, align_corners=False))[0]
    assert np.abs(ours - truth).max() <= min(2e-6, np.abs(theirs - truth).max())
