"""The looks of a pose model as operators: bins of angles, candidates, corrections.

A candidate is a row of numbers: the parameters of every look, one look behind another, and last
the logit by which the best candidate is taken.
"""

import math
from collections.abc import Iterable

import numpy as np

from ..arrays import Array
from ..pose.encodings import LARGEST_LOG_SCALE, AngleBins
from ..pose.transform import PoseTransform
from ..sampling import WarpRules
from .confidence import confidence
from .families import composed, theta_of
from .graph import Graph, Value
from .layers import OPERATORS, chain, theta_size, warped

__all__ = ["found_pose"]

Shape = tuple[int, int]
SMALLEST = 1e-30  # of what is divided by, so that nothing becomes NaN


def found_pose(graph: Graph, transform: PoseTransform, X: Value) -> tuple[Value, Value | None]:
    """Flat theta of the pose in X, and its confidence (n, 1); None where none was fitted."""
    X = OPERATORS[type(transform.shrink)](graph, transform.shrink, X)
    outputs = chain(graph, transform.networks[0].layers, X)
    starts = _first_parameters(graph, transform, outputs)
    best = _corrected(graph, transform, X, starts[0])
    for start in starts[1:]:
        other = _corrected(graph, transform, X, start)
        better = graph.add(
            "Greater", _logit(graph, transform, other), _logit(graph, transform, best)
        )
        best = graph.add("Where", better, other, best)
    looks = _looks(graph, transform, best)
    theta = _theta(graph, transform, looks, transform.frames.source)
    if not transform.confidence:
        return theta, None
    logit = _logit(graph, transform, best)
    return theta, confidence(graph, transform, outputs, looks[-1], logit)


def _corrected(graph: Graph, transform: PoseTransform, X: Value, start: Value) -> Value:
    """A candidate, as its first parameters, with those of the correcting looks."""
    _, height, width = transform.networks[0].input_shape
    seen = height, width
    count, looks = transform.frames.n_parameters, [start]
    logit = graph.between(start, 0, 1)  # of a single candidate, which is not compared
    for _ in range(1, transform.n_steps):
        theta = _theta(graph, transform, looks, seen)
        Z = warped(graph, transform, X, theta, (seen, seen), WarpRules("border"))
        outputs = chain(graph, transform.networks[1].layers, Z)
        looks.append(graph.between(outputs, 0, count))
        logit = graph.between(outputs, count, count + 1)
    return graph.add("Concat", *looks, logit, axis=1)


def _looks(graph: Graph, transform: PoseTransform, candidate: Value) -> list[Value]:
    count = transform.frames.n_parameters
    return [graph.between(candidate, i * count, (i + 1) * count) for i in range(transform.n_steps)]


def _logit(graph: Graph, transform: PoseTransform, candidate: Value) -> Value:
    count = transform.n_steps * transform.frames.n_parameters
    return graph.between(candidate, count, count + 1)


def _theta(graph: Graph, transform: PoseTransform, looks: list[Value], source: Shape) -> Value:
    """Flat theta of looks one after another, for sources of a shape."""
    theta, *others = (theta_of(graph, transform.family, own, source) for own in looks)
    for other in others:
        theta = composed(graph, theta, other, theta_size(transform))
    return theta


def _first_parameters(graph: Graph, transform: PoseTransform, outputs: Value) -> list[Value]:
    """The likely parameters that a first look's outputs mean, best first."""
    encoding = transform.encodings[0]
    if isinstance(encoding, AngleBins):
        angles = _likely_angles(graph, encoding, outputs, transform.candidates)
        return [_embedded(graph, encoding, angle, outputs) for angle in angles]
    if transform.family != "similarity":
        return [outputs]
    u = graph.add("Add", graph.between(outputs, 0, 1), np.array(1.0))
    angle = _angle(graph, u, graph.between(outputs, 1, 2))
    scale, shift = graph.between(outputs, 2, 3), graph.between(outputs, 3, 5)
    return [graph.add("Concat", scale, angle, shift, axis=1)]


