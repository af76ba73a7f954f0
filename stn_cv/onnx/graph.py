"""An ONNX graph while it is put together: its nodes, constants and the names of results."""

from typing import Any

import numpy as np

from ..arrays import Array
from .door import load_onnx

__all__ = ["Graph", "Value"]

OPSET = 16  # of a later one, some engines take GridSample's "linear" for nearest
IR_VERSION = 8  # the container's, that belongs to this opset

Value = str  # the name of what a node gives


class Graph:
    """Nodes in the order of their work; each gives one value, which has a name.

    Arrays given to `add` become constants: float32, integers int64. Equal ones are kept once,
    so that weights used at every look take their room once.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[Value], Value, dict[str, Any]]] = []
        self.constants: dict[tuple[Any, ...], tuple[Value, Array]] = {}

    def add(
        self, operator: str, *inputs: Value | Array, output: Value | None = None, **attributes: Any
    ) -> Value:
        """Append a node of opset 16; the name of what it gives."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append((operator, names, output, attributes))
        return output

    def reshape(self, value: Value, *shape: int) -> Value:
        """`value` in another shape; 0 keeps an axis, -1 is what is left."""
        return self.add("Reshape", value, np.array(shape))

    def between(self, values: Value, first: int, end: int) -> Value:
        """What the second axis has from `first` to before `end`."""
        return self.add("Slice", values, np.array([first]), np.array([end]), np.array([1]))

    def _constant(self, array: Array) -> Value:
        array = np.ascontiguousarray(array, np.int64 if array.dtype.kind in "iu" else np.float32)
        key = array.dtype.name, array.shape, array.tobytes()
        name, _ = self.constants.setdefault(key, (f"constant_{len(self.constants)}", array))
        return name

    def model_bytes(
        self,
        inputs: dict[Value, tuple[int | str, ...]],
        outputs: dict[Value, tuple[int | str, ...]],
        metadata: dict[str, str],
        producer: tuple[str, str],
    ) -> bytes:
        """The file of this graph, checked by onnx; the same bytes for the same graph."""
        onnx = load_onnx()
        helper, number = onnx.helper, onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            [
                helper.make_node(operator, names, [output], output, **attributes)
                for operator, names, output, attributes in self.nodes
            ],
            producer[0],
            [helper.make_tensor_value_info(name, number, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, number, shape) for name, shape in outputs.items()],
            [onnx.numpy_helper.from_array(array, name) for name, array in self.constants.values()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=producer[0],
            producer_version=producer[1],
        )
        for name, text in metadata.items():
            model.metadata_props.add(key=name, value=text)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))
