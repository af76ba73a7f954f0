"""Networks in ONNX files, run by `cv2.dnn`."""

from collections.abc import Sequence

import numpy as np

from ..arrays import Array
from .door import load_cv2, quiet_and_serial

__all__ = ["run_onnx"]


def run_onnx(data: bytes, images: Array, outputs: Sequence[str]) -> list[Array]:
    """Run a network once.

    Parameters
    ----------
    data : bytes
        An ONNX file with one input.
    images : ndarray, float32
        For the input; of the shape that the file declares, which OpenCV does not check.
    outputs : sequence of str
        Names of the outputs wanted.

    Returns
    -------
    list of ndarray
        In the order of `outputs`; copies, which OpenCV's own results are not.
    """
    cv2 = load_cv2()
    with quiet_and_serial():
        network = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        network.setInput(np.ascontiguousarray(images))
        names = network.getUnconnectedOutLayersNames()  # it gives all outputs, or one, but not two
        results = dict(zip(names, network.forward(names), strict=True))
        return [np.array(results[name]) for name in outputs]
