"""The padding rules: where coordinates outside an image go, and the derivatives of that."""

import numpy as np

from ..jit import inner
from .rules import REFLECTION, ZEROS


@inner
def lowest(padding_mode):
    """Coordinates below are held here: where no neighbour exists, or at the first pixel."""
    return -2.0 if padding_mode == ZEROS else 0.0


@inner
def highest(size, padding_mode):
    """Coordinates above are held here."""
    return size * 1.0 if padding_mode == ZEROS else size - 1.0


@inner
def reflected(x, size, align_corners):
    """(coordinate, derivative) after mirroring at the pixel centres or outer edges."""
    low = 0.0 if align_corners else -0.5
    span = size - 1.0 if align_corners else size * 1.0
    if span <= 0.0:
        return 0.0, 0.0
    gain = 1.0
    distance = x - low
    if distance < 0.0:
        distance = -distance
        gain = -1.0
    folds = np.floor(distance / span)
    rest = distance % span
    if folds % 2.0 == 0.0:
        return rest + low, gain
    return span - rest + low, -gain


@inner
def reflect(xs, ys, size, width, height, rules):
    """Mirror a tile's coordinates, in place, if that is the rule."""
    if rules.padding == REFLECTION:
        for k in range(size):
            if xs[k] - xs[k] == 0 and ys[k] - ys[k] == 0:
                xs[k], _ = reflected(xs[k], width, rules.align_corners)
                ys[k], _ = reflected(ys[k], height, rules.align_corners)


@inner
def padding_gains(coordinates, size, length, rules, gains):
    """Derivatives of the padding rule along one axis, at coordinates not yet reflected.

    Under `ZEROS` there is no rule, and missing neighbours make the slope.
    """
    for k in range(0 if rules.padding == ZEROS else size):
        x, gain = coordinates[k], 1.0
        if rules.padding == REFLECTION and x - x == 0:
            x, gain = reflected(x, length, rules.align_corners)
        gains[k] = gain if 0 < x < length - 1 else 0.0


@inner
def multiply(along, gains, size, padding_mode):
    """Multiply slopes by the derivatives of the padding rule, if it has any."""
    for k in range(0 if padding_mode == ZEROS else size):
        along[k] = along[k] * gains[k] if gains[k] != 0 else 0  # never -0 or NaN


@inner
def padded(x, size, rules):
    """A finite coordinate under the padding rule.

    Zeros: from -2 to `size`, where every neighbour lies outside. Else: from 0 to size - 1.
    """
    if rules.padding == REFLECTION:
        x, _ = reflected(x, size, rules.align_corners)
    return min(max(x, lowest(rules.padding)), highest(size, rules.padding))
