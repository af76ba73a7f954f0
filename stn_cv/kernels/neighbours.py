"""The inmost loops of sampling for one, three and four channels, written in vectors.

The compiler vectorizes no loop that gathers. But both neighbours of a row can be loaded
together: of one channel as a pair, four points being worked on at once; of colours as two
vectors of four. Blending takes 0.5 ns a point of one channel instead of 0.9, 1.3 of three
instead of 2.1, and their slopes 0.5 and 1.9 instead of 1.1 and 2.5; the warp of a photo of uint8,
whose values need no conversion one by one, takes half as long.

Nothing beyond a point's four neighbours is read, and nothing beyond the run is read or
written: its last point of colours is left to the loop that works on one value at a time.
Where bounds are checked, or without the compiler, all points are.
"""

from typing import Any

import numpy as np
from numba import config, types
from numba.core.cgutils import ir
from numba.extending import intrinsic, overload

from .coordinates import TILE
from .jit import kernel
from .vectors import (
    FLAGS,
    INT64,
    array,
    converted,
    lerp,
    load,
    multiply_add,
    rounded,
    shuffle,
    splat,
    store,
)

POINTS = 4  # of one channel at once
FETCHED = 4  # of so many points of a tile one is fetched


def blend_vectors(flat, stride, offsets, fractions, first, points, fill, out, at):
    """Write some of a run's points to out[at:]; returns how many, counted from its first."""
    return 0


def slopes_vectors(
    flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y
):
    """Slopes of some of a run's points; returns how many, counted from its first."""
    return 0


@overload(blend_vectors)
def _blend(flat, stride, offsets, fractions, first, points, fill, out, at):
    def none(flat, stride, offsets, fractions, first, points, fill, out, at):
        return 0

    def pairs(flat, stride, offsets, fractions, first, points, fill, out, at):
        taken = points if points >= POINTS else 0
        for begin in range(0, taken, POINTS):
            k = min(begin, points - POINTS)  # the last ones may be written twice
            _blend_pairs(flat, stride, offsets, fractions, first + k, fill, out, at + k)
        return taken

    def colours(flat, stride, offsets, fractions, first, points, fill, out, at):
        taken = max(points - 1, 0)
        for k in range(taken):
            to = at + k * len(fill)
            _blend_colours(flat, stride, offsets, fractions, first + k, fill, out, to)
        return taken

    return _suited(fill, none, pairs, colours)


@overload(slopes_vectors)
def _slopes(flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y):
    def none(flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y):
        return 0

    def pairs(flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y):
        taken = points if points >= POINTS else 0
        for begin in range(0, taken, POINTS):
            k, of = first + min(begin, points - POINTS), at + min(begin, points - POINTS)
            _slopes_pairs(flat, stride, offsets, fractions, k, fill, dout, of, along_x, along_y)
        return taken

    def colours(flat, stride, offsets, fractions, first, points, fill, dout, at, along_x, along_y):
        taken = max(points - 1, 0)
        for k in range(taken):
            at_k, of = first + k, at + k * len(fill)
            _slopes_colours(
                flat, stride, offsets, fractions, at_k, fill, dout, of, along_x, along_y
            )
        return taken

    return _suited(fill, none, pairs, colours)


def _suited(fill: Any, none: Any, pairs: Any, colours: Any) -> Any:
    """The implementation for a number of channels."""
    if config.BOUNDSCHECK or not isinstance(fill, types.UniTuple) or fill.count == 2:
        return none
    return pairs if fill.count == 1 else colours


class _Values:
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
            self._joined([b.gep(start, [pixel]) for pixel in upper])
            for start in (self.flat, b.gep(self.flat, [self.stride]))
        )
        fx, fy = (
            load(b, self.vector, b.gep(self.fractions, [b.add(self.k, INT64(i))]))
            for i in (0, TILE)
        )
        return top, bottom, fx, fy

    def _joined(self, pointers: list[Any]) -> Any:
        b = self.b
        parts = [load(b, ir.VectorType(p.type.pointee, 2), p) for p in pointers]
        while len(parts) > 1:
            places = range(2 * parts[0].type.count)
            halves = zip(parts[::2], parts[1::2], strict=True)
            parts = [shuffle(b, places, x, y) for x, y in halves]
        return converted(b, parts[0], self.number)

    def colours(self) -> tuple[list[Any], Any, Any]:
        """The four neighbours of a point, row by row, and its fractions (fx, fy).

        Of three channels, right ones are the last three of four values from the left
        neighbour's third on, and are turned to the front by `front`.
        """
        b, channels = self.b, INT64(self.channels)
        upper = b.mul(b.sext(b.load(b.gep(self.offsets, [self.k])), INT64), channels)
        lower = b.add(upper, b.mul(self.stride, channels))
        skip = INT64(2 if self.channels == 3 else 4)
        four = ir.VectorType(self.flat.type.pointee, 4)
        neighbours = [
            converted(b, load(b, four, b.gep(self.flat, [at])), self.number)
            for at in (upper, b.add(upper, skip), lower, b.add(lower, skip))
        ]
        fx, fy = (
            splat(b, self.vector, b.load(b.gep(self.fractions, [b.add(self.k, INT64(i))])))
            for i in (0, TILE)
        )
        return neighbours, fx, fy

    def front(self, right: Any) -> Any:
        return shuffle(self.b, [1, 2, 3, 3], right) if self.channels == 3 else right