def _angle(graph: Graph, u: Value, v: Value) -> Value:
    """The angle of vectors (u, v): opset 16 has no arctangent of two numbers.

    The tangent of half of it is v / (r + u) and (r - u) / v; that is taken which loses no digits.
    """
    r = graph.add("Sqrt", graph.add("Add", graph.add("Mul", u, u), graph.add("Mul", v, v)))
    ahead = graph.add("Greater", u, np.array(0.0))
    over = graph.add("Where", ahead, v, graph.add("Sub", r, u))
    under = graph.add("Where", ahead, graph.add("Add", r, u), v)
    return graph.add("Mul", graph.add("Atan", graph.add("Div", over, under)), np.array(2.0))


def _likely_angles(graph: Graph, encoding: AngleBins, outputs: Value, count: int) -> list[Value]:
    """As `AngleBins.candidates` finds them, (n, 1) each.

    Every bin's angle is found, of the vectors of the three around it, which an arctangent does
    as seen from its centre; then those of the best bins are taken.
    """
    bins, width = encoding.bins, 2 * math.pi / encoding.bins
    probability = graph.add("Softmax", graph.between(outputs, 0, bins), axis=1)
    own, below, above = (_rolled(bins, [step]) for step in (0, 1, -1))
    real = graph.add("MatMul", probability, own + math.cos(width) * (below + above))
    imaginary = graph.add("MatMul", probability, math.sin(width) * (above - below))
    tangent = graph.add("Div", imaginary, graph.add("Max", real, np.array(SMALLEST)))
    angles = graph.add("Add", graph.add("Atan", tangent), encoding.centres[None])
    angles = _shared(graph, angles, encoding.symmetry)
    left, found = graph.add("MatMul", probability, own + (below + above) / 2), []
    for _ in range(count):
        best = graph.add("ArgMax", left, axis=1, keepdims=1)
        chosen = graph.add("Equal", best, np.arange(bins)[None])
        chosen = graph.add("Where", chosen, np.array(1.0), np.array(0.0))
        angle = graph.add("Mul", chosen, angles)
        found.append(graph.add("ReduceSum", angle, np.array([1]), keepdims=1))
        near = graph.add("MatMul", chosen, _rolled(bins, range(-2, 3)))
        near = graph.add("Greater", near, np.array(0.5))
        left = graph.add("Where", near, np.array(-1.0), left)
    return found


def _rolled(bins: int, steps: Iterable[int]) -> Array:
    """A row times this is the sum of the row rolled by each of the steps."""
    return np.asarray(sum(np.roll(np.eye(bins), step, axis=1) for step in steps))


def _shared(graph: Graph, angles: Value, symmetry: int) -> Value:
    """Angles brought to half a turn either way, then divided by the symmetry."""
    if symmetry == 1:  # to which a turn more is the same
        return angles
    turn = np.array(2 * math.pi)
    turns = graph.add("Floor", graph.add("Div", graph.add("Add", angles, turn / 2), turn))
    angles = graph.add("Sub", angles, graph.add("Mul", turns, turn))
    return graph.add("Div", angles, np.array(float(symmetry)))


def _embedded(graph: Graph, encoding: AngleBins, angle: Value, outputs: Value) -> Value:
    """A similarity by its angle and a look's last outputs, as the family's parameters."""
    first = encoding.bins
    log = graph.between(outputs, first, first + 1)
    shift = graph.between(outputs, first + 1, first + 3)
    if encoding.frames.family == "similarity":
        return graph.add("Concat", log, angle, shift, axis=1)
    log = graph.add("Clip", log, np.array(-LARGEST_LOG_SCALE), np.array(LARGEST_LOG_SCALE))
    scale = graph.add("Exp", log)
    cos, sin = (graph.add("Mul", scale, graph.add(name, angle)) for name in ("Cos", "Sin"))
    taken, offset = np.zeros((4, encoding.frames.n_parameters)), np.zeros((1, 8))
    taken[[0, 0, 1, 1, 2, 3], [0, 4, 1, 3, 2, 5]] = 1, 1, -1, 1, 1, 1
    offset[0, [0, 4]] = -1
    four = graph.add("Concat", cos, sin, shift, axis=1)
    return graph.add("Gemm", four, taken, offset[:, : taken.shape[1]])
