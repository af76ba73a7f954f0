"""The engines that are installed here, to run an exported file in: `cv2.dnn` and onnxruntime."""

from collections.abc import Callable, Sequence

from ..arrays import Array
from ..opencv.dnn import run_onnx
from .door import load_onnxruntime

__all__ = ["engines"]

Engine = Callable[[bytes, Array, Sequence[str]], list[Array]]


def _onnxruntime(data: bytes, images: Array, outputs: Sequence[str]) -> list[Array]:
    onnxruntime = load_onnxruntime()
    assert onnxruntime is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors, which are raised as well
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return list(session.run(list(outputs), {session.get_inputs()[0].name: images}))


def engines() -> dict[str, Engine]:
    """By name: what runs a file's bytes on images, float32, and gives the outputs asked for."""
    found: dict[str, Engine] = {"cv2.dnn": run_onnx}
    if load_onnxruntime() is not None:
        found["onnxruntime"] = _onnxruntime
    return found
