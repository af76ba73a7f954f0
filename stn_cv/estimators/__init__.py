"""The scikit-learn face."""

from .alignment import JointAlignment
from .classifier import SpatialTransformerClassifier
from .hog import HOG
from .pose import PoseTransformer
from .pose_report import PoseReport
from .pose_validation import cross_validate_pose
from .transformer import SpatialTransformer

__all__ = [
    "HOG",
    "JointAlignment",
    "PoseReport",
    "PoseTransformer",
    "SpatialTransformer",
    "SpatialTransformerClassifier",
    "cross_validate_pose",
]
