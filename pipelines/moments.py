"""What costs nothing: images rectified by their moments, without learning."""

import math

import numpy as np

from stn_cv import warp_affine

SPREAD = 0.55  # of the rectified light around its centre, half the frame's side being 1


def theta_of_moments(images):
    """Centre, size and principal axis of the light, as theta (n, 2, 3) of images (n, h, w).

    The principal axis becomes the vertical one, by at most 90 degrees to either side. Images
    are square; theta is output to source, normalized.
    """
    side = images.shape[1]
    at = (2 * np.arange(side) + 1) / side - 1
    light = images.sum((1, 2)) + 1e-12

    def mean(values):
        return (images * values).sum((1, 2)) / light

    x, y = mean(at[None, None, :]), mean(at[None, :, None])
    across, down = at - x[:, None, None], at[:, None] - y[:, None, None]
    xx, xy, yy = mean(across**2), mean(across * down), mean(down**2)
    angle = np.arctan2(2 * xy, xx - yy) / 2  # of the principal axis, from the x axis
    turn = angle % math.pi - math.pi / 2
    scale = np.sqrt(xx + yy) / SPREAD
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    return np.stack([np.stack([cosine, -sine, x], -1), np.stack([sine, cosine, y], -1)], 1)


def rectify_rows(X, side=16):
    """Flat rows of square images in, flat rows of `side` x `side` pixels out."""
    images = X.reshape(len(X), *(math.isqrt(X.shape[1]),) * 2)
    rectified = warp_affine(images, theta_of_moments(images), output_shape=(side, side))
    return rectified.reshape(len(X), -1)
