"""The fused affine warp: points of a tile are located and blended, with no grid array.

The four corners of a tile tell whether all of it lies in the image, where nothing needs to
be checked. `halo` makes this true of the others: each image as a whole, or each part at
which a tile on the edge looks, is put into a halo first (see halo.py); a `has_halo` of 1 is
the first of them.

images (n, height, width, channels); matrices (n, 2, 3) float64, pixel output to source; fill
(channels,) of the dtype to compute in, a tuple or an array (see bilinear.py); out (n, rows,
columns, channels), whose first row is row `first_row` of the whole output.
"""

import numpy as np

from ..jit import REASSOCIATE, inner, kernel
from .bilinear import (
    blend,
    blend_checked,
    locate,
    locate_checked,
    locate_steps,
    scatter,
    scatter_checked,
    slopes_along,
    slopes_along_checked,
    tile_buffers,
)
from .halo import (
    LARGEST_BOX,
    blank_halo,
    clear,
    halo_origin,
    put,
    put_box,
    take,
)
from .nearest import copy_nearest, scatter_nearest
from .padding import multiply, padding_gains, reflect
from .rules import BOXES, HALO, WHOLE, ZEROS
from .tiles import (
    INSIDE,
    MIXED,
    OUTSIDE,
    TILE,
    UNSTEPPED,
    all_plain,
    box_of,
    fill_steps,
    fill_table,
    kind_of,
    source_of,
    tile_at,
    tile_coordinates,
    tiles_of,
)
from .vector_neighbours import fetch, fetch_values
from .write import write_fill


@inner
def tile_shares(kind, size, has_halo, padding_mode):
    """How many of a tile's points lie beyond the image, and how many are located by steps.

    All or none. Passes are then called with so many points, often none: an array that is
    used on one branch only is counted as a reference there, which costs more than the call.
    """
    haloed = kind == MIXED and has_halo == 1 and padding_mode == ZEROS
    return size if kind == OUTSIDE else 0, size if kind == INSIDE or haloed else 0


