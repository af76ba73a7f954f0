"""Folders and files by their paths, on disks and in object stores (s3://, gs://, az://)."""

from .addresses import is_address, joined
from .places import (
    absolute,
    entries,
    exists,
    is_file,
    is_folder,
    placed,
    read_file,
    real,
    remove_file,
    remove_folder,
    write_file,
)
from .presence import Presence

__all__ = [
    "Presence",
    "absolute",
    "entries",
    "exists",
    "is_address",
    "is_file",
    "is_folder",
    "joined",
    "placed",
    "read_file",
    "real",
    "remove_file",
    "remove_folder",
    "write_file",
]
