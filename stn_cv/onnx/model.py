"""A whole fitted model as a graph: images in; theta, rectified images and probabilities out."""

import numpy as np

from ..errors import InvalidTypeError
from ..model.rectifier import Rectifier
from ..nn.spatial import SpatialTransform, Transform
from ..pose.transform import PoseTransform
from .families import theta_shape
from .graph import Graph, Value
from .layers import chain, found_theta, theta_size, warped
from .poses import found_pose

__all__ = ["INPUT", "Shapes", "drawn"]

INPUT = "images"
Shapes = dict[Value, tuple[int | str, ...]]  # by name; "n" is the batch, of any size


def drawn(rectifier: Rectifier) -> tuple[Graph, Shapes, Shapes]:
    """The graph, its input and its outputs.

    Images are (n, height, width, channels), float32, of the fitted range: 0 to 255 where the
    model was fitted on uint8. So are rectified ones, not rounded.
    """
    spec, transform, graph = rectifier.image_spec, rectifier.transform, Graph()
    shape = spec.height, spec.width, spec.channels
    X = _activations(graph, shape, spec.maximum)
    flat, certainty = _found(graph, transform, X)
    shapes = (spec.height, spec.width), rectifier.output_shape
    size = theta_size(transform)
    Y = warped(graph, transform, X, flat, shapes, transform.rules)
    graph.add("Reshape", flat, np.array((-1, *theta_shape(size))), output="theta")
    shares = Y if spec.maximum == 1 else graph.add("Mul", Y, np.array(spec.maximum))
    graph.add("Transpose", shares, perm=[0, 2, 3, 1], output="rectified")
    outputs: Shapes = {
        "theta": ("n", *theta_shape(size)),
        "rectified": ("n", *rectifier.output_shape, spec.channels),
    }
    if rectifier.classes is not None:
        logits = chain(graph, rectifier.network.layers[1:], Y)
        probabilities = graph.add("Softmax", logits, axis=1, output="probabilities")
        outputs["probabilities"] = ("n", len(rectifier.classes))
        if certainty is None:
            certainty = graph.add("ReduceMax", probabilities, axes=[1], keepdims=1)
    if certainty is not None:
        graph.add("Reshape", certainty, np.array([-1]), output="confidence")
        outputs["confidence"] = ("n",)
    return graph, {INPUT: ("n", *shape)}, outputs


def _found(graph: Graph, transform: Transform, X: Value) -> tuple[Value, Value | None]:
    """Flat theta, and the confidence (n, 1) that a model of poses has of it."""
    if isinstance(transform, PoseTransform):
        return found_pose(graph, transform, X)
    if isinstance(transform, SpatialTransform):
        return found_theta(graph, transform, X), None
    raise InvalidTypeError(f"cannot export the transform {transform!r}: it has no ONNX operators.")


def _activations(graph: Graph, shape: tuple[int, int, int], maximum: float) -> Value:
    """Images as (n, channels, height, width), of values up to 1.

    The two reshapes change nothing. They are there to fail on images of another shape, on which
    OpenCV, that does not look at an input's declared shape, would give wrong numbers. They
    stand apart, since of two in a row it leaves one out.
    """
    height, width, channels = shape
    X = graph.reshape(INPUT, 0, height, 0, 0)
    X = graph.add("Transpose", X, perm=[0, 3, 1, 2])
    X = graph.reshape(X, 0, channels, height, width)
    return X if maximum == 1 else graph.add("Div", X, np.array(maximum))
