"""What operators stand for a layer.

Activations are (n, channels, height, width), after `Flatten` (n, features).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError
from ..nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Shrink,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from ..nn.spatial import Transform
from ..sampling import WarpRules
from .families import composed, grid, theta_of
from .graph import Graph, Value

__all__ = ["OPERATORS", "chain", "found_theta", "theta_size", "warped"]

Shape = tuple[int, int]


def chain(graph: Graph, layers: Iterable[Layer], X: Value) -> Value:
    """Layers one after another; what the last one gives."""
    for layer in layers:
        if type(layer) not in OPERATORS:
            known = ", ".join(sorted(kind.__name__ for kind in OPERATORS))
            raise InvalidTypeError(
                f"cannot export the layer {layer!r}: no ONNX operators are known for it. Known are "
                f"{known}; fit a model of these."
            )
        X = OPERATORS[type(layer)](graph, layer, X)
    return X


def found_theta(graph: Graph, layer: SpatialTransform, X: Value) -> Value:
    """Flat theta of all looks: each but the first looks at the image as warped so far."""
    _, height, width = layer.network.input_shape
    shape = height, width

    def look(seen: Value) -> Value:
        parameters = chain(graph, layer.network.layers, seen)
        return theta_of(graph, layer.family, parameters, shape)

    theta = look(X)
    for _ in range(1, layer.n_steps):
        own = look(warped(graph, layer, X, theta, (shape, shape), layer.rules))
        theta = composed(graph, theta, own, theta_size(layer))
    return theta


def theta_size(layer: Transform) -> int:
    """How many values theta has."""
    family = layer.composed_family()
    return family.theta(np.zeros((1, family.n_parameters)), (1, 1))[0].size


def warped(
    graph: Graph,
    layer: Transform,
    X: Value,
    theta: Value,
    shapes: tuple[Shape, Shape],
    rules: WarpRules,
) -> Value:
    """X sampled where a layer's flat theta says; `shapes` are (height, width) of X and output."""
    if rules.antialias:
        raise InvalidInputError(
            "a transform with antialias=True has no plain ONNX operators: how many samples a pixel "
            "is the mean of depends on each image's theta. Fit with antialias=False to export."
        )
    fill = rules.fill_value if rules.padding_mode == "zeros" else 0.0
    source = graph.add("Sub", X, np.array(fill)) if fill else X
    places = grid(graph, theta, theta_size(layer), *shapes)
    Y = graph.add(
        "GridSample",
        source,
        places,
        mode="bilinear",
        padding_mode=rules.padding_mode,
        align_corners=0,
    )
    return graph.add("Add", Y, np.array(fill)) if fill else Y


def _average_pool(graph: Graph, layer: AveragePool, X: Value) -> Value:
    return graph.add("AveragePool", X, **_squares(layer.size))


def _convolution(graph: Graph, layer: Conv2D, X: Value) -> Value:
    W, b = layer.parameters
    side = int(layer.kernel_size)
    return graph.add("Conv", X, W, b, kernel_shape=[side] * 2, pads=[int(layer.padding)] * 4)


def _dense(graph: Graph, layer: Dense, X: Value) -> Value:
    W, b = layer.parameters
    return graph.add("Gemm", X, W, b, transB=1)


def _dropout(graph: Graph, layer: Dropout, X: Value) -> Value:
    return X


def _flatten(graph: Graph, layer: Flatten, X: Value) -> Value:
    return graph.add("Flatten", X, axis=1)


def _leaky_relu(graph: Graph, layer: LeakyReLU, X: Value) -> Value:
    return graph.add("LeakyRelu", X, alpha=float(layer.slope))


def _max_pool(graph: Graph, layer: MaxPool, X: Value) -> Value:
    return graph.add("MaxPool", X, **_squares(layer.size))


def _parallel(graph: Graph, layer: Parallel, X: Value) -> Value:
    ends = [chain(graph, network.layers, X) for network in layer.networks]
    return graph.add("Concat", *ends, axis=1)


def _relu(graph: Graph, layer: ReLU, X: Value) -> Value:
    return graph.add("Relu", X)


def _shrink(graph: Graph, layer: Shrink, X: Value) -> Value:
    """Products by constants along the width, twice: OpenCV multiplies rightly from that side."""
    down, across = layer.weights
    if down.shape[0] == down.shape[1] and across.shape[0] == across.shape[1]:
        return X
    for weights in (across, down):
        X = graph.add("MatMul", X, weights.T)
        X = graph.add("Transpose", X, perm=[0, 1, 3, 2])
    return X


def _spatial_transform(graph: Graph, layer: SpatialTransform, X: Value) -> Value:
    _, height, width = layer.network.input_shape
    shapes = (height, width), layer.shape
    return warped(graph, layer, X, found_theta(graph, layer, X), shapes, layer.rules)


def _standardize(graph: Graph, layer: Standardize, X: Value) -> Value:
    centred = graph.add("Sub", X, _by_channel(layer.mean))
    return graph.add("Mul", centred, _by_channel(1 / np.asarray(layer.scale, np.float64)))


def _standardize_each(graph: Graph, layer: StandardizeEach, X: Value) -> Value:
    pixels: dict[str, Any] = {"axes": [1, 2, 3], "keepdims": 1}
    centred = graph.add("Sub", X, graph.add("ReduceMean", X, **pixels))
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), **pixels)
    square = graph.add("Add", variance, np.array(float(layer.epsilon) ** 2))
    return graph.add("Div", centred, graph.add("Sqrt", square))


def _squares(size: int) -> dict[str, Any]:
    return {"kernel_shape": [int(size)] * 2, "strides": [int(size)] * 2}


def _by_channel(figures: Any) -> Array:
    return np.asarray(figures, np.float64).reshape(1, -1, 1, 1)


# From a layer's type to what adds its operators: (graph, layer, name of X) to the name of Y.
OPERATORS: dict[type[Layer], Callable[[Graph, Any, Value], Value]] = {
    AveragePool: _average_pool,
    Conv2D: _convolution,
    Dense: _dense,
    Dropout: _dropout,
    Flatten: _flatten,
    LeakyReLU: _leaky_relu,
    MaxPool: _max_pool,
    Parallel: _parallel,
    ReLU: _relu,
    Shrink: _shrink,
    SpatialTransform: _spatial_transform,
    Standardize: _standardize,
    StandardizeEach: _standardize_each,
}
