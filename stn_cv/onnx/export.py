"""Write a fitted model as an ONNX file."""

import hashlib
import os
from typing import Any

from .. import __version__
from ..atomic import check_file_name, write_bytes
from ..model.file import fitted_rectifier, model_bytes
from .check import check
from .door import load_onnx
from .metadata import described, sealed
from .model import drawn

__all__ = ["export"]


def export(model: Any, path: str | os.PathLike[str]) -> dict[str, dict[str, float]]:
    """Write a fitted model as an ONNX file of plain operators (opset 16).

    The file's input ``images`` is (n, height, width, channels), float32, for any n, in the
    fitted range: 0 to 255 where the model was fitted on uint8. Its outputs are ``theta``;
    ``rectified``, not rounded, with the axes and range of the input; and, of a model with a
    built-in head, ``probabilities`` (n, k) and ``confidence`` (n,), the largest of them; of a
    model of poses, ``confidence`` (n,) as `Rectifier.find_pose` says it. A JSON
    text in its metadata, under the key "stn_cv", has the image spec, the classes, the family,
    the version and the hash of the model's own file.

    Before anything is written the file is run on made-up pictures in each engine that is
    installed, `cv2.dnn` and onnxruntime, and what they give is compared with the model.

    Parameters
    ----------
    model : Rectifier or fitted estimator
        What to export: a `Rectifier`, or anything that holds one as ``rectifier_``. A
        scikit-learn head is not part of the file, which then has no probabilities.
    path : path-like
        Where to; written whole or not at all.

    Returns
    -------
    dict
        For each engine and output the largest difference from what the model gives.

    Raises
    ------
    MissingLibraryError
        If the library onnx is not installed.
    InvalidInputError
        If the model is not fitted, or has a layer, a family or a setting that has no plain
        operators (``antialias=True``).
    InvalidTypeError
        If it is no model of this library.
    StnError
        If an engine that is installed gives something else than the model.
    OSError
        If the file cannot be written.

    See Also
    --------
    save : Write a file that this library reads.

    Notes
    -----
    Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``. Networks
    of float64 are written as float32.

    A net of `cv2.dnn` must not be shared by threads, which would give wrong results without an
    error; it takes floats only, and an empty batch ends the process. What an engine makes
    of NaN is its own matter: look for it before.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> sorted(stn_cv.export(model, "model.onnx")["cv2.dnn"])
    ['confidence', 'probabilities', 'rectified', 'theta']
    """
    check_file_name(path)
    load_onnx()
    rectifier = fitted_rectifier(model, "export")
    graph, inputs, outputs = drawn(rectifier)
    metadata = described(rectifier, hashlib.sha256(model_bytes(rectifier)).hexdigest())
    data = sealed(graph.model_bytes(inputs, outputs, metadata, ("stn_cv", __version__)))
    differences = check(rectifier, data)
    write_bytes(path, data)
    return differences
