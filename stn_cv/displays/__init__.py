"""What a fitted transformer does, drawn with matplotlib as scikit-learn's displays are."""

from .class_means import ClassMeanDisplay
from .loss_curve import LossCurveDisplay
from .rectification import RectificationDisplay
from .theta import ThetaDisplay

__all__ = ["ClassMeanDisplay", "LossCurveDisplay", "RectificationDisplay", "ThetaDisplay"]
