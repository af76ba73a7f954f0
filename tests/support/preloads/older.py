"""Loaded by workers of tests: they have another version."""

from stn_cv.folder import dask_worker

dask_worker.__version__ = "0.0.1"
