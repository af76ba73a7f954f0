"""Photos as a browser can show them, whatever their format and depth."""

import threading
from collections import OrderedDict

import numpy as np

from ..arrays import Array
from ..families import FAMILIES
from ..folder.files import read_photo_file
from ..folder.preview import shown
from ..geometry.letterbox import canvas_theta_from_corners
from ..opencv import LARGEST_PICTURE, decode_photo, encode
from ..sampling import WarpRules

__all__ = ["Pictures"]

VIEW, OUTPUT = 1600, 480  # pixels of the longer side, of a photo looked at and of its output
KEPT = 8  # photos of that size in memory: 60 MB
QUALITY = 85
RULES = WarpRules(antialias=True)


class Pictures:
    """Small copies of photos, of which the last few are kept.

    One photo is decoded at a time, so that memory stays flat however many are asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Array, tuple[int, int]]] = OrderedDict()

    def size(self, path: str) -> tuple[int, int]:
        """(height, width) of the upright photo."""
        return self._copy(path)[1]

    def photo(self, path: str, side: int) -> bytes:
        """A JPEG of the photo, of at most so many pixels a side."""
        return encode(shown(self._copy(path)[0], min(side, VIEW)), ".jpg", QUALITY)

    def output(self, path: str, corners: Array, proportions: tuple[int, int], side: int) -> bytes:
        """A JPEG of what lies between corners, given in pixels of the whole photo."""
        pixels, (height, width) = self._copy(path)
        theta = canvas_theta_from_corners(corners, (height, width), (height, width))
        scale = min(side, OUTPUT) / max(proportions)
        shape = max(round(proportions[0] * scale), 1), max(round(proportions[1] * scale), 1)
        out = FAMILIES["projective"].apply(pixels, np.asarray(theta), shape, RULES)
        return encode(out, ".jpg", QUALITY)

    def _copy(self, path: str) -> tuple[Array, tuple[int, int]]:
        with self._lock:
            if path not in self._kept:
                pixels = decode_photo(
                    read_photo_file(path, LARGEST_PICTURE, True), LARGEST_PICTURE, True, True
                ).pixels
                self._kept[path] = shown(pixels, VIEW), (pixels.shape[0], pixels.shape[1])
            self._kept.move_to_end(path)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[path]
