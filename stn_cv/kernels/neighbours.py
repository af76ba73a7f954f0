"""The inmost loops of sampling for one, three and four channels, written in vectors.

The compiler vectorizes no loop that gathers. But both neighbours of a row can be loaded
together: of one channel as a pair, four points being worked on at once; of colours as two
vectors of four. 0.5 ns a point of one channel instead of 0.9, 1.3 of three instead of 2.1;
the warp of a photo of uint8, whose values need no conversion one by one, takes half as long.

Nothing beyond a point's four neighbours is read, and nothing beyond the run is written:
its last point of colours is left to the loop that works on one value at a time. Where
bounds are checked, or without the compiler, all points are.
"""

from typing import Any

from numba import config, types
from numba.core.cgutils import ir
from numba.extending import intrinsic, overload

from .coordinates import TILE
from .vectors import (
    INT64,
    array,
    converted,
    lerp,
    load,
    rounded,
    shuffle,
    splat,
    store,
)

POINTS = 4  # of one channel at once


def blend_vectors(flat, stride, offsets, fractions, first, points, fill, out, at):
    """Write some of a run's points to out[at:]; returns how many, counted from its first."""
    return 0


@overload(blend_vectors)
def _compiled_blend_vectors(flat, stride, offsets, fractions, first, points, fill, out, at):
    if config.BOUNDSCHECK or not isinstance(fill, types.UniTuple) or fill.count == 2:
        return lambda flat, stride, offsets, fractions, first, points, fill, out, at: 0
    if fill.count == 1:
        return _blend_pairs
    return _blend_colours


def _blend_pairs(flat, stride, offsets, fractions, first, points, fill, out, at):
    taken = points if points >= POINTS else 0
    for begin in range(0, taken, POINTS):
        k = min(begin, points - POINTS)  # the last ones may be written twice
        _pairs(flat, stride, offsets, fractions, first + k, out, at + k)
    return taken


def _blend_colours(flat, stride, offsets, fractions, first, points, fill, out, at):
    taken = max(points - 1, 0)
    for k in range(taken):
        _colours(flat, stride, offsets, fractions, first + k, fill, out, at + k * len(fill))
    return taken


@intrinsic
def _pairs(typing, flat, stride, offsets, fractions, k, out, to):
    """Blend `POINTS` points of one channel."""

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, where, shares, y = (array(context, b, signature, args, i).data for i in (0, 2, 3, 5))
        stride, k, to = args[1], args[4], args[6]
        number = context.get_value_type(signature.args[3].dtype)
        vector = ir.VectorType(number, POINTS)
        fx, fy = (load(b, vector, b.gep(shares, [b.add(k, INT64(i))])) for i in (0, TILE))
        upper = [b.sext(b.load(b.gep(where, [b.add(k, INT64(i))])), INT64) for i in range(POINTS)]
        top, bottom = (
            _rows(b, number, [b.gep(start, [at]) for at in upper])
            for start in (x, b.gep(x, [stride]))
        )
        twice = shuffle(b, [i // 2 for i in range(2 * POINTS)], fy)
        both = lerp(b, top, bottom, twice)
        left, right = (shuffle(b, range(i, 2 * POINTS, 2), both) for i in (0, 1))
        result = rounded(
            b, lerp(b, left, right, fx), context.get_data_type(signature.args[5].dtype)
        )
        store(b, result, b.gep(y, [to]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(flat, i, offsets, fractions, i, out, i), generate


def _rows(b: Any, number: Any, pointers: list[Any]) -> Any:
    """Left and right neighbours in one row of each point, behind each other."""
    pairs = [load(b, ir.VectorType(p.type.pointee, 2), p) for p in pointers]
    while len(pairs) > 1:
        length = 2 * pairs[0].type.count
        pairs = [
            shuffle(b, range(length), x, y) for x, y in zip(pairs[::2], pairs[1::2], strict=True)
        ]
    return converted(b, pairs[0], number)


@intrinsic
def _colours(typing, flat, stride, offsets, fractions, k, fill, out, to):
    """Blend one point of three or four channels; of three, a fourth value is written."""
    channels = fill.count

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, where, shares, y = (array(context, b, signature, args, i).data for i in (0, 2, 3, 6))
        stride, k, to = args[1], args[4], args[7]
        number = context.get_value_type(signature.args[3].dtype)
        vector = ir.VectorType(number, 4)
        fx, fy = (splat(b, vector, b.load(b.gep(shares, [b.add(k, INT64(i))]))) for i in (0, TILE))
        upper = b.mul(b.sext(b.load(b.gep(where, [k])), INT64), INT64(channels))
        lower = b.add(upper, b.mul(stride, INT64(channels)))
        # The right neighbour's three values are the last three from the left one's third on.
        skip = 2 if channels == 3 else 4
        parts = [
            converted(b, load(b, ir.VectorType(x.type.pointee, 4), b.gep(x, [at])), number)
            for at in (upper, b.add(upper, INT64(skip)), lower, b.add(lower, INT64(skip)))
        ]
        left, right = lerp(b, parts[0], parts[2], fy), lerp(b, parts[1], parts[3], fy)
        if channels == 3:
            right = shuffle(b, [1, 2, 3, 3], right)
        result = rounded(
            b, lerp(b, left, right, fx), context.get_data_type(signature.args[6].dtype)
        )
        store(b, result, b.gep(y, [to]))
        return context.get_dummy_value()

    i = types.int64
    return types.void(flat, i, offsets, fractions, i, fill, out, i), generate
