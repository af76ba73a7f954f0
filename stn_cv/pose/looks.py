"""The networks that look: their layers, and the size of the pictures they see."""

import math

from ..nn.activation import ReLU
from ..nn.conv import Conv2D
from ..nn.dense import Dense
from ..nn.flatten import Flatten
from ..nn.layer import Layer
from ..nn.pool import AveragePool, MaxPool
from ..nn.standardize import StandardizeEach

__all__ = ["correcting_look", "first_look", "look_shape"]

SIDE = 32  # pixels: the geometric mean of the sides of what a look sees
LEEWAY = 0.2  # by which it may differ, for sides in the proportion of the picture's
LEAST_SIDE = 8  # of what a convolution is worth


def look_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of what looks see of pictures of `shape`: about 32, in proportion."""
    height, width = shape
    scale = SIDE / math.sqrt(height * width)
    if scale >= 1 / (1 + LEEWAY):
        return shape

    def misfit(rows: int) -> tuple[float, float]:
        columns = max(round(rows * width / height), 1)
        return round(abs(math.log(columns * height / (rows * width))), 3), abs(rows - wanted)

    wanted = scale * height
    first, last = round(wanted * (1 - LEEWAY)), round(wanted * (1 + LEEWAY))
    rows = min(range(max(first, 1), max(last, 1) + 1), key=misfit)
    rows = min(rows, height)
    return rows, min(max(round(rows * width / height), 1), width)


def first_look(shape: tuple[int, int], filters: int) -> list[Layer]:
    """Two convolutions on the picture brought to about 16 pixels a side: a turn is coarse."""
    shrink = max(round(min(shape) / 16), 1)
    return [
        StandardizeEach(),
        *([AveragePool(shrink)] if shrink > 1 else []),
        *_end(shape, filters),
    ]


def correcting_look(shape: tuple[int, int], filters: int) -> list[Layer]:
    """The same on the picture as it is: what is left is fine."""
    return [StandardizeEach(), *_end(shape, filters)]


def _end(shape: tuple[int, int], filters: int) -> list[Layer]:
    if min(shape) < LEAST_SIDE:
        return [Flatten(), Dense(64), ReLU()]
    return [
        *(Conv2D(filters, 5, padding=2), MaxPool(2), ReLU()),
        *(Conv2D(2 * filters, 3, padding=1), MaxPool(2), ReLU()),
        *(Flatten(), Dense(64), ReLU()),
    ]
