"""The scikit-learn face."""

from .classifier import SpatialTransformerClassifier
from .hog import HOG
from .transformer import SpatialTransformer

__all__ = ["HOG", "SpatialTransformer", "SpatialTransformerClassifier"]
