"""A network's layers over one image in one call, as a table says (instructions.py).

Between the kernels of single layers a network of few pixels spends more time in Python than in
them, and threads wait there for the interpreter. Here one kernel calls those of all layers, the
same in the same order, so that every value is the same to the bit; only what NumPy does between
them is written out. Nothing is compiled for a network of its own.

image (1, height, width, channels); parameters, constants and space are vectors; offsets has what
`correlate` is told of each convolution.
"""

import numpy as np

from ..jit import inner, kernel
from ..llvm import given_1d, given_2d, view_1d, view_3d
from ..motions import matrix_of, theta_of
from ..sampling.affine_warp import warp
from ..sampling.rules import KernelRules
from .conv import correlate
from .dense import product
from .instructions import (
    COMPACT,
    CONVOLVE,
    LARGEST,
    LEAKY,
    MEAN,
    MULTIPLY,
    PAD,
    RELU,
    STANDARDIZE,
    STANDARDIZE_EACH,
)
from .pool import max_of_single
from .relu import leaky_relu, relu
from .standardize import standardize_single


@kernel
def run(image, rows, parameters, constants, offsets, place, space, outputs):
    """All layers of a network, whose outputs lie at `place` in the end; whether all are finite."""
    take(image, space)
    run_layers(rows, parameters, constants, offsets, space)
    return give(space, place, outputs)


@kernel
def run_transform(
    image, looks, head, facts, frames, parameters, constants, offsets, fill, place, space, theta,
    rectified, outputs,
):  # fmt: skip
    """A transform of an affine family and the layers behind it; whether all is ordinary.

    facts: the motion's number, steps, parameters of a step, where they lie in space, halo of a
    look's warp and of the last, mode, padding. frames (2, 17): of a look's warp, and of the last.
    What is called stands here once: each place would be compiled for itself.
    """
    kind, n_steps, count, at = facts[0], facts[1], facts[2], facts[3]
    rules = KernelRules(facts[6], facts[7], n_steps < 0)
    found, matrix = np.empty(n_steps * count), np.empty((1, 2, 3))
    seen, ordinary = np.empty_like(image), True
    take(image, space)
    for step in range(n_steps + 1):
        run_layers(looks if step < n_steps else head, parameters, constants, offsets, space)
        if step < n_steps:
            for i in range(count):
                found[step * count + i] = space[at + i]
            last = np.int64(step + 1 == n_steps)
            own = theta_of(kind, step + 1, count, found, np.int64(0), frames, last, theta)
            ordinary = ordinary and own
            matrix_of(theta, np.int64(0), frames, last, matrix)
            out = rectified if last else seen
            warp(image, facts[4 + last], matrix, np.int64(0), rules, fill, out)
            take(out, space)
    return give(space, place, outputs) and ordinary


