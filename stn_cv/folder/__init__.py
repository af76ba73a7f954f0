"""Folders of photographs: what to do, doing it, and what was done."""

from .dask_executor import DaskExecutor
from .iterate import iter_rectified
from .options import Options
from .plan import make_plan
from .rectify import rectify_folder
from .result import Result
from .summary import Summary

__all__ = [
    "DaskExecutor",
    "Options",
    "Result",
    "Summary",
    "iter_rectified",
    "make_plan",
    "rectify_folder",
]
