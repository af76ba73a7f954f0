"""The scikit-learn face."""

from .classifier import SpatialTransformerClassifier
from .transformer import SpatialTransformer

__all__ = ["SpatialTransformer", "SpatialTransformerClassifier"]
