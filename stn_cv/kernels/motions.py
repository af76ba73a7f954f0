"""Parameters to theta and to the matrix of pixels, in the affine families.

What `stn_cv.families.affine` and `stn_cv.geometry.affine` do with arrays, in numbers: of few
images arrays cost ten times the arithmetic. parameters, a vector of n * n_steps * count numbers;
theta and matrix (n, 2, 3); all float64. frames (k, 17): row by row what a source's and an output's
shape put into it, as `stn_cv.families.frames.frame_of` lays it out.
"""

import math

import numpy as np

from .jit import inner, kernel
from .motion_kinds import AFFINE, ATTENTION, LARGEST_SCALE, SIMILARITY

LARGEST = 1e50  # of an entry; what is larger, or not finite, is left to arrays


@inner
def motion_of(kind, parameters, at):
    """The matrix in isotropic units, row by row, of the parameters from `at` on."""
    if kind == AFFINE:
        a, b, c = parameters[at] + 1.0, parameters[at + 1], parameters[at + 2]
        return a, b, c, parameters[at + 3], parameters[at + 4] + 1.0, parameters[at + 5]
    scale, cos, sin, shift = 1.0, 1.0, 0.0, at
    if kind == SIMILARITY or kind == ATTENTION:
        bound = math.log(LARGEST_SCALE)
        scale = math.exp(bound * math.tanh(parameters[at] / bound))
        shift += 1
    if kind == SIMILARITY:
        cos, sin = np.cos(parameters[at + 1]), np.sin(parameters[at + 1])
        shift += 1
    x, y = parameters[shift], parameters[shift + 1]
    return cos * scale, -(sin * scale), x, sin * scale, cos * scale, y


@inner
def theta_of(kind, n_steps, count, parameters, n, frames, k, theta):
    """Write image n's theta of all steps, the first leftmost; whether it is an ordinary one."""
    first = n * n_steps * count
    a, b, c, d, e, f = motion_of(kind, parameters, first)
    for step in range(1, n_steps):
        p, q, x, r, s, y = motion_of(kind, parameters, first + step * count)
        a, b, c = a * p + b * r, a * q + b * s, a * x + b * y + c
        d, e, f = d * p + e * r, d * q + e * s, d * x + e * y + f
    ordinary = True
    for i, entry in enumerate((a, b, c, d, e, f)):
        theta[n, i // 3, i % 3] = entry * frames[k, i]
        ordinary = ordinary and abs(theta[n, i // 3, i % 3]) <= LARGEST
    return ordinary


@inner
def matrix_of(theta, n, frames, k, matrix):
    """Write image n's matrix of pixels, output to source, entries near integers as those."""
    for i in range(2):
        a, b, c = theta[n, i, 0], theta[n, i, 1], theta[n, i, 2]
        shift = a * frames[k, 10] + b * frames[k, 11] + c
        matrix[n, i, 0] = a * frames[k, 6 + 2 * i]
        matrix[n, i, 1] = b * frames[k, 7 + 2 * i]
        matrix[n, i, 2] = shift * frames[k, 12 + i] + frames[k, 14 + i]
        for j in range(3):
            entry = matrix[n, i, j]
            nearest = np.rint(entry)
            matrix[n, i, j] = nearest if abs(entry - nearest) <= frames[k, 16] else entry


@kernel
def thetas_and_matrices(kind, n_steps, count, parameters, frames, theta, matrix):
    """Write both of each image; whether all are ordinary ones."""
    ordinary = True
    for n in range(len(theta)):
        own = theta_of(kind, n_steps, count, parameters, n, frames, np.int64(0), theta)
        ordinary = ordinary and own
        matrix_of(theta, n, frames, np.int64(0), matrix)
    return ordinary
