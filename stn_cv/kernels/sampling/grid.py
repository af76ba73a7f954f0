"""Sampling at an arbitrary grid, and the affine grid itself.

images (n, height, width, channels), each put into a halo first if `has_halo` is 1 (see
halo.py); grid (n, rows, columns, 2) normalized (x, y); fill (channels,) of the dtype to
compute in, a tuple or an array (see bilinear.py). Points are worked on in runs of `TILE`,
whatever their row. Kernels that read a grid return how many of its coordinates were not
finite.
"""

import numpy as np

from ..jit import inner, kernel
from .bilinear import (
    blend,
    blend_checked,
    locate,
    locate_checked,
    scatter,
    scatter_checked,
    slopes_along,
    slopes_along_checked,
    tile_buffers,
)
from .halo import blank_halo, halo_origin, put, take
from .locate_float32 import float32_axis, float32_suits, locate_float32
from .nearest import copy_nearest, scatter_nearest
from .padding import multiply, padding_gains, reflect
from .rules import HALO, NEAREST, ZEROS
from .tiles import LARGEST, RUN, TILE
from .vector_neighbours import fetch_values
from .write import FIRST, write_fill


@kernel
def affine(theta, offsets, steps, largest, out):
    """Grid of theta (n, 2, 3): out (n, rows, columns, 2) over x, y = offset + step * index.

    No value of a finite theta passes `largest`, the largest number of out's dtype.
    """
    n, rows, columns, _ = out.shape
    for i in range(n):
        t = theta[i]
        for r in range(rows):
            y = offsets[1] + steps[1] * r
            for j in range(columns):
                x = offsets[0] + steps[0] * j
                for k in range(2):
                    value = t[k, 0] * x + t[k, 1] * y + t[k, 2]
                    out[i, r, j, k] = min(max(value, -largest), largest)


@inner
def grid_coordinates(grid, first, size, gains, offsets, xs, ys):
    """Pixel coordinates, in float64, of `size` points of a flat grid from `first` on.

    None overflows; what is not finite becomes NaN, and is counted.
    """
    not_finite = 0
    for k in range(np.uint64(size)):
        at = np.uint64(2) * (np.uint64(first) + k)
        x, y = np.float64(grid[at]), np.float64(grid[at + np.uint64(1)])
        finite = x - x == 0 and y - y == 0
        not_finite += not finite
        x = min(max(gains[0] * x + offsets[0], -LARGEST), LARGEST)
        y = min(max(gains[1] * y + offsets[1], -LARGEST), LARGEST)
        xs[k] = x if finite else np.nan
        ys[k] = y if finite else np.nan
    return not_finite


@inner
def run_shares(xs, ys, size, width, height, has_halo, padding_mode, not_finite):
    """How many of a run's points have no neighbour, have all, and must be checked.

    All or none, each; see `affine_warp.tile_shares`.
    """
    if has_halo == 1:
        plain = size if not_finite == 0 else 0
        return 0, plain, size - plain
    with_all = with_none = 0
    for k in range(np.uint64(size)):  # "&", not "and": without branches it vectorizes
        x, y = xs[k], ys[k]
        with_all += (x >= 0) & (x < width - 1) & (y >= 0) & (y < height - 1)
        with_none += (x < -1) | (x >= width) | (y < -1) | (y >= height)
    beyond = size if with_none == size and padding_mode == ZEROS else 0
    plain = size if with_all == size else 0
    return beyond, plain, size - beyond - plain


