"""Fitted models as ONNX files: plain operators, which other engines run without this library."""

from .export import export

__all__ = ["export"]
