"""Poses learned without class labels: canvases drawn from examples, and looks that find them."""

from .transform import PoseTransform

__all__ = ["PoseTransform"]
