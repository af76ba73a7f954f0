"""Files that say where things lie in photos: our own table, and those of other tools."""

from .measuring import measured
from .reading import known_corners
from .row import KnownCorners, letterbox_theta
from .writing import FORMATS, corners_table, write_corners

__all__ = [
    "FORMATS",
    "KnownCorners",
    "letterbox_theta",
    "corners_table",
    "known_corners",
    "measured",
    "write_corners",
]
