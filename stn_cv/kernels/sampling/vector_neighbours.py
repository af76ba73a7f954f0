"""The four neighbours of points, loaded as vectors: what blends and gradients begin with.

The compiler vectorizes no loop that gathers. But both neighbours of a row can be loaded
together: of one channel as a pair, four points being worked on at once; of colours as two
vectors of four, two points at once.

Nothing beyond a point's four neighbours is read, and nothing beyond the run is read or
written: its last point of colours is left to the loop that works on one value at a time.
Where bounds are checked, or without the compiler, all points are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import config, types
from numba.core.cgutils import ir
from numba.extending import intrinsic, overload

from ..jit import inner
from ..llvm import INT64, array, converted, load, shuffle
from .tiles import TILE

POINTS = 4  # of one channel at once
COLOURS = 2  # points of three or four channels at once; of four it takes longer
FETCHED = 4  # of so many points of a tile one is fetched
LINE = 64  # bytes that memory brings at once


def suited(fill: Any, none: Any, pairs: Any, colours: Any) -> Any:
    """The implementation for a number of channels."""
    if config.BOUNDSCHECK or not isinstance(fill, types.UniTuple) or fill.count == 2:
        return none
    return pairs if fill.count == 1 else colours


class Neighbours:
    """What an intrinsic on (flat, stride, offsets, fractions, k, fill, ...) was given."""

    def __init__(self, context: Any, b: Any, signature: Any, args: Any) -> None:
        self.b, self.channels = b, signature.args[5].count
        self.stride, self.k = args[1], args[4]
        self.flat, self.offsets, self.fractions = (
            array(context, b, signature, args, i).data for i in (0, 2, 3)
        )
        self.number = context.get_value_type(signature.args[3].dtype)
        self.vector = ir.VectorType(self.number, 4)

    def pairs(self) -> tuple[Any, Any, Any, Any]:
        """(top, bottom) rows of pairs of `POINTS` points, and their fractions (fx, fy)."""
        b, at = self.b, [self.b.add(self.k, INT64(i)) for i in range(POINTS)]
        upper = [b.sext(b.load(b.gep(self.offsets, [k])), INT64) for k in at]
        top, bottom = (
            self.joined([b.gep(start, [pixel]) for pixel in upper], 2)
            for start in (self.flat, b.gep(self.flat, [self.stride]))
        )
        fx, fy = (
            load(b, self.vector, b.gep(self.fractions, [b.add(self.k, INT64(i))]))
            for i in (0, TILE)
        )
        return top, bottom, fx, fy

    def joined(self, pointers: Sequence[Any], count: int) -> Any:
        """So many values from each pointer on, behind each other."""
        b = self.b
        parts = [load(b, ir.VectorType(p.type.pointee, count), p) for p in pointers]
        while len(parts) > 1:
            indices = range(2 * parts[0].type.count)
            halves = zip(parts[::2], parts[1::2], strict=True)
            parts = [shuffle(b, indices, x, y) for x, y in halves]
        return converted(b, parts[0], self.number)

    def rows(self, i: int = 0) -> tuple[Any, Any]:
        """Where the upper left and the lower left neighbour of point k + i stand."""
        b, channels, k = self.b, INT64(self.channels), self.b.add(self.k, INT64(i))
        upper = b.mul(b.sext(b.load(b.gep(self.offsets, [k])), INT64), channels)
        lower = b.add(upper, b.mul(self.stride, channels))
        return b.gep(self.flat, [upper]), b.gep(self.flat, [lower])

    def fractions_at(self, axis: int) -> Any:
        """Where those along x (0) or y (1) stand, from a point's on."""
        return self.b.gep(self.fractions, [self.b.add(self.k, INT64(axis * TILE))])

    def colours(self, points: int = 1) -> tuple[list[Any], Any, Any]:
        """The four neighbours of some points, row by row, and their fractions (fx, fy).

        Of three channels, right ones are the last three of four values from the left
        neighbour's third on, and are turned to the front by `front`.
        """
        b, skip = self.b, INT64(2 if self.channels == 3 else 4)
        upper, lower = zip(*(self.rows(i) for i in range(points)), strict=True)
        neighbours = [
            self.joined(at, 4)
            for row in (upper, lower)
            for at in (row, [b.gep(start, [skip]) for start in row])
        ]
        some = ir.VectorType(self.number, points)
        fx, fy = (
            shuffle(b, [i // 4 for i in range(4 * points)], load(b, some, self.fractions_at(axis)))
            for axis in (0, 1)
        )
        return neighbours, fx, fy

    def front(self, right: Any) -> Any:
        """Right neighbours of three channels with their own values first."""
        if self.channels != 3:
            return right
        indices = [4 * (i // 4) + min(i % 4 + 1, 3) for i in range(right.type.count)]
        return shuffle(self.b, indices, right)


def prefetch(flat, at):
    """Say that a value will be needed soon; it need not exist."""


@intrinsic
def _prefetch(typing, flat, at):
    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        byte, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        start = array(context, b, signature, args, 0).data
        kind = ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32])
        hint = b.module.declare_intrinsic("llvm.prefetch.p0", (), kind)
        read, near, data = i32(0), i32(3), i32(1)
        b.call(hint, [b.bitcast(b.gep(start, [args[1]]), byte), read, near, data])
        return context.get_dummy_value()

    return types.void(flat, types.int64), generate


@overload(prefetch)
def _compiled_prefetch(flat, at):
    return lambda flat, at: _prefetch(flat, at)


@inner
def fetch(flat, channels, stride, x, y, offsets, points):
    """Have memory bring what lies (x, y) from a tile's points, which is needed next.

    A fifth of the time of a large image's warp was waiting for it.
    """
    ahead = np.int64(np.rint(y)) * stride + np.int64(np.rint(x))
    for k in range(0, points, FETCHED):
        prefetch(flat, (offsets[k] + ahead) * channels)


@inner
def fetch_values(flat, first, count):
    """Have memory bring so many values of a flat array from `first` on, line by line."""
    line = np.int64(LINE // flat.itemsize)
    for k in range(first, first + count, line):
        prefetch(flat, k)
