"""Slow twins of the layers: one sample at a time, plain loops, float64; maps (c, h, w, n)."""

import numpy as np

from support import reference

LARGEST_SCALE = 8.0


def each(function):
    """Of one sample (c, h, w) or (features,), a function of a batch with the samples last."""

    def of_batch(X, *arguments):
        samples = [function(X[..., i].astype(np.float64), *arguments) for i in range(X.shape[-1])]
        return np.stack(samples, axis=-1)

    return of_batch


@each
def dense(x, W, b):
    return np.array([sum(w * v for w, v in zip(row, x, strict=True)) for row in W]) + b


@each
def conv(x, W, b, padding):
    filters, channels, k, _ = W.shape
    height, width = (side + 2 * padding - k + 1 for side in x.shape[1:])
    y = np.zeros((filters, height, width))
    for f, row, column in np.ndindex(y.shape):
        total = b[f]
        for c, i, j in np.ndindex(channels, k, k):
            at, beside = row + i - padding, column + j - padding
            if 0 <= at < x.shape[1] and 0 <= beside < x.shape[2]:
                total += W[f, c, i, j] * x[c, at, beside]
        y[f, row, column] = total
    return y


@each
def pool(x, size, function):
    channels, height, width = x.shape
    y = np.zeros((channels, height // size, width // size))
    for c, row, column in np.ndindex(y.shape):
        y[c, row, column] = function(
            x[c, row * size : (row + 1) * size, column * size : (column + 1) * size]
        )
    return y


@each
def relu(x):
    return np.array([max(v, 0.0) for v in x.ravel()]).reshape(x.shape)


@each
def leaky_relu(x, slope):
    return np.array([v if v > 0 else slope * v for v in x.ravel()]).reshape(x.shape)


@each
def standardize(x, mean, scale):
    return np.stack([(x[c] - mean[c]) / scale[c] for c in range(len(x))])


@each
def standardize_each(x, epsilon):
    return (x - x.mean()) / np.sqrt(x.var() + epsilon**2)


def theta(family, parameters, shape):
    """One theta of one image, by way of pixels from the middle of the source."""
    height, width = shape
    if family == "projective":
        return projective_theta(parameters, shape)
    if family.startswith("tps"):  # so many pixels each, over half the width and half the height
        pixels = np.reshape(parameters, (-1, 2)) * np.sqrt(width * height) / 2
        return pixels / (width / 2, height / 2)
    if family == "affine":
        motion = np.reshape(parameters, (2, 3)) + np.eye(2, 3)
    else:
        log_scale, angle = 0.0, 0.0
        if family == "attention":
            log_scale = parameters[0]
        elif family == "similarity":
            log_scale, angle = parameters[:2]
        bound = np.log(LARGEST_SCALE)
        scale = np.exp(bound * np.tanh(log_scale / bound))
        turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        motion = np.column_stack([scale * np.array(turn), parameters[-2:]])
    to_pixels = np.diag([width / 2, height / 2])  # normalized to pixels from the middle
    shift = motion[:, 2] * np.sqrt(width * height) / 2
    linear = np.linalg.inv(to_pixels) @ motion[:, :2] @ to_pixels
    return np.column_stack([linear, np.linalg.inv(to_pixels) @ shift])


def projective_theta(parameters, shape):
    """(3, 3): tilt, move by an affine motion, both in halves of the mean side; then normalize."""
    height, width = shape
    to_pixels = np.diag([width / 2, height / 2, 1])
    to_units = np.diag([2 / np.sqrt(width * height)] * 2 + [1]) @ to_pixels
    affine = np.vstack([np.reshape(parameters[:6], (2, 3)) + np.eye(2, 3), [0, 0, 1]])
    tilt = np.eye(3)
    tilt[2, :2] = parameters[6:]
    return np.linalg.inv(to_units) @ affine @ tilt @ to_units


def spatial(X, thetas, output_shape, padding_mode="zeros", fill=0.0, antialias=False):
    """X (c, h, w, n) by a theta each."""
    warp = reference.antialiased if antialias else reference.warp
    warped = [
        warp(
            X[..., i].transpose(1, 2, 0), one, output_shape, padding_mode=padding_mode, fill=fill
        ).transpose(2, 0, 1)
        for i, one in enumerate(thetas)
    ]
    return np.stack(warped, axis=-1)


def after(first, second):
    """The theta that looks where `first` looks, seen by `second`: of (2, 3) or (3, 3)."""
    rows = len(first)
    one, other = (np.vstack([theta, np.eye(3)[rows:]]) for theta in (first, second))
    return (one @ other)[:rows]


def cross_entropy(logits, y, weights):
    total = 0.0
    for i, label in enumerate(y):
        p = np.exp(logits[:, i]) / np.exp(logits[:, i]).sum()
        total -= weights[i] * np.log(p[label])
    return total