@inner
def run_layers(rows, parameters, constants, offsets, space):
    """Each row of a program in turn."""
    for i in range(len(rows)):
        kind, source, target = rows[i, 0], rows[i, 1], rows[i, 2]
        channels, height, width, a = rows[i, 3], rows[i, 4], rows[i, 5], rows[i, 6]
        size = channels * height * width
        x, onward = (
            given_1d(space, source, (size,)),
            given_1d(space, source, (space.size - source,)),
        )
        if kind == CONVOLVE:
            convolve(rows, i, onward, parameters, offsets, space)
        elif kind == PAD:
            wide = channels * (height + 2 * a) * (width + 2 * a)
            pad(x, channels, height, width, a, view_1d(space, target, (wide,)))
        elif kind == COMPACT:
            out = view_1d(space, target, (size,))
            compact(onward, channels, height, width, a, rows[i, 7], out)
        elif kind == LARGEST:
            out = view_1d(space, target, (channels * (height // a) * (width // a),))
            largest(onward, channels, height // a, width // a, a, rows[i, 7], rows[i, 8], out)
        elif kind == MEAN:
            out = view_1d(space, target, (channels * (height // a) * (width // a),))
            mean(x, channels, height, width, a, out)
        elif kind == RELU:
            relu(x, view_1d(space, target, (size,)))
        elif kind == LEAKY:
            leaky_relu(x, view_1d(space, target, (size,)), space.dtype.type(constants[a]))
        elif kind == STANDARDIZE:
            standardize(x, channels, constants, a, view_1d(space, target, (size,)))
        elif kind == STANDARDIZE_EACH:
            variance, out = space.dtype.type(constants[a]), view_1d(space, target, (size,))
            standardize_single(x, channels, height, width, variance, out)
        elif kind == MULTIPLY:
            weights = given_2d(parameters, rows[i, 7], (a, size))
            bias = given_1d(parameters, rows[i, 8], (a,))
            product(x, weights, bias, view_1d(space, target, (a,)))


@inner
def take(image, space):
    """An image (1, height, width, channels) at the beginning, channels first."""
    _, height, width, channels = image.shape
    for c in range(channels):
        for r in range(height):
            for i in range(width):
                space[(c * height + r) * width + i] = image[0, r, i, c]


@inner
def give(space, place, outputs):
    """Copy outputs; whether all are finite."""
    finite = True
    for i in range(outputs.size):
        outputs[i] = space[place + i]
        finite = finite and np.isfinite(outputs[i])
    return finite


@inner
def convolve(rows, i, x, parameters, offsets, space):
    """All rows of a map as one, with what falls between them (`stn_cv.nn.conv`)."""
    filters, k, offsets_at = rows[i, 6], rows[i, 7], rows[i, 10]
    taps = rows[i, 3] * k * k
    correlate(
        x,
        given_2d(parameters, rows[i, 8], (filters, taps)),
        view_1d(offsets, offsets_at, (taps,)),
        view_1d(offsets, offsets_at + taps, (1,)),
        view_1d(offsets, offsets_at + taps + 1, (1,)),
        np.int64(0),
        given_1d(parameters, rows[i, 9], (filters,)),
        view_3d(space, rows[i, 2], (filters, 1, rows[i, 11])),
    )


@inner
def pad(x, channels, height, width, padding, out):
    """Rows and columns of zeros around each map."""
    tall, wide = height + 2 * padding, width + 2 * padding
    for i in range(np.uint64(out.size)):
        out[i] = 0
    for line in range(channels * height):
        row = line // height * tall + padding + line % height
        at, to = np.uint64(line * width), np.uint64(row * wide + padding)
        for i in range(np.uint64(width)):
            out[to + i] = x[at + i]


@inner
def compact(x, channels, height, width, pitch, plane, out):
    """Rows that others follow at a distance, one after another."""
    for line in range(channels * height):
        at = np.uint64(line // height * plane + line % height * pitch)
        to = np.uint64(line * width)
        for i in range(np.uint64(width)):
            out[to + i] = x[at + i]


@inner
def largest(x, channels, rows, columns, size, pitch, plane, out):
    """The largest value of each square."""
    if size == 2:
        max_of_single(x, channels, rows, columns, plane, pitch, out)
        return
    for line in range(channels * rows):
        at = line // rows * plane + line % rows * size * pitch
        for j in range(columns):
            best = x[at + j * size]
            for k in range(1, size * size):
                value = x[at + k // size * pitch + j * size + k % size]
                best = value if value > best else best
            out[line * columns + j] = best


@inner
def mean(x, channels, height, width, size, out):
    """The mean of each square, its values added as `stn_cv.nn.AveragePool` adds them."""
    rows, columns = height // size, width // size
    share = out.dtype.type(1 / size**2)
    for line in range(channels * rows):
        at = (line // rows * height + line % rows * size) * width
        for j in range(columns):
            total = x[at + j * size]
            for k in range(1, size * size):
                total += x[at + k // size * width + j * size + k % size]
            out[line * columns + j] = total * share


@inner
def standardize(x, channels, constants, at, out):
    """Each channel less its mean, times its gain."""
    size = len(x) // channels
    for c in range(channels):
        average = out.dtype.type(constants[at + c])
        gain = out.dtype.type(constants[at + channels + c])
        for i in range(c * size, (c + 1) * size):
            out[i] = (x[i] - average) * gain
