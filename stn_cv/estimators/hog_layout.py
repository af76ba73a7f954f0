"""How an image is cut into cells and blocks, their features, and the way back."""

from dataclasses import dataclass
from functools import cache
from numbers import Integral
from typing import Any

import numpy as np

from ..arrays import Array, read_only
from ..errors import InvalidInputError
from ..kernels import loaded
from ..model.image_spec import ImageSpec
from ..threads import run_slices, slices_of

__all__ = ["BLOCK_NORMS", "HogLayout"]

BLOCK_NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")  # a norm's place is its number in the kernels
PART = 32  # images that a thread takes at once


@dataclass(frozen=True)
class HogLayout:
    """Images of one shape, (height, width, channels), and their cells and blocks.

    `cell` is in pixels, `block` in cells, both (rows, columns).
    """

    shape: tuple[int, int, int]
    orientations: int
    cell: tuple[int, int]
    block: tuple[int, int]
    norm: str
    root: bool

    @classmethod
    def of(cls, hog: Any, spec: ImageSpec) -> "HogLayout":
        """The cells of an estimator, found to fit images of a spec."""
        cell = _pair("pixels_per_cell", hog.pixels_per_cell)
        block = _pair("cells_per_block", hog.cells_per_block)
        rows, columns = spec.height // cell[0], spec.width // cell[1]
        if rows < block[0] or columns < block[1]:
            raise InvalidInputError(
                f"images of {spec.height} x {spec.width} pixels hold {rows} x {columns} cells, a "
                f"block takes {block[0]} x {block[1]}; give smaller pixels_per_cell or "
                f"cells_per_block, or images of at least {block[0] * cell[0]} x "
                f"{block[1] * cell[1]} pixels."
            )
        shape = (spec.height, spec.width, spec.channels)
        return cls(shape, hog.orientations, cell, block, hog.block_norm, hog.transform_sqrt)

    @property
    def cells(self) -> tuple[int, int]:
        """(rows, columns) of cells in an image."""
        return self.shape[0] // self.cell[0], self.shape[1] // self.cell[1]

    @property
    def axes(self) -> tuple[int, ...]:
        """Of what the features are counted: blocks, cells in each, bins in each."""
        blocks = (self.cells[i] - self.block[i] + 1 for i in range(2))
        return (*blocks, *self.block, self.orientations)

    def features(self, images: Array, n_jobs: int | None = None) -> Array:
        """Features (n, features) of images (n, h, w, c)."""
        kernels = loaded("hog")
        images = self._readable(images)
        dtype = np.float32 if images.dtype == np.float32 else np.float64
        out = np.empty((len(images), int(np.prod(self.axes))), dtype)

        def run(part: slice) -> None:
            strip, planes, bins, histograms = self._scratch()
            scratch = (strip, planes[0], bins[0], histograms[0])
            kernels.features(images[part], *self._settings, *scratch, out[part])

        run_slices(run, slices_of(len(images), PART), n_jobs)
        return out

    def input_gradient(self, images: Array, dY: Array) -> Array:
        """Gradient of images (n, h, w, c) of float from that of their features."""
        kernels = loaded("hog")
        dX = np.empty(images.shape, images.dtype)
        dY = read_only(np.ascontiguousarray(dY, images.dtype))
        kernels.input_gradient(self._readable(images), dY, *self._settings, *self._scratch(), dX)
        return dX

    def _readable(self, images: Array) -> Array:
        if self.root and images.size and images.min() < 0:
            raise InvalidInputError(
                f"images hold {images.min()}, and transform_sqrt takes roots; "
                "give images without negative values, or transform_sqrt=False."
            )
        return read_only(np.ascontiguousarray(images, images.dtype.newbyteorder("=")))

    @property
    def _settings(self) -> tuple[Any, ...]:
        norm = BLOCK_NORMS.index(self.norm)
        return edges_between_bins(self.orientations), self.cell, self.block, norm, self.root

    def _scratch(self) -> tuple[Array, Array, Array, Array]:
        """Room for an image's strips, each as flat pixels; see the kernels."""
        (_, width, channels), (rows, columns), pixels = self.shape, self.cells, self.cell[0]
        strip = np.zeros((channels, (pixels + 2) * width))
        planes = np.empty((rows, 5, pixels * width))
        bins = np.empty((rows, 2, pixels * width), np.int64)
        return strip, planes, bins, np.empty((2, rows, columns, self.orientations))


@cache
def edges_between_bins(orientations: int) -> Array:
    """Directions (orientations - 1, 2) of the edges: cosine and sine."""
    edges = np.deg2rad(180 / orientations * np.arange(1, orientations))
    return read_only(np.stack([np.cos(edges), np.sin(edges)], axis=1))


def _pair(name: str, value: Any) -> tuple[int, int]:
    whole = all(isinstance(number, Integral) and int(number) > 0 for number in value)
    if len(value) != 2 or not whole:
        raise InvalidInputError(
            f"{name} is {value!r}; wanted (rows, columns), two whole numbers above 0."
        )
    return int(value[0]), int(value[1])
