"""How likely a pose is right, as operators: what `stn_cv.pose.confidence` says of its signs."""

import numpy as np

from ..pose.confidence import LARGEST_LOGIT, LARGEST_SIGN, SIGNS
from ..pose.corner_loss import CORNERS, ROUND, SHALLOWEST
from ..pose.encodings import AngleBins
from ..pose.transform import PoseTransform
from .families import products, theta_of
from .graph import Graph, Value

__all__ = ["confidence"]


def confidence(
    graph: Graph, transform: PoseTransform, first: Value, last: Value, logit: Value
) -> Value:
    """The confidence (n, 1) of poses.

    Parameters
    ----------
    graph : Graph
        What the operators are added to.
    transform : PoseTransform
        Of which a confidence was fitted.
    first : str
        Outputs of the first look.
    last, logit : str
        Parameters and logit of the last look.
    """
    signs = _signs(graph, transform, first, last, logit)
    means, deviations, weights = np.split(np.array(transform.confidence), [SIGNS, 2 * SIGNS])
    z = graph.add("Div", graph.add("Sub", signs, means[None]), deviations[None])
    z = _clipped(graph, z, LARGEST_SIGN)
    terms = graph.add("Concat", z, graph.add("Min", z, np.array(0.0)), axis=1)
    said = graph.add("Gemm", terms, weights[:-1, None], weights[None, -1:])
    return graph.add("Sigmoid", _clipped(graph, said, LARGEST_LOGIT))


def _signs(
    graph: Graph, transform: PoseTransform, first: Value, last: Value, logit: Value
) -> Value:
    """The two signs (n, 2); see `PoseTransform`."""
    if transform.n_steps > 1:
        moved = graph.add("Log", _corner_distance(graph, transform, last))
        return graph.add("Concat", logit, moved, axis=1)
    none = graph.add("Mul", graph.between(first, 0, 1), np.array(0.0))
    encoding = transform.encodings[0]
    if isinstance(encoding, AngleBins):
        shares = graph.add("LogSoftmax", graph.between(first, 0, encoding.bins), axis=1)
        sure = graph.add("ReduceMax", shares, axes=[1], keepdims=1)
    elif transform.family == "similarity":
        vector = graph.add("Add", graph.between(first, 0, 2), np.array([[1.0, 0.0]]))
        square = graph.add("ReduceSum", graph.add("Mul", vector, vector), np.array([1]), keepdims=1)
        sure = graph.add("Sqrt", square)
    else:
        sure = none
    return graph.add("Concat", sure, none, axis=1)


def _corner_distance(graph: Graph, transform: PoseTransform, last: Value) -> Value:
    """How far the last look moves corners, (n, 1): their `corner_loss` from where they were."""
    theta = theta_of(graph, transform.family, last, transform.frames.source)
    corners = np.concatenate([CORNERS, np.ones((len(CORNERS), 1))], axis=1).T
    rows = 3 if transform.family == "projective" else 2
    points = products(graph, theta, corners, rows)
    if rows == 3:
        depth = graph.add("Max", graph.between(points, 2, 3), np.array(SHALLOWEST))
        points = graph.add("Div", graph.between(points, 0, 2), depth)
    height, width = transform.shape
    gains = np.array([[1.0], [height / width]]) / 2
    apart = graph.add("Mul", graph.add("Sub", points, CORNERS.T[None]), gains[None])
    squares = graph.add("ReduceSum", graph.add("Mul", apart, apart), np.array([1]), keepdims=0)
    distance = graph.add("Sqrt", graph.add("Add", squares, np.array(ROUND**2)))
    return graph.add("ReduceMean", distance, axes=[1], keepdims=1)


def _clipped(graph: Graph, values: Value, largest: float) -> Value:
    return graph.add("Clip", values, np.array(-largest), np.array(largest))
