"""Layers: descriptions to build localizations and heads from."""

from .activation import LeakyReLU, ReLU
from .conv import Conv2D
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .layer import Layer
from .parallel import Parallel
from .pool import AveragePool, MaxPool
from .shrink import Shrink
from .spatial import SpatialTransform
from .standardize import Standardize, StandardizeEach

__all__ = [
    "AveragePool",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "MaxPool",
    "Parallel",
    "ReLU",
    "Shrink",
    "SpatialTransform",
    "Standardize",
    "StandardizeEach",
]