@kernel
def sample(images, grid, gains, offsets, rules, fill, out):
    """Sample each image at its grid; pixel = gain * normalized + offset along (x, y)."""
    height, width = images.shape[1:3]
    xs, ys, offset, fractions, left, upper = tile_buffers(fill)
    points = grid.shape[1] * grid.shape[2]
    pending = np.empty(-(-points // RUN), np.int64)
    not_finite = 0
    for i in range(len(images)):
        not_finite += sample_one(
            images[i].reshape(-1), height, width, 0, grid[i].reshape(-1), gains, offsets,
            rules, fill, xs, ys, offset, fractions, left, upper,
            pending, out[i].reshape(-1),
        )  # fmt: skip
    return not_finite


@kernel
def sample_with_halo(images, grid, gains, offsets, rules, fill, out):
    """As `sample`, bilinear, each image being put into a halo first.

    A kernel of its own: where every image has a halo, no point needs a check (0.5 ns each).
    Buffers are handed on one by one: unpacking a tuple of them counts each as a reference,
    0.3 us an image.
    """
    n, height, width = images.shape[:3]
    channels = len(fill)
    xs, ys, offset, fractions, left, upper = tile_buffers(fill)
    points, values = grid.shape[1] * grid.shape[2], height * width * channels
    pending = np.empty(-(-points // TILE), np.int64)
    haloed = blank_halo(height, width, fill, images, 1)
    all_flat, all_grid, all_out = images.reshape(-1), grid.reshape(-1), out.reshape(-1)
    not_finite = 0
    for i in range(n):
        put(all_flat[i * values : (i + 1) * values], height, width, channels, haloed)
        not_finite += sample_one(
            haloed, height, width, 1, all_grid[2 * i * points : 2 * (i + 1) * points], gains,
            offsets, rules, fill, xs, ys, offset, fractions, left,
            upper, pending, all_out[i * points * channels : (i + 1) * points * channels],
        )  # fmt: skip
    return not_finite


@inner
def sample_one(
    flat, height, width, has_halo, where, gains, offsets, rules, fill,
    xs, ys, offset, fractions, left, upper, pending, to,
):  # fmt: skip
    """Sample a flat image: located in float32 where that will do, then what is left over.

    In two loops: arrays that are used on one branch only are counted as references there,
    80 ns a run. A large grid's next run is fetched ahead: a seventh off the time of a grey
    photo, a quarter off one in colours.
    """
    channels, stride, origin = len(fill), width + HALO * has_halo, halo_origin(width, has_halo)
    suits = float32_suits(where, fractions, rules, height, width, stride)
    x_axis = float32_axis(gains[0], offsets[0], width)
    y_axis = float32_axis(gains[1], offsets[1], height)
    points = where.size // 2
    not_finite = 0
    left_over = 0
    step = TILE if has_halo == 1 else RUN
    for first in range(0, points, step):
        size = min(step, points - first)
        fetch_values(where, 2 * (first + step), 2 * step * (1 - has_halo))
        located, beyond = locate_float32(
            where, first, size if suits else 0, x_axis, y_axis, width, height, has_halo,
            stride, origin, offset, fractions,
        )  # fmt: skip
        blend(flat, stride, offset, fractions, FIRST, located, fill, to, first * channels)
        write_fill(fill, beyond, to, first * channels)
        pending[left_over] = first
        left_over += located + beyond < size
    for part in range(left_over * (step // RUN)):
        first = pending[part * RUN // step] + part * RUN % step
        size = max(min(RUN, points - first), 0)
        bad = grid_coordinates(where, first, size, gains, offsets, xs, ys)
        not_finite += bad
        at = first * channels
        if rules.mode == NEAREST:
            copy_nearest(flat, xs, ys, size, width, height, rules, fill, to, at)
            continue
        beyond, plain, checked = run_shares(
            xs, ys, size, width, height, has_halo, rules.padding, bad
        )
        reflect(xs, ys, size, width, height, rules)
        locate(xs, ys, plain, width, height, rules.padding, stride, origin, offset, fractions)
        blend(flat, stride, offset, fractions, FIRST, plain, fill, to, at)
        write_fill(fill, beyond, to, at)
        if checked > 0:
            locate_checked(xs, ys, size, width, height, rules.padding, left, upper, fractions)
            blend_checked(
                flat, width, height, stride, origin, left, upper, fractions, FIRST, size, fill,
                to, at,
            )  # fmt: skip
    return not_finite


@kernel
def grid_scatter(dout, grid, gains, offsets, rules, fill, has_halo, dimages):
    """Add the gradient by the images to dimages."""
    height, width = dimages.shape[1:3]
    channels, stride, origin = len(fill), width + HALO * has_halo, halo_origin(width, has_halo)
    haloed = blank_halo(height, width, fill, dimages, has_halo)
    xs, ys, offset, fractions, left, upper = tile_buffers(fill)
    points = grid.shape[1] * grid.shape[2]
    for i in range(len(dimages)):
        d, own, where = dout[i].reshape(-1), dimages[i].reshape(-1), grid[i].reshape(-1)
        dflat = own
        if has_halo == 1:
            put(own, height, width, channels, haloed)
            dflat = haloed
        for first in range(0, points, TILE):
            size = min(TILE, points - first)
            bad = grid_coordinates(where, first, size, gains, offsets, xs, ys)
            at = first * channels
            if rules.mode == NEAREST:
                scatter_nearest(d, at, xs, ys, size, width, height, rules, fill, dflat)
                continue
            beyond, plain, checked = run_shares(
                xs, ys, size, width, height, has_halo, rules.padding, bad
            )
            reflect(xs, ys, size, width, height, rules)
            locate(xs, ys, plain, width, height, rules.padding, stride, origin, offset, fractions)
            scatter(d, at, stride, offset, fractions, FIRST, plain, fill, dflat)
            if checked > 0:
                locate_checked(xs, ys, size, width, height, rules.padding, left, upper, fractions)
                scatter_checked(
                    d, at, width, height, stride, origin, left, upper, fractions, FIRST, size, fill,
                    dflat,
                )  # fmt: skip
        if has_halo == 1:
            take(haloed, height, width, channels, own)


@kernel
def grid_gradient(dout, images, has_halo, grid, gains, offsets, rules, fill, dgrid):
    """Write the gradient by the grid (bilinear) to dgrid; counts the not finite."""
    height, width = images.shape[1:3]
    channels, stride, origin = len(fill), width + HALO * has_halo, halo_origin(width, has_halo)
    haloed = blank_halo(height, width, fill, images, has_halo)
    xs, ys, offset, fractions, left, upper = tile_buffers(fill)
    along_x, along_y = np.empty_like(fractions[0]), np.empty_like(fractions[0])
    gains_x, gains_y = np.empty_like(fractions[0]), np.empty_like(fractions[0])
    points = grid.shape[1] * grid.shape[2]
    not_finite = 0
    for i in range(len(images)):
        flat, d = images[i].reshape(-1), dout[i].reshape(-1)
        where, dwhere = grid[i].reshape(-1), dgrid[i].reshape(-1)
        if has_halo == 1:
            put(flat, height, width, channels, haloed)
            flat = haloed
        for first in range(0, points, TILE):
            size = min(TILE, points - first)
            bad = grid_coordinates(where, first, size, gains, offsets, xs, ys)
            not_finite += bad
            beyond, plain, checked = run_shares(
                xs, ys, size, width, height, has_halo, rules.padding, bad
            )
            padding_gains(xs, size, width, rules, gains_x)
            padding_gains(ys, size, height, rules, gains_y)
            reflect(xs, ys, size, width, height, rules)
            locate(xs, ys, plain, width, height, rules.padding, stride, origin, offset, fractions)
            at = first * channels
            slopes_along(
                flat, stride, offset, fractions, FIRST, plain, fill, d, at, along_x, along_y
            )
            if checked > 0:
                locate_checked(xs, ys, size, width, height, rules.padding, left, upper, fractions)
                slopes_along_checked(
                    flat, width, height, stride, origin, left, upper, fractions, FIRST, size, fill,
                    d, at, along_x, along_y,
                )  # fmt: skip
            multiply(along_x, gains_x, size, rules.padding)
            multiply(along_y, gains_y, size, rules.padding)
            for k in range(beyond):
                along_x[k] = along_y[k] = 0
            for k in range(size):
                dwhere[2 * (first + k)] = along_x[k] * gains[0]
                dwhere[2 * (first + k) + 1] = along_y[k] * gains[1]
    return not_finite
