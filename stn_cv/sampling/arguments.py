"""What a sampling function was given: checked, and brought to one form."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, read_only
from ..buffers import empty
from ..errors import InvalidInputError, InvalidTypeError, NonFiniteError, one_of
from ..geometry import as_array, axes, pixel_from_normalized
from ..kernels.sampling.rules import (
    BICUBIC,
    BILINEAR,
    BOXES,
    HALO,
    MODES,
    MOST,
    NEAREST,
    NONE,
    PADDING_MODES,
    WHOLE,
    ZEROS,
    KernelRules,
)
from ..threads import effective_jobs, slices_of
from .fill import COMPUTED_IN, FEW_CHANNELS, Fill, check_fill

POINTS_OF_A_CALL = 2**24  # at most, about: Ctrl-C waits until a kernel is done
POINTS_OF_THREADS = 2**19  # below them, to wake a thread takes longer than it saves
POINTS_OF_A_PIECE = 2**18  # of one image, at least
PIECES_OF_AN_IMAGE = 8  # at most; for any number of threads, as roundings go by tiles of a piece
CHANNELS_FIRST_SIDE = 16  # with as many channels, few rows are taken for channels
LARGEST_HALOED = 256 * 256  # pixels; of larger images too few tiles need it


@dataclass(frozen=True)
class SamplingArguments:
    """Images as (n, h, w, c), native and contiguous, and where to sample them."""

    images: Array
    where: Array  # theta (n, 2, 3) or grid (n, rows, columns, 2)
    rules: KernelRules
    fill: Fill  # (c,), of the dtype to compute in; 0 where nothing is known
    batched: bool
    has_channels: bool
    unknown: Array | None = None  # numbers of the channels that are filled with NaN, if any

    @classmethod
    def of(
        cls,
        images: ArrayLike,
        where: Array,
        batched: bool,
        mode: str = "bilinear",
        padding_mode: str = "zeros",
        align_corners: bool = False,
        fill_value: float | ArrayLike = 0.0,
    ) -> "SamplingArguments":
        """Check everything; not `batched`: one theta or grid, of one image or of four axes."""
        images = as_array("images", images)
        alone = not batched and images.ndim != 4
        images = check_images(images, not alone)
        if not batched:
            where = where[None]
        images = images[None] if alone else images
        where = _for_each(where, images)
        has_channels = images.ndim == 4
        images = images if has_channels else images[..., None]
        rules = KernelRules(
            named("mode", mode, MODES),
            named("padding_mode", padding_mode, PADDING_MODES),
            bool(align_corners),
        )
        fill, unknown = check_fill(fill_value, images)
        where = read_only(np.ascontiguousarray(where))
        filled = rules.padding == ZEROS
        return cls(
            read_only(images),
            where,
            rules,
            fill,
            not alone,
            has_channels,
            unknown if filled else None,
        )

    def pixel_axes(self) -> tuple[Array, Array]:
        """Gains and offsets along (x, y) with ``pixel = gain * normalized + offset``."""
        return axes(pixel_from_normalized, self.images.shape[1:3], self.rules.align_corners)

    def pieces(self, output_shape: tuple[int, ...], n_jobs: int | None) -> list[slice]:
        """What threads share out: some images, or output rows of the only image."""
        if len(self.images) != 1:
            return self.image_pieces(output_shape, n_jobs)
        rows, columns = output_shape
        count = min(max(rows * columns // POINTS_OF_A_PIECE, 1), PIECES_OF_AN_IMAGE)
        return slices_of(rows, -(-rows // count))

    def image_pieces(self, output_shape: tuple[int, ...], n_jobs: int | None) -> list[slice]:
        """Some images each: as many pieces as there are threads that are worth waking."""
        n = len(self.images)
        points = n * math.prod(output_shape)
        jobs = effective_jobs(n_jobs) if points >= POINTS_OF_THREADS else 1
        count = jobs * max(-(-points // (jobs * POINTS_OF_A_CALL)), 1)
        return slices_of(n, max(-(-n // count), 1))

    def images_and_rows(self, piece: slice) -> tuple[slice, slice]:
        """(images, output rows) of a piece."""
        return (slice(0, 1), piece) if len(self.images) == 1 else (piece, slice(None))

    def empty_output(self, output_shape: tuple[int, ...]) -> Array:
        """An array for the result, (n, rows, columns, c)."""
        n, _, _, channels = self.images.shape
        return empty((n, *output_shape, channels), self.images.dtype)

    def shaped_like_input(self, out: Array) -> Array:
        """The result with the axes the caller's images had."""
        out = out if self.has_channels else out[..., 0]
        return out if self.batched else out[0]

    def summed_like(self, dwhere: Array, where: Array) -> Array:
        """The gradient by all thetas or grids as that by those that came."""
        if math.prod(where.shape) != dwhere.size:
            dwhere = dwhere.sum(axis=0, keepdims=True)
        return dwhere.reshape(where.shape)

    def check_dout(self, dout: ArrayLike, output_shape: tuple[int, ...]) -> Array:
        """The output's gradient as (n, rows, columns, c), of the images' dtype."""
        if self.images.dtype.kind != "f":
            raise InvalidTypeError(
                f"images are {self.images.dtype}; gradients need float32 or float64 images."
            )
        n, _, _, channels = self.images.shape
        dout = as_array("dout", dout)
        if dout.dtype.kind not in "fiu":
            raise InvalidTypeError(f"dout is {dout.dtype}; wanted real numbers.")
        wanted = (n, *output_shape, channels)[not self.batched : 3 + self.has_channels]
        if dout.shape != wanted:
            raise InvalidInputError(
                f"dout has shape {dout.shape}; wanted the shape of the output, {wanted}."
            )
        dout = np.ascontiguousarray(dout, self.images.dtype)
        return read_only(dout).reshape(n, *output_shape, channels)


