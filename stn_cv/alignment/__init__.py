"""Poses of alike things found without training: by moments, and by joint alignment."""

from .moments import theta_from_moments

__all__ = ["theta_from_moments"]
