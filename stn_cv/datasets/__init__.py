"""Digits to learn on: distorted scans, MNIST, and the distortions of Jaderberg et al. 2015."""

from .digits import (
    DistortedDigits,
    load_cluttered_digits,
    load_distorted_digits,
    load_upright_digits,
)
from .distortions import DigitDistortion
from .mnist import MNIST, load_mnist

__all__ = [
    "MNIST",
    "DigitDistortion",
    "DistortedDigits",
    "load_cluttered_digits",
    "load_distorted_digits",
    "load_mnist",
    "load_upright_digits",
]
