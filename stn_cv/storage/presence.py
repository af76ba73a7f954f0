"""Which of many files are there, asked folder by folder."""

import os
from collections import OrderedDict

from . import objects
from .addresses import is_address

__all__ = ["Presence"]

REMEMBERED = 8  # folders of a store, whose names were asked for last


class Presence:
    """Whether files are there; of a store, a folder's names come by one request for a thousand.

    What is written after a folder was asked for is not seen.
    """

    def __init__(self) -> None:
        self.folders: OrderedDict[str, set[str]] = OrderedDict()

    def has(self, path: str) -> bool:
        """Whether a file is there; a folder or a link to nowhere is none."""
        if not is_address(path):
            return os.path.isfile(path)
        folder, _, name = path.rpartition("/")
        return name in self._names(folder)

    def _names(self, folder: str) -> set[str]:
        if folder in self.folders:
            self.folders.move_to_end(folder)
        else:
            found = objects.listed(folder)
            self.folders[folder] = {name for name, is_prefix in found if not is_prefix}
            while len(self.folders) > REMEMBERED:
                self.folders.popitem(last=False)
        return self.folders[folder]
