"""LLVM instructions on vectors, for the loops that the compiler does not vectorize itself."""

from typing import Any

import numpy as np
from numba import config, types
from numba.core.cgutils import ir
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

FLAGS = ("contract", "reassoc")
INT64, INT32 = ir.IntType(64), ir.IntType(32)


def array(context: Any, b: Any, signature: Any, args: Any, i: int) -> Any:
    """The array that is argument number i."""
    return context.make_array(signature.args[i])(context, b, args[i])


def load(b: Any, vector: Any, pointer: Any) -> Any:
    """A vector from any address of numbers."""
    return b.load(b.bitcast(pointer, vector.as_pointer()), align=1)


def store(b: Any, values: Any, pointer: Any) -> None:
    """A vector to any address."""
    b.store(values, b.bitcast(pointer, values.type.as_pointer()), align=1)


def multiply_add(b: Any, x: Any, y: Any, z: Any) -> Any:
    """``x * y + z``, which may be rounded once."""
    return b.fadd(b.fmul(x, y, flags=FLAGS), z, flags=FLAGS)


def splat(b: Any, vector: Any, value: Any) -> Any:
    """A vector of one number."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = b.insert_element(undefined, value, INT32(0))
    indices = ir.Constant(ir.VectorType(INT32, vector.count), [0] * vector.count)
    return b.shuffle_vector(first, undefined, indices)


def lerp(b: Any, x: Any, y: Any, f: Any) -> Any:
    """``x + f * (y - x)``, which is x where f is 0."""
    return multiply_add(b, f, b.fsub(y, x, flags=FLAGS), x)


def shuffle(b: Any, indices: Any, x: Any, y: Any = None) -> Any:
    """The numbers at `indices` of a vector, or of two behind each other."""
    y = ir.Constant(x.type, ir.Undefined) if y is None else y
    indices = list(indices)
    return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(INT32, len(indices)), indices))


def converted(b: Any, x: Any, number: Any) -> Any:
    """Unsigned integers or floats as floats."""
    wanted = ir.VectorType(number, x.type.count)
    return b.uitofp(x, wanted) if isinstance(x.type.element, ir.IntType) else x


def rounded(b: Any, x: Any, number: Any) -> Any:
    """Floats as floats, or as unsigned integers, rounded half to even."""
    if not isinstance(number, ir.IntType):
        return x
    name = f"llvm.rint.v{x.type.count}{x.type.element.intrinsic_name}"
    whole = b.call(b.module.declare_intrinsic(name, (), ir.FunctionType(x.type, [x.type])), [x])
    return b.fptoui(whole, ir.VectorType(number, x.type.count))


def _view_of(ndim: int, readonly: bool) -> Any:
    """A function that gives a part of a vector as an array: view(vector, at, shape).

    Slices and shapes that NumPy's way would allow take much longer to compile, and count
    references. Nothing is checked, and who holds the view must hold the vector.
    """

    def numpy_view(vector, at, shape):
        return vector[at : at + np.prod(shape)].reshape(shape)

    def generate(context: Any, b: Any, signature: Any, args: Any) -> Any:
        number, kind = context.get_value_type(signature.args[0].dtype), signature.return_type
        size = context.get_abi_sizeof(number)
        sides = [b.extract_value(args[2], axis) for axis in range(ndim)]
        strides = [INT64(size)]
        for side in reversed(sides[1:]):
            strides.insert(0, b.mul(strides[0], side))
        given, out = array(context, b, signature, args, 0), context.make_array(kind)(context, b)
        populate_array(out, b.gep(given.data, [args[1]]), sides, strides, INT64(size), None)
        return out._getvalue()

    def view(typing, vector, at, shape):
        wanted = types.UniTuple(types.int64, ndim)
        kind = types.Array(vector.dtype, ndim, "C", readonly=readonly)
        return kind(vector, types.int64, wanted), generate

    return numpy_view if config.DISABLE_JIT else intrinsic(view)


view_1d, view_3d = (_view_of(ndim, readonly=False) for ndim in (1, 3))
given_1d, given_2d = (_view_of(ndim, readonly=True) for ndim in (1, 2))