def _for_each(where: Array, images: Array) -> Array:
    """A theta or grid for each image, where one holds for all."""
    n = len(images)
    if len(where) == 1 and images.ndim == 3 and n != 1 and images.shape[2] <= FEW_CHANNELS:
        raise InvalidInputError(
            f"images of shape {images.shape} with one theta or grid can be one image with channels "
            "or many without; give theta[0] for one, and images[..., None] for many."
        )
    if len(where) not in (1, n):
        raise InvalidInputError(
            f"{n} images came with {len(where)} thetas or grids; wanted one each, or one for all."
        )
    return where if len(where) == n else np.repeat(where, n, axis=0)


def check_images(images: ArrayLike, batched: bool) -> Array:
    """Images as a native, contiguous array of a dtype the kernels know."""
    images = as_array("images", images)
    if images.dtype.name not in COMPUTED_IN:
        raise InvalidTypeError(
            f"images are {images.dtype}; wanted float32, float64, uint8 or uint16 "
            "(convert with images.astype('float32'))."
        )
    axes_wanted = (3, 4) if batched else (2, 3)
    if images.ndim not in axes_wanted:
        what = "(n, h, w[, c]) for a batch" if batched else "(h, w[, c]) for one theta or grid"
        raise InvalidInputError(f"images have shape {images.shape}; wanted {what}.")
    if 0 in images.shape[1 if batched else 0 :]:
        raise InvalidInputError(f"images have shape {images.shape}: they hold no pixel.")
    height, width = images.shape[int(batched) : int(batched) + 2]
    if (height + HALO) * (width + HALO) >= MOST:
        raise InvalidInputError(
            f"images of {height}x{width} pixels are too large: fewer than 2**31 can be numbered; "
            "cut them into parts."
        )
    refuse_channels_first(images, batched)
    return np.ascontiguousarray(images, images.dtype.newbyteorder("="))


def refuse_channels_first(images: Array, batched: bool) -> None:
    """Refuse (n, c, h, w), which would be taken for an image of 1, 3 or 4 rows."""
    if images.ndim == 3 + batched:
        height, width, channels = images.shape[-3:]
        if height in (1, 3, 4) and min(width, channels) >= CHANNELS_FIRST_SIDE:
            raise InvalidInputError(
                f"images have shape {images.shape}, which looks like channels first; wanted "
                "channels last (np.moveaxis(images, -3, -1)). Strips with that many channels "
                "go in groups of fewer."
            )


def halo_of(images: Array, fill: Fill, points: int) -> int:
    """What gets a halo, of images of which so many points each are sampled.

    Small images as a whole, of large ones the parts at which tiles on their edge look: a halo
    has the images' dtype, so none whose dtype cannot hold `fill`.
    """
    if images.dtype.kind != "f" and not all(float(value).is_integer() for value in fill):
        return NONE
    small = images.shape[1] * images.shape[2] <= min(LARGEST_HALOED, 2 * points)
    return WHOLE if small else BOXES


def takes_halo(images: Array, fill: Fill, points: int, mode: int) -> int:
    """1 where images get a halo as a whole, else 0: for the grid's kernels, by their mode."""
    if mode == BILINEAR:
        return int(halo_of(images, fill, points) == WHOLE)
    if mode in (NEAREST, BICUBIC):
        return 0
    raise no_kernel_for(mode)


def no_kernel_for(mode: int) -> NotImplementedError:
    """Of a mode with a name in `MODES` and no kernel to sample by it."""
    names = [name for name, number in MODES.items() if number == mode]
    return NotImplementedError(f"no kernel samples with mode={' or '.join(names)!r}.")


def check_grid(grid: ArrayLike) -> Array:
    """The grid as a float array; its values are checked while they are read."""
    grid = as_array("grid", grid)
    if grid.dtype.kind not in "fiu" or grid.ndim not in (3, 4) or grid.shape[-1] != 2:
        raise InvalidInputError(
            f"grid has shape {grid.shape} and dtype {grid.dtype}; wanted real numbers of shape "
            "(height, width, 2) for one image or (n, height, width, 2) for a batch."
        )
    if 0 in grid.shape[-3:-1]:
        raise InvalidInputError(f"grid has shape {grid.shape}: it asks for no pixel.")
    return np.asarray(grid, float_dtype(grid))


def named(parameter: str, value: str, table: dict[str, int]) -> int:
    """The number of a name, or an error that lists the names."""
    if not isinstance(value, str) or value not in table:
        raise InvalidInputError(f"{parameter} is {value!r}; wanted {one_of(value, table)}.")
    return table[value]


def float_dtype(array: Array) -> Any:
    """Native float32 for float32, else float64."""
    return np.float32 if array.dtype.name == "float32" else np.float64


def refuse_not_finite(count: int) -> None:
    """Refuse a grid in which a kernel met coordinates that are not finite."""
    if count:
        raise NonFiniteError(f"grid holds {count} coordinates that are NaN or infinite.")