def _minus(b: Any, x: Any, y: Any) -> Any:
    return b.fsub(x, y, flags=FLAGS)


@intrinsic
def _blend_pairs(typing, flat, stride, offsets, fractions, k, fill, out, to):
    """Blend `POINTS` points of one channel."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        top, bottom, fx, fy = _Values(context, b, signature, args).pairs()
        both = lerp(b, top, bottom, shuffle(b, [i // 2 for i in range(2 * POINTS)], fy))
        left, right = (shuffle(b, range(i, 2 * POINTS, 2), both) for i in (0, 1))
        result = lerp(b, left, right, fx)
        y = array(context, b, signature, args, 6).data
        store(b, rounded(b, result, y.type.pointee), b.gep(y, [args[7]]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(flat, i, offsets, fractions, i, fill, out, i), generate


@intrinsic
def _blend_colours(typing, flat, stride, offsets, fractions, k, fill, out, to):
    """Blend one point of three or four channels; of three, a fourth value is written."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        values = _Values(context, b, signature, args)
        (v00, v01, v10, v11), fx, fy = values.colours()
        left, right = lerp(b, v00, v10, fy), values.front(lerp(b, v01, v11, fy))
        result = lerp(b, left, right, fx)
        y = array(context, b, signature, args, 6).data
        store(b, rounded(b, result, y.type.pointee), b.gep(y, [args[7]]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(flat, i, offsets, fractions, i, fill, out, i), generate


@intrinsic
def _slopes_pairs(typing, flat, stride, offsets, fractions, k, fill, dout, of, along_x, along_y):
    """Slopes of `POINTS` points of one channel, times the output's gradient."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        values = _Values(context, b, signature, args)
        top, bottom, fx, fy = values.pairs()
        (v00, v01), (v10, v11) = (
            [shuffle(b, range(i, 2 * POINTS, 2), row) for i in (0, 1)] for row in (top, bottom)
        )
        dY, to_x, to_y = (array(context, b, signature, args, i).data for i in (6, 8, 9))
        d = load(b, values.vector, b.gep(dY, [args[7]]))
        by_x, by_y = _slopes_of(b, v00, v01, v10, v11, fx, fy)
        for slope, to in ((by_x, to_x), (by_y, to_y)):
            store(b, b.fmul(d, slope, flags=FLAGS), b.gep(to, [values.k]))
        return context.get_dummy_value()

    i = types.int64
    arrays = (fill, dout, i, along_x, along_y)
    return types.void(flat, i, offsets, fractions, i, *arrays), generate


@intrinsic
def _slopes_colours(typing, flat, stride, offsets, fractions, k, fill, dout, of, along_x, along_y):
    """Slopes of one point of three or four channels, times the output's gradient."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        values = _Values(context, b, signature, args)
        (v00, v01, v10, v11), fx, fy = values.colours()
        dY, to_x, to_y = (array(context, b, signature, args, i).data for i in (6, 8, 9))
        d = load(b, values.vector, b.gep(dY, [args[7]]))
        if values.channels == 3:  # the fourth belongs to the next point
            d = shuffle(b, [0, 1, 2, 4], d, ir.Constant(values.vector, [values.number(0)] * 4))
        slopes = _slopes_of(b, v00, values.front(v01), v10, values.front(v11), fx, fy)
        by_x, by_y = (b.fmul(d, slope, flags=FLAGS) for slope in slopes)
        halves = (shuffle(b, places, by_x, by_y) for places in ([0, 4, 1, 5], [2, 6, 3, 7]))
        total = b.fadd(*halves, flags=FLAGS)
        total = b.fadd(total, shuffle(b, [2, 3, 0, 1], total), flags=FLAGS)
        for i, to in enumerate((to_x, to_y)):
            b.store(b.extract_element(total, INT64(i)), b.gep(to, [values.k]))
        return context.get_dummy_value()

    i = types.int64
    arrays = (fill, dout, i, along_x, along_y)
    return types.void(flat, i, offsets, fractions, i, *arrays), generate


def _slopes_of(b: Any, v00: Any, v01: Any, v10: Any, v11: Any, fx: Any, fy: Any) -> Any:
    top, bottom, left = _minus(b, v01, v00), _minus(b, v11, v10), _minus(b, v10, v00)
    twist = _minus(b, bottom, top)
    return multiply_add(b, fy, twist, top), multiply_add(b, fx, twist, left)


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


@kernel
def fetch(flat, channels, stride, x, y, offsets, points):
    """Have memory bring what lies (x, y) from a tile's points, which is needed next.

    A fifth of the time of a large image's warp was waiting for it.
    """
    ahead = np.int64(np.rint(y)) * stride + np.int64(np.rint(x))
    for k in range(0, points, FETCHED):
        prefetch(flat, (offsets[k] + ahead) * channels)
