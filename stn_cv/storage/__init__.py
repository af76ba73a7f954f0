"""Folders and files by their paths: on disks, in object stores (s3://, gs://, az://), archives."""

from .addresses import is_address, joined
from .archives import archive_of, forget_archives, is_archive, is_member, names_in, split_archive
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
    "archive_of",
    "entries",
    "exists",
    "forget_archives",
    "is_address",
    "is_archive",
    "is_file",
    "is_folder",
    "is_member",
    "joined",
    "names_in",
    "placed",
    "read_file",
    "real",
    "remove_file",
    "remove_folder",
    "split_archive",
    "write_file",
]
