"""Which of many files are there, asked folder by folder."""

import contextlib
import os
from collections import OrderedDict

from . import archives, objects
from .addresses import is_address

__all__ = ["Presence"]

REMEMBERED = 8  # folders of a store, whose names were asked for last


class Presence:
    """Whether files are there; in a store, a folder's names come by one request for a thousand.

    What is written after a folder was asked for is not seen.
    """

    def __init__(self) -> None:
        self.folders: OrderedDict[str, set[str]] = OrderedDict()

    def has(self, path: str) -> bool:
        """Whether a file is there; a folder or a link to nowhere is none."""
        if not is_address(path) and not archives.is_member(path):
            return os.path.isfile(path)
        folder, name = os.path.split(path)
        return name in self._names(folder)

    def _names(self, folder: str) -> set[str]:
        if folder in self.folders:
            self.folders.move_to_end(folder)
        else:
            self.folders[folder] = _files(folder)
            while len(self.folders) > REMEMBERED:
                self.folders.popitem(last=False)
        return self.folders[folder]


def _files(folder: str) -> set[str]:
    place = archives.split_archive(folder)
    if place is None:
        return {name for name, is_prefix in objects.listed(folder) if not is_prefix}
    with contextlib.suppress(FileNotFoundError):  # the archive has no such folder
        return {name for name, kind in archives.members(*place) if kind == "file"}
    return set()
