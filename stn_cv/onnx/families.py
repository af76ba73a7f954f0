"""A family's parameters as theta, and theta as the grid it shows, in operators.

Between operators theta is flat: (n, 6), (n, 9) or (n, 2 k k) for (n, 2, 3), (n, 3, 3) and
(n, k * k, 2). Convention as everywhere: output to source, (x, y) in [-1, 1],
``align_corners=False``.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError
from ..geometry import axes, normalized_from_pixel, pixel_from_normalized, spline_at_pixels
from ..geometry.homography import LEAST
from ..kernels.motion_kinds import LARGEST_SCALE
from .graph import Graph, Value

__all__ = ["THETAS", "composed", "grid", "products", "theta_of", "theta_shape"]

Shape = tuple[int, int]
IDENTITY: Array = np.eye(2, 3)
RIGHT_ANGLE: Array = np.array([[0.0, -1, 0], [1, 0, 0]])
FARTHEST = 1e6  # half sides: where a point behind the camera is put, outside every source
SHORTEST = 1e-30  # of what is divided by, so that nothing becomes NaN


def theta_of(graph: Graph, family: str, parameters: Value, input_shape: Shape) -> Value:
    """Flat theta of the parameters (n, p) of one look."""
    if family not in THETAS:
        raise InvalidInputError(
            f"no ONNX operators are known for the family {family!r}; known are "
            f"{', '.join(THETAS)}. Put a function that adds them into stn_cv.onnx.families.THETAS."
        )
    return THETAS[family](graph, parameters, input_shape)


def _translation(graph: Graph, parameters: Value, input_shape: Shape) -> Value:
    return _linear(graph, parameters, 2, {2: 0, 5: 1}, _gains(input_shape)[:2], IDENTITY)


def _attention(graph: Graph, parameters: Value, input_shape: Shape) -> Value:
    gains = _gains(input_shape)[:2]
    shift = _linear(graph, parameters, 3, {2: 1, 5: 2}, gains, np.zeros((2, 3)))
    return graph.add("Add", _scaled(graph, parameters, _row(IDENTITY * gains)), shift)


def _similarity(graph: Graph, parameters: Value, input_shape: Shape) -> Value:
    gains = _gains(input_shape)[:2]
    shift = _linear(graph, parameters, 4, {2: 2, 5: 3}, gains, np.zeros((2, 3)))
    angle = graph.between(parameters, 1, 2)
    by_cos = graph.add("Mul", graph.add("Cos", angle), _row(IDENTITY * gains))
    by_sin = graph.add("Mul", graph.add("Sin", angle), _row(RIGHT_ANGLE * gains))
    turn = graph.add("Add", by_cos, by_sin)
    return graph.add("Add", _scaled(graph, parameters, turn), shift)


def _affine(graph: Graph, parameters: Value, input_shape: Shape) -> Value:
    entries = {i: i for i in range(6)}
    return _linear(graph, parameters, 6, entries, _gains(input_shape)[:2], IDENTITY)


def _projective(graph: Graph, parameters: Value, input_shape: Shape) -> Value:
    """An affine motion above a tilt; shift times tilt is added to the motion's linear part."""
    gains, nothing = _gains(input_shape), np.zeros((3, 3))
    motion = _linear(graph, parameters, 8, {i: i for i in range(8)}, gains, np.eye(3))
    shift = _linear(graph, parameters, 8, {0: 2, 1: 2, 3: 5, 4: 5}, gains, nothing)
    tilt = _linear(graph, parameters, 8, {0: 6, 1: 7, 3: 6, 4: 7}, np.ones((3, 3)), nothing)
    return graph.add("Add", motion, graph.add("Mul", shift, tilt))


def _spline(graph: Graph, parameters: Value, input_shape: Shape, k: int) -> Value:
    height, width = input_shape
    gains = math.sqrt(height * width) / np.array([width, height])
    return graph.add("Mul", parameters, _row(np.tile(gains, k * k)))


def _gains(input_shape: Shape) -> Array:
    """What a motion (3, 3) in isotropic units is multiplied by to be a normalized theta."""
    height, width = input_shape
    sides = np.array([width, height, math.sqrt(height * width)])
    return np.asarray(sides / sides[:, None])


def _linear(
    graph: Graph,
    parameters: Value,
    count: int,
    entries: dict[int, int],
    gains: Array,
    offset: Array,
) -> Value:
    """Flat theta whose entries are some of the parameters plus the offset, times the gains."""
    taken = np.zeros((gains.size, count))
    for entry, parameter in entries.items():
        taken[entry, parameter] = gains.reshape(-1)[entry]
    return graph.add("Gemm", parameters, taken.T, _row(offset * gains))


