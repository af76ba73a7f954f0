"""Rectangles with an angle as four corners."""

import math

import numpy as np

from ...arrays import Array

__all__ = ["turned_box"]


def turned_box(
    box: tuple[float, float, float, float], degrees: float, around: tuple[float, float]
) -> Array:
    """Corners (4, 2) of a rectangle (left, top, right, bottom) turned around a point.

    `degrees` are clockwise as one sees it, in pixels whose y points down.
    """
    left, top, right, bottom = box
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])  # of rows
    return np.asarray((corners - around) @ turn + around)
