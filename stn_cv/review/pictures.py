"""Photos as a browser can show them, whatever their format and depth."""

import hashlib
import os
import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..families import FAMILIES
from ..folder.files import read_photo_file
from ..folder.pages import file_of
from ..folder.preview import shown
from ..geometry.letterbox import letterbox_theta_from_corners
from ..opencv import LARGEST_PICTURE, decode_photo, encode
from ..sampling import WarpRules

__all__ = ["Pictures"]

VIEW, OUTPUT = 1600, 480  # pixels of the longer side, of a photo looked at and of its output
KEPT = 8  # photos of that size in memory: 60 MB
QUALITY = 85
RULES = WarpRules(antialias=True)


class Copy(NamedTuple):
    """A photo as far as it is kept: small, with the upright photo's own size and its hash."""

    pixels: Array
    size: tuple[int, int]
    sha256: str


class Pictures:
    """Small copies of photos, of which the last few are kept as long as their files stay as read.

    One photo is decoded at a time, so that memory stays flat however many are asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, int, int], Copy] = OrderedDict()

    def size(self, path: str) -> tuple[int, int]:
        """(height, width) of the upright photo."""
        return self._copy(path).size

    def sha256(self, path: str) -> str:
        """Of the file, as manifests have it."""
        return self._copy(path).sha256

    def photo(self, path: str, side: int) -> bytes:
        """A JPEG of the photo, of at most so many pixels a side."""
        return encode(shown(self._copy(path).pixels, min(side, VIEW)), ".jpg", QUALITY)

    def output(self, path: str, corners: Array, proportions: tuple[int, int], side: int) -> bytes:
        """A JPEG of what lies between corners, given in pixels of the whole photo."""
        copy = self._copy(path)
        theta = letterbox_theta_from_corners(corners, copy.size, copy.size)
        scale = min(side, OUTPUT) / max(proportions)
        shape = max(round(proportions[0] * scale), 1), max(round(proportions[1] * scale), 1)
        out = FAMILIES["projective"].apply(copy.pixels, np.asarray(theta), shape, RULES)
        return encode(out, ".jpg", QUALITY)

    def _copy(self, path: str) -> Copy:
        with self._lock:
            status = os.stat(file_of(path))
            key = (path, status.st_ino, status.st_mtime_ns, status.st_size)
            if key not in self._kept:
                self._kept[key] = _read(path)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]


def _read(path: str) -> Copy:
    data = read_photo_file(path, LARGEST_PICTURE, True)
    pixels = decode_photo(data, LARGEST_PICTURE, True, True).pixels
    size = pixels.shape[0], pixels.shape[1]
    return Copy(shown(pixels, VIEW), size, hashlib.sha256(data).hexdigest())
