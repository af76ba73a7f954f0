"""The scikit-learn face."""

from .alignment import JointAlignment
from .classifier import SpatialTransformerClassifier
from .hog import HOG
from .pose import PoseTransformer
from .transformer import SpatialTransformer

__all__ = [
    "HOG",
    "JointAlignment",
    "PoseTransformer",
    "SpatialTransformer",
    "SpatialTransformerClassifier",
]
