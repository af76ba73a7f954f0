"""The scikit-learn face."""

from .classifier import SpatialTransformerClassifier
from .hog import HOG
from .pose import PoseTransformer
from .transformer import SpatialTransformer

__all__ = ["HOG", "PoseTransformer", "SpatialTransformer", "SpatialTransformerClassifier"]