@kernel
def warp(images, halo, matrices, first_row, rules, fill, out):
    """Warp each image by its matrix, bilinear."""
    height, width = images.shape[1:3]
    has_halo, boxes = np.int64(halo == WHOLE), halo == BOXES and rules.padding == ZEROS
    rows, columns = out.shape[1:3]
    channels, stride, origin = len(fill), width + HALO * has_halo, halo_origin(width, has_halo)
    haloed = blank_halo(height, width, fill, images, has_halo)
    xs, ys, offsets, fractions, left, upper = tile_buffers(fill)
    across, down = np.empty_like(fractions[0]), np.empty_like(fractions[0])
    x_steps, y_steps = np.empty(TILE, np.int32), np.empty(TILE, np.int32)
    box = np.empty(LARGEST_BOX * channels * boxes, images.dtype)
    table = 0
    for i in range(len(images)):
        flat, to = images[i].reshape(-1), out[i].reshape(-1)
        if has_halo == 1:
            put(flat, height, width, channels, haloed)
            flat = haloed
        x_across, y_across = matrices[i, 0, 0], matrices[i, 1, 0]
        stepped_width, fits = 0, False
        for number in range(tiles_of(rows, columns)):
            r, c, size, wide = tile_at(number, rows, columns)
            if wide != stepped_width:
                fits = fractions.itemsize == 4 and fill_steps(matrices[i], wide, x_steps, y_steps)
                stepped_width = wide
            x, y = source_of(matrices[i], r + first_row, c)
            kind = UNSTEPPED
            if fits:
                kind = kind_of(x, y, x_steps, y_steps, size, wide, width, height, rules.padding)
            seen, pitch, first = flat, stride, origin
            fetched = size if kind == INSIDE and has_halo == 0 else 0  # haloed images are small
            if kind == MIXED and boxes:
                column, row, across_box, down_box = box_of(x, y, x_steps, y_steps, size, wide)
                if across_box * down_box <= LARGEST_BOX:
                    put_box(flat, width, height, column, row, across_box, down_box, fill, box)
                    seen, pitch, first = box, across_box, -(row * across_box + column)
                    kind = INSIDE
            beyond, stepped = tile_shares(kind, size, has_halo, rules.padding)
            plain, checked = stepped, 0
            locate_steps(
                x, y, x_steps, y_steps, stepped, width, height, pitch, first, offsets, fractions
            )
            fetch(flat, channels, stride, x_across * wide, y_across * wide, offsets, fetched)
            if stepped + beyond == 0:
                fill_table(wide, 0 if wide == table else TILE, across, down)
                table = wide
                tile_coordinates(matrices[i], r + first_row, c, size, across, down, xs, ys)
                plain = size if all_plain(xs, ys, size, wide, width, height, has_halo) else 0
                checked = size - plain
                reflect(xs, ys, size, width, height, rules)
                locate(
                    xs, ys, plain, width, height, rules.padding, stride, origin, offsets, fractions
                )
                locate_checked(
                    xs, ys, checked, width, height, rules.padding, left, upper, fractions
                )
            run = size if wide == columns else wide
            for k in range(0, size, run):
                at = ((r + k // wide) * columns + c) * channels
                blend(seen, pitch, offsets, fractions, k, min(run, plain), fill, to, at)
                write_fill(fill, min(run, beyond), to, at)
                if checked > 0:
                    blend_checked(
                        flat, width, height, stride, origin, left, upper, fractions, k, run, fill,
                        to, at,
                    )  # fmt: skip


@kernel
def warp_backward(
    dout, images, has_halo, matrices, first_row, rules, fill, fresh,
    dmatrices, dimages,
):  # fmt: skip
    """Write the gradient by the matrices (bilinear) and, if `fresh`, that by the images.

    To dmatrices (n, 2, 3), float64, and to dimages, of the images' shape, or without rows
    where it is not wanted; it is added to where it is not fresh. Neighbours are looked at a
    second time: to keep the slopes of the forward pass instead took longer, in memory, than to
    find them again. Fetching what the next tile needs takes two fifths off a large image.
    """
    wanted = dimages.shape[1] > 0
    height, width = images.shape[1:3]
    rows, columns = dout.shape[1:3]
    channels, stride, origin = len(fill), width + HALO * has_halo, halo_origin(width, has_halo)
    haloed = blank_halo(height, width, fill, images, has_halo)
    dhaloed = np.empty(len(haloed) * np.int64(wanted), images.dtype)
    xs, ys, offsets, fractions, left, upper = tile_buffers(fill)
    across, down = np.empty_like(fractions[0]), np.empty_like(fractions[0])
    x_steps, y_steps = np.empty(TILE, np.int32), np.empty(TILE, np.int32)
    along_x, along_y = np.empty_like(across), np.empty_like(across)
    gains_x, gains_y = np.empty_like(across), np.empty_like(across)
    table = 0
    for i in range(len(images)):
        flat, d, gradient = images[i].reshape(-1), dout[i].reshape(-1), dmatrices[i]
        own = dimages[i].reshape(-1)
        dflat = own
        gradient[:] = 0
        if has_halo == 1:
            put(flat, height, width, channels, haloed)
            flat = haloed
            if wanted:
                clear(dhaloed)
                dflat = dhaloed
                if not fresh:
                    put(own, height, width, channels, dhaloed)
        elif fresh:
            clear(own)
        x_across, y_across = matrices[i, 0, 0], matrices[i, 1, 0]
        stepped_width, fits = 0, False
        for number in range(tiles_of(rows, columns)):
            r, c, size, wide = tile_at(number, rows, columns)
            if wide != stepped_width:
                fits = fractions.itemsize == 4 and fill_steps(matrices[i], wide, x_steps, y_steps)
                stepped_width = wide
            x, y = source_of(matrices[i], r + first_row, c)
            kind = UNSTEPPED
            if fits:
                kind = kind_of(x, y, x_steps, y_steps, size, wide, width, height, rules.padding)
            fetched = size if kind == INSIDE and has_halo == 0 else 0
            beyond, stepped = tile_shares(kind, size, has_halo, rules.padding)
            plain, checked = stepped, 0
            locate_steps(
                x, y, x_steps, y_steps, stepped, width, height, stride, origin, offsets, fractions
            )
            ahead = x_across * wide, y_across * wide
            fetch(flat, channels, stride, *ahead, offsets, fetched)
            fetch(dflat, channels, stride, *ahead, offsets, fetched * wanted)
            fill_table(wide, 0 if wide == table else TILE, across, down)
            table = wide
            if stepped + beyond == 0:
                tile_coordinates(matrices[i], r + first_row, c, size, across, down, xs, ys)
                plain = size if all_plain(xs, ys, size, wide, width, height, has_halo) else 0
                checked = size - plain
                padding_gains(xs, size, width, rules, gains_x)
                padding_gains(ys, size, height, rules, gains_y)
                reflect(xs, ys, size, width, height, rules)
                locate(
                    xs, ys, plain, width, height, rules.padding, stride, origin, offsets, fractions
                )
                locate_checked(
                    xs, ys, checked, width, height, rules.padding, left, upper, fractions
                )
            run = size if wide == columns else wide
            for k in range(0, size, run):
                at = ((r + k // wide) * columns + c) * channels
                fetch_values(d, at + run * channels, min(run, fetched) * channels)
                slopes_along(
                    flat, stride, offsets, fractions, k, min(run, plain), fill, d, at,
                    along_x, along_y,
                )  # fmt: skip
                scattered = min(run, plain) * wanted
                scatter(d, at, stride, offsets, fractions, k, scattered, fill, dflat)
                if checked > 0:
                    slopes_along_checked(
                        flat, width, height, stride, origin, left, upper, fractions, k, run, fill,
                        d, at, along_x, along_y,
                    )  # fmt: skip
                    scatter_checked(
                        d, at, width, height, stride, origin, left, upper, fractions, k,
                        run * wanted, fill, dflat,
                    )  # fmt: skip
            if stepped + beyond == 0:
                multiply(along_x, gains_x, size, rules.padding)
                multiply(along_y, gains_y, size, rules.padding)
            add_moments(along_x, across, down, size - beyond, r + first_row, c, gradient[0])
            add_moments(along_y, across, down, size - beyond, r + first_row, c, gradient[1])
        if has_halo == 1 and wanted:
            take(dhaloed, height, width, channels, own)


@inner(fastmath=REASSOCIATE)
def add_moments(along, across, down, size, row, column, moments):
    """Add a tile's sums of slopes, times column, times row, and alone."""
    of_columns = of_rows = alone = along.dtype.type(0)
    for k in range(np.uint64(size)):
        of_columns += along[k] * across[k]
        of_rows += along[k] * down[k]
        alone += along[k]
    moments[0] += of_columns + np.float64(alone) * column
    moments[1] += of_rows + np.float64(alone) * row
    moments[2] += alone


@kernel
def warp_nearest(images, matrices, first_row, rules, fill, out):
    """Warp each image by its matrix, nearest neighbour."""
    height, width = images.shape[1:3]
    rows, columns = out.shape[1:3]
    xs, ys, across, down = np.empty(TILE), np.empty(TILE), np.arange(TILE) * 1.0, np.zeros(TILE)
    for i in range(len(images)):
        flat, to = images[i].reshape(-1), out[i].reshape(-1)
        for r in range(rows):
            for first in range(0, columns, TILE):
                size = min(TILE, columns - first)
                tile_coordinates(matrices[i], r + first_row, first, size, across, down, xs, ys)
                at = (r * columns + first) * len(fill)
                copy_nearest(flat, xs, ys, size, width, height, rules, fill, to, at)


@kernel
def warp_nearest_scatter(dout, matrices, rules, fill, dimages):
    """Add the gradient by the images (nearest) to dimages (n, height, width, channels)."""
    height, width = dimages.shape[1:3]
    rows, columns = dout.shape[1:3]
    xs, ys, across, down = np.empty(TILE), np.empty(TILE), np.arange(TILE) * 1.0, np.zeros(TILE)
    for i in range(len(dimages)):
        d, dflat = dout[i].reshape(-1), dimages[i].reshape(-1)
        for r in range(rows):
            for first in range(0, columns, TILE):
                size = min(TILE, columns - first)
                tile_coordinates(matrices[i], r, first, size, across, down, xs, ys)
                at = (r * columns + first) * len(fill)
                scatter_nearest(d, at, xs, ys, size, width, height, rules, fill, dflat)
