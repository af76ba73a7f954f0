"""The inmost loops of convolution, written in vectors so that sums stay in registers.

A compiled loop over positions must load and store each output once for every few taps. Here
a span of outputs times positions is summed over all taps before it is stored: 1.2 to 3.3
times as fast, single images included. LLVM splits a vector into what the processor has, and
spans are as large as its registers hold.

Without the compiler the same is done in NumPy. Positions must exist: nothing is checked.
"""

from typing import Any

import numpy as np
from numba import config, types
from numba.core.cgutils import ir
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from ..llvm import FLAGS, INT32, INT64, array, load, multiply_add, splat, store

FEATURES = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
WIDE = "+avx512f" in FEATURES
REGISTER = 64 if WIDE else 32  # bytes
SPAN = 256 if WIDE else 64  # bytes of each output in a span
CACHED = 2**14  # bytes of the input that a span's taps read, at most, before other outputs do
PART = 64  # bytes in a smaller span, for what a row's spans leave over
TAPS = 4  # in a span of weights' gradients


def _span_of(outputs: int, size: int) -> Any:
    """A function that sums `outputs` rows of a span, each of `size` bytes, over some taps.

    span(flat, at, weights, o, offsets, first, stop, more, bias, out, to, step): output number
    o + i goes to out[to + i * step:], and takes flat[at + offsets[t]:] times weights[o + i, t].
    It begins with its bias or, if there are `more` taps before, with what is there.
    """

    def numpy_span(flat, at, weights, o, offsets, first, stop, more, bias, out, to, step):
        lanes = np.arange(size // flat.itemsize)
        x = flat[int(at) + offsets[first:stop, None] + lanes]
        for i in range(o, o + outputs):
            place = int(to) + (i - o) * int(step) + lanes
            start = out[place] if more else bias[i]
            out[place] = start + weights[i, first:stop] @ x

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        arrays = [array(context, b, signature, args, i) for i in (0, 2, 4, 8, 9)]
        x, w, offsets, bias, y = (each.data for each in arrays)
        at, o, first, stop, more, to, step = (args[i] for i in (1, 3, 5, 6, 7, 10, 11))
        taps = b.extract_value(arrays[1].shape, 1)
        number = context.get_value_type(signature.args[0].dtype)
        vector = ir.VectorType(number, size // context.get_abi_sizeof(number))
        rows = [b.add(o, INT64(i)) for i in range(outputs)]
        places = [b.gep(y, [b.add(to, b.mul(step, INT64(i)))]) for i in range(outputs)]
        starts = [
            b.select(more, load(b, vector, place), splat(b, vector, b.load(b.gep(bias, [row]))))
            for row, place in zip(rows, places, strict=True)
        ]
        weights = [b.gep(w, [b.mul(row, taps)]) for row in rows]
        x = b.gep(x, [at])

        def body(t: Any, sums: list[Any]) -> list[Any]:
            values = load(b, vector, b.gep(x, [b.load(b.gep(offsets, [t]))]))
            factors = [splat(b, vector, b.load(b.gep(row, [t]))) for row in weights]
            return [multiply_add(b, f, values, s) for f, s in zip(factors, sums, strict=True)]

        sums = _loop(b, first, stop, 1, starts, body)
        for place, total in zip(places, sums, strict=True):
            store(b, total, place)
        return context.get_dummy_value()

    def span(typing, flat, at, weights, o, offsets, first, stop, more, bias, out, to, step):
        u, i = types.uint64, types.int64
        return types.void(
            flat, u, weights, i, offsets, i, i, types.boolean, bias, out, u, u
        ), generate

    return numpy_span if config.DISABLE_JIT else intrinsic(span)


def _products_of(outputs: int, taps: int, one: bool) -> Any:
    """A function that adds up the products of `outputs` times `taps` rows.

    products(dY, o, row, end, begin, length, flat, stride, offsets, t, skip_o, skip_t, out):
    output rows `row` to `end`, in each the positions from `begin` to `length`, of which there
    is a whole number of vectors (`one`: of single values). Added to out[o:, t:], less what
    is skipped, which another call added before.
    """

    def numpy_products(dY, o, row, end, begin, length, flat, stride, offsets, t, skip_o, skip_t, out):  # fmt: skip # noqa: E501
        for r in range(row, end):
            at = r * stride + offsets[t + skip_t : t + taps, None] + np.arange(begin, length)
            d = dY[o + skip_o : o + outputs, r, begin:length]
            out[o + skip_o : o + outputs, t + skip_t : t + taps] += d @ flat[at].T

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        arrays = [array(context, b, signature, args, i) for i in (0, 6, 8, 12)]
        d, x, offsets, out = (each.data for each in arrays)
        o, row, end, begin, length, stride, t, skip_o, skip_t = (
            args[i] for i in (1, 2, 3, 4, 5, 7, 9, 10, 11)
        )
        rows, whole, all_taps = (
            b.extract_value(given.shape, axis)
            for given, axis in ((arrays[0], 1), (arrays[0], 2), (arrays[3], 1))
        )
        number = context.get_value_type(signature.args[0].dtype)
        lanes = 1 if one else REGISTER // context.get_abi_sizeof(number)
        vector = ir.VectorType(number, lanes)
        d_rows = [b.gep(d, [b.mul(b.mul(b.add(o, INT64(i)), rows), whole)]) for i in range(outputs)]
        x_rows = [b.gep(x, [b.load(b.gep(offsets, [b.add(t, INT64(i))]))]) for i in range(taps)]
        zero = ir.Constant(vector, [number(0)] * lanes)

        def body_of_row(r: Any, sums: list[Any]) -> list[Any]:
            of_d, of_x = b.mul(r, whole), b.mul(r, stride)
            ds, xs = ([b.gep(p, [a]) for p in ps] for ps, a in ((d_rows, of_d), (x_rows, of_x)))

            def body(j: Any, sums: list[Any]) -> list[Any]:
                values = [load(b, vector, b.gep(p, [j])) for p in xs]
                loaded = [load(b, vector, b.gep(p, [j])) for p in ds]
                pairs = [(g, v) for g in loaded for v in values]
                return [multiply_add(b, *p, s) for p, s in zip(pairs, sums, strict=True)]

            return _loop(b, begin, length, lanes, sums, body)

        sums = _loop(b, row, end, 1, [zero] * (outputs * taps), body_of_row)
        for i in range(outputs):
            for k in range(taps):
                at = b.add(b.mul(b.add(o, INT64(i)), all_taps), b.add(t, INT64(k)))
                total = _sum(b, sums[i * taps + k])
                seen = b.or_(
                    b.icmp_signed(">", skip_o, INT64(i)), b.icmp_signed(">", skip_t, INT64(k))
                )
                to = b.gep(out, [at])
                b.store(b.fadd(b.load(to), b.select(seen, number(0), total)), to)
        return context.get_dummy_value()

    def products(typing, dY, o, row, end, begin, length, flat, stride, offsets, t, skip_o, skip_t, out):  # fmt: skip # noqa: E501
        i = types.int64
        return types.void(dY, i, i, i, i, i, flat, i, offsets, i, i, i, out), generate

    return numpy_products if config.DISABLE_JIT else intrinsic(products)


def _loop(b: Any, first: Any, stop: Any, step: int, values: list[Any], body: Any) -> list[Any]:
    """``for i in range(first, stop, step): values = body(i, values)``; the values at the end."""
    before = b.basic_block
    head, inside, end = (b.append_basic_block(name) for name in ("head", "inside", "end"))
    b.branch(head)
    b.position_at_end(head)
    i, carried = b.phi(INT64), [b.phi(value.type) for value in values]
    b.cbranch(b.icmp_signed("<", i, stop), inside, end)
    b.position_at_end(inside)
    results = body(i, carried)
    after = b.add(i, INT64(step))
    for phi, start, result in zip([i, *carried], [first, *values], [after, *results], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(result, b.basic_block)
    b.branch(head)
    b.position_at_end(end)
    return carried


def _sum(b: Any, vector: Any) -> Any:
    """The sum of a vector's numbers, by halves."""
    count = vector.type.count
    while count > 1:
        count //= 2
        undefined = ir.Constant(vector.type, ir.Undefined)
        halves = [
            ir.Constant(ir.VectorType(INT32, count), list(range(start, start + count)))
            for start in (0, count)
        ]
        low, high = (b.shuffle_vector(vector, undefined, half) for half in halves)
        vector = b.fadd(low, high, flags=FLAGS)
    return b.extract_element(vector, INT32(0))


long_of_1 = _span_of(1, 2 * SPAN)  # one output alone needs more sums to keep busy
span_of_5, span_of_4, span_of_1 = (_span_of(outputs, SPAN) for outputs in (5, 4, 1))
part_of_5, part_of_4, part_of_1 = (_span_of(outputs, PART) for outputs in (5, 4, 1))
products_of_5, products_of_4 = (_products_of(outputs, TAPS, False) for outputs in (5, 4))
products_of_1 = _products_of(1, 1, False)
scalars_of_1 = _products_of(1, 1, True)
rows_of_1, single_rows_of_1 = (_products_of(1, 8, one) for one in (False, True))
