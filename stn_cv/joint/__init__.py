"""A scikit-learn classifier as the head."""

from .gradients import DERIVATIVES, GRADIENTS, differentiable, forward

__all__ = ["DERIVATIVES", "GRADIENTS", "differentiable", "forward"]
