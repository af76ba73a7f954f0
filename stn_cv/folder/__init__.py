"""Folders of photographs: what to do, doing it, and what was done."""

from .plan import Options, make_plan
from .run import Summary, iter_rectified, rectify_folder

__all__ = ["Options", "Summary", "iter_rectified", "make_plan", "rectify_folder"]