def _scaled(graph: Graph, parameters: Value, values: Value | Array) -> Value:
    """Values times the scale whose log, held between bounds by a tanh, is the first parameter."""
    bound = np.array(math.log(LARGEST_SCALE))
    log = graph.add("Div", graph.between(parameters, 0, 1), bound)
    scale = graph.add("Exp", graph.add("Mul", graph.add("Tanh", log), bound))
    return graph.add("Mul", scale, values)


def _row(values: Array) -> Array:
    return np.asarray(values).reshape(1, -1)


# From a family's name to what makes flat theta of the parameters of one look.
THETAS: dict[str, Callable[[Graph, Value, Shape], Value]] = {
    "translation": _translation,
    "attention": _attention,
    "similarity": _similarity,
    "affine": _affine,
    "projective": _projective,
    "tps": partial(_spline, k=4),
    "tps3": partial(_spline, k=3),
    "tps6": partial(_spline, k=6),
}


def theta_shape(size: int) -> tuple[int, int]:
    """The shape of one theta of so many values."""
    return {6: (2, 3), 9: (3, 3)}.get(size, (size // 2, 2))


def composed(graph: Graph, first: Value, then: Value, size: int) -> Value:
    """Flat theta of two warps one after another, the second nearest the output."""
    product = graph.add("MatMul", _square(graph, first, size), _square(graph, then, size))
    flat = graph.reshape(product, -1, 9)
    if size == 9:
        return flat
    return graph.between(flat, 0, size)


def _square(graph: Graph, theta: Value, size: int) -> Value:
    """(n, 3, 3) of flat theta (n, 6) or (n, 9)."""
    if size == 6:
        last = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1.0])
        theta = graph.add("Gemm", theta, np.eye(6, 9), _row(last))
    return graph.reshape(theta, -1, 3, 3)


def grid(graph: Graph, theta: Value, size: int, source: Shape, output_shape: Shape) -> Value:
    """Normalized places (n, height, width, 2) of a source that flat theta shows."""
    x, y = (
        gain * np.arange(length) + offset
        for length, gain, offset in zip(
            output_shape[::-1], *axes(normalized_from_pixel, output_shape, False), strict=True
        )
    )
    pixels = np.stack([*np.broadcast_arrays(x, y[:, None]), np.ones(output_shape)]).reshape(3, -1)
    if size == 6:
        places = products(graph, theta, pixels, 2)
    elif size == 9:
        places = _divided(graph, theta, products(graph, theta, pixels, 3), source)
    else:
        places = _bent(graph, theta, size // 2, pixels[:2], output_shape)
    rows = graph.add("Transpose", places, perm=[0, 2, 1])
    return graph.reshape(rows, -1, *output_shape, 2)


def products(graph: Graph, theta: Value, points: Array, rows: int) -> Value:
    """Matrices (n, rows, k) times points (k, m): (n, rows, m).

    In two axes, since OpenCV multiplies wrongly where one factor alone has a batch.
    """
    flat = graph.add("MatMul", graph.reshape(theta, -1, len(points)), points)
    return graph.reshape(flat, -1, rows, points.shape[1])


def _divided(graph: Graph, theta: Value, points: Value, source: Shape) -> Value:
    """Homogeneous points (n, 3, m) divided by their w; those behind the camera are far away."""
    place, w = graph.between(points, 0, 2), graph.between(points, 2, 3)
    last_row = graph.add("Abs", graph.between(theta, 6, 9))
    scale = graph.add("ReduceSum", last_row, np.array([1]), keepdims=1)
    least = graph.reshape(graph.add("Mul", scale, np.array(LEAST)), -1, 1, 1)
    seen = graph.add("Greater", w, least)
    near = graph.add("Div", place, graph.add("Where", seen, w, np.array(1.0)))
    gains, offsets = (
        figures[None, :, None] for figures in axes(pixel_from_normalized, source, False)
    )
    direction = graph.add("Add", graph.add("Mul", place, gains), graph.add("Mul", w, offsets))
    longest = graph.add("ReduceMax", graph.add("Abs", direction), axes=[1], keepdims=1)
    longest = graph.add("Max", longest, np.array(SHORTEST))
    far = graph.add("Mul", graph.add("Div", direction, longest), np.array(FARTHEST))
    chosen = graph.add("Where", seen, near, far)
    return graph.add("Clip", chosen, np.array(-FARTHEST), np.array(FARTHEST))


def _bent(graph: Graph, theta: Value, points: int, pixels: Array, output_shape: Shape) -> Value:
    """Pixels (2, m) moved by splines through so many control points: (n, 2, m)."""
    by_axis = graph.add("Transpose", graph.reshape(theta, -1, points, 2), perm=[0, 2, 1])
    values = spline_at_pixels(math.isqrt(points), output_shape)
    return graph.add("Add", products(graph, by_axis, values.T, 2), pixels[None])
