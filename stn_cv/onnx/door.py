"""The libraries that write and run ONNX: imported at the first call, since they are optional."""

from typing import Any

from ..errors import MissingLibraryError

__all__ = ["load_onnx", "load_onnxruntime"]


def load_onnx() -> Any:
    """The module onnx, or an error that says how to get it."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingLibraryError(
            f"export needs the library onnx, which cannot be imported here: {error}. "
            'Install it with: python -m pip install "stn_cv[onnx]"'
        ) from error
    return onnx


def load_onnxruntime() -> Any | None:
    """The module onnxruntime; None where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    return onnxruntime
