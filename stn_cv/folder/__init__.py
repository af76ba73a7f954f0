"""Folders of photographs: what to do, doing it, and what was done."""

from .options import Options
from .plan import make_plan
from .run import Summary, iter_rectified, rectify_folder

__all__ = ["Options", "Summary", "iter_rectified", "make_plan", "rectify_folder"]
