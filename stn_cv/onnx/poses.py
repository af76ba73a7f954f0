"""The looks of a pose model as operators: bins of angles, candidates, corrections.

A candidate is a row of numbers: the parameters of every look so far, one look behind another, and
last the logit by which the best candidates are taken.
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
LEAST = -1e30  # below any logit


def found_pose(graph: Graph, transform: PoseTransform, X: Value) -> tuple[Value, Value | None]:
    """Flat theta of the pose in X, and its confidence (n, 1); None where none was fitted."""
    X = OPERATORS[type(transform.shrink)](graph, transform.shrink, X)
    outputs = chain(graph, transform.networks[0].layers, X)
    candidates = _first_parameters(graph, transform, outputs)
    for looks, going_on in enumerate(transform.going_on(), 1):
        seen = [_looked_again(graph, transform, X, each, looks) for each in candidates]
        candidates = _surest(graph, seen, going_on, (looks + 1) * transform.frames.n_parameters)
    found = _looks(graph, transform, candidates[0], transform.n_steps)
    theta = _theta(graph, transform, found, transform.frames.source)
    if not transform.confidence:
        return theta, None
    end = transform.n_steps * transform.frames.n_parameters  # after one look there is no logit
    logit = graph.between(candidates[0], end, end + 1) if transform.n_steps > 1 else theta
    return theta, confidence(graph, transform, outputs, found[-1], logit)


def _looked_again(
    graph: Graph, transform: PoseTransform, X: Value, candidate: Value, looks: int
) -> Value:
    """A candidate of so many looks after one more."""
    _, height, width = transform.networks[0].input_shape
    seen = height, width
    own = _looks(graph, transform, candidate, looks)
    theta = _theta(graph, transform, own, seen)
    Z = warped(graph, transform, X, theta, (seen, seen), WarpRules("border"))
    outputs = chain(graph, transform.networks[1].layers, Z)
    return graph.add("Concat", *own, outputs, axis=1)


def _surest(graph: Graph, candidates: list[Value], count: int, logit: int) -> list[Value]:
    """Those of the largest logits, which stand at `logit`, largest first."""
    if len(candidates) == 1:
        return candidates
    left = graph.add("Concat", *(graph.between(c, logit, logit + 1) for c in candidates), axis=1)
    found = []
    for _ in range(count):
        best = graph.add("ArgMax", left, axis=1, keepdims=1)
        chosen = graph.add("Equal", best, np.arange(len(candidates))[None])
        chosen = graph.add("Where", chosen, np.array(1.0), np.array(0.0))
        taken = candidates[0]
        for number, candidate in enumerate(candidates[1:], 1):
            own = graph.add("Greater", graph.between(chosen, number, number + 1), np.array(0.5))
            taken = graph.add("Where", own, candidate, taken)
        found.append(taken)
        left = graph.add(
            "Where", graph.add("Greater", chosen, np.array(0.5)), np.array(LEAST), left
        )
    return found


def _looks(graph: Graph, transform: PoseTransform, candidate: Value, looks: int) -> list[Value]:
    count = transform.frames.n_parameters
    return [graph.between(candidate, i * count, (i + 1) * count) for i in range(looks)]


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
