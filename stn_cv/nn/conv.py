"""Two-dimensional convolution (cross-correlation, as everywhere in this field), stride 1."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..errors import InvalidInputError
from ..kernels import loaded
from .dense import initial_weights
from .layer import Backward, Layer, Shape, check_ndim, check_positive, no_backward

NARROW = 64  # values of an output row, below which rows are not worth a loop of their own


@dataclass
class Conv2D(Layer):
    """Square filters over all channels, with a bias each.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int
        Side of the filters.
    padding : int, default 0
        Rows and columns of zeros put around the input.

    Examples
    --------
    >>> from stn_cv.nn import Conv2D
    >>> Conv2D(20, 5)
    Conv2D(filters=20, kernel_size=5, padding=0)
    """

    filters: int
    kernel_size: int
    padding: int = 0

    def build(self, input_shape: Shape) -> tuple[Shape, list[Shape]]:
        check_ndim(self, input_shape, 3)
        check_positive(self, filters=self.filters, kernel_size=self.kernel_size)
        if (
            not isinstance(self.padding, (int, np.integer))
            or not 0 <= self.padding < self.kernel_size
        ):
            raise InvalidInputError(f"{self}: wanted a padding from 0 to kernel_size - 1.")
        channels, height, width = input_shape
        shrink = self.kernel_size - 1 - 2 * self.padding
        output_shape = (self.filters, height - shrink, width - shrink)
        if min(output_shape) < 1:
            raise InvalidInputError(
                f"{self} leaves nothing of an input of shape {input_shape}; use a smaller kernel."
            )
        shape = (self.filters, channels, self.kernel_size, self.kernel_size)
        return output_shape, [shape, (self.filters,)]

    def initial(self, rng: np.random.Generator) -> list[Array]:
        W, b = self.parameters
        return [initial_weights("he", W.shape, rng), np.zeros(b.shape)]

    def has_convolution(self) -> bool:
        return True

    def forward(
        self, X: Array, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Backward]:
        W, b = self.parameters
        X = widened(X, self.padding)
        Y = correlate(X, W, b, self.padding)
        if not training:
            return Y, no_backward

        def backward(dY: Array, want_dX: bool = True) -> tuple[Array | None, list[Array]]:
            dY = np.ascontiguousarray(dY)
            dW, db = weight_gradient(X, dY, self.kernel_size, self.padding)
            dX = None
            if want_dX:
                # The transpose of a correlation is one with the turned kernel, the channel
                # axes exchanged, and the padding that restores the input's size.
                turned = W[:, :, ::-1, ::-1].swapaxes(0, 1)
                padding = self.kernel_size - 1 - self.padding
                zeros = np.zeros(len(turned), W.dtype)
                dX = correlate(widened(dY, padding), turned, zeros, padding)
            return dX, [dW, db]

        return Y, backward


def widened(X: Array, padding: int) -> Array:
    """X with columns of zeros at both sides, contiguous; rows are padded by skipping taps."""
    if not padding:
        return np.ascontiguousarray(X)
    channels, height, width, n = X.shape
    wide = empty((channels, height, width + 2 * padding, n), X.dtype)
    wide[:, :, :padding] = wide[:, :, padding + width :] = 0
    wide[:, :, padding : padding + width] = X
    return wide


def correlate(X: Array, W: Array, b: Array, padding: int) -> Array:
    """Correlate a widened X with W (filters, channels, k, k)."""
    filters, _, k, _ = W.shape
    columns, n = X.shape[2] - k + 1, X.shape[3]
    if _is_narrow(columns, n):
        return _correlate_whole(X, W, b, padding)
    rows = X.shape[1] + 2 * padding - k + 1
    Y = empty((filters, rows, columns * n), X.dtype)
    loaded("nn.conv").correlate(*_given(X, W, b, padding), Y)
    return Y.reshape(filters, rows, columns, n)


def _is_narrow(columns: int, n: int) -> bool:
    return n == 1 or columns * n < NARROW


def _given(X: Array, W: Array, b: Array, padding: int) -> tuple[Any, ...]:
    """What kernels are told of rows that each have a loop of their own."""
    taps = _Taps.of(X.shape, W.shape[2], padding)
    return (
        read_only(X.reshape(-1)), read_only(taps.spread(W)), taps.offsets, taps.first, taps.stop,
        X.shape[2] * X.shape[3], read_only(b),
    )  # fmt: skip


def pooled(layer: Conv2D, X: Array) -> Array | None:
    """The largest of each square of 2 of what a layer gives, without its map in between.

    The same to the bit as `MaxPool` of its output. A map of many images is larger than the
    cache. None where rows are too short.
    """
    W, b = layer.parameters
    X = widened(X, layer.padding)
    filters, _, k, _ = W.shape
    columns, n = X.shape[2] - k + 1, X.shape[3]
    if _is_narrow(columns, n):
        return None
    rows = X.shape[1] + 2 * layer.padding - k + 1
    Y = empty((filters, rows // 2, columns // 2, n), X.dtype)
    pair = empty((filters, 2, columns * n), X.dtype)
    loaded("nn.conv").correlate_pooled(*_given(X, W, b, layer.padding), pair, Y)
    return Y


def _correlate_whole(X: Array, W: Array, b: Array, padding: int) -> Array:
    """As `correlate`, with all rows of a map as one: for few images, whose rows are short.

    What falls between the rows is computed for nothing, and left out of the view returned.
    """
    kernels = loaded("nn.conv")
    filters, _, k, _ = W.shape
    if padding:
        inner, channels, height, *rest = X, *X.shape
        X = np.zeros((channels, height + 2 * padding, *rest), X.dtype)  # np.pad takes 20 us more
        X[:, padding : padding + height] = inner
    taps, flat = AllTaps.of(X.shape, k, X.itemsize), X.reshape(-1)
    length = max(taps.length, kernels.SHORTEST)
    if length > taps.length:
        flat = np.concatenate([flat, np.zeros(length - taps.length, X.dtype)])
    Y = np.empty((filters, 1, length), X.dtype)
    weights = np.ascontiguousarray(W.reshape(filters, -1))  # a turned W may reshape to a view
    kernels.correlate(
        read_only(flat), read_only(weights), taps.offsets, taps.first, taps.stop, 0, read_only(b), Y
    )
    return np.ndarray((filters, *taps.shape), Y.dtype, Y, 0, (length * Y.itemsize, *taps.strides))


class AllTaps(NamedTuple):
    """The taps in the order of the weights, where no row leaves one out; and what they give.

    `length` values a filter, in which `shape` (rows, columns, n) lies with `strides`.
    """

    offsets: Array
    first: Array
    stop: Array
    length: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @staticmethod
    @lru_cache(maxsize=256)
    def of(shape: tuple[int, ...], k: int, itemsize: int) -> "AllTaps":
        """For an input of `shape` (channels, height, width, n)."""
        channels, height, width, n = shape
        rows, columns = height - k + 1, width - k + 1
        starts = np.arange(channels * height * width).reshape(shape[:3])[:, :k, :k] * n
        first, stop = np.zeros(1, np.int64), np.full(1, starts.size)
        length = ((rows - 1) * width + columns) * n
        strides = width * n * itemsize, n * itemsize, itemsize
        return AllTaps(starts.reshape(-1), first, stop, length, (rows, columns, n), strides)


def weight_gradient(X: Array, dY: Array, k: int, padding: int) -> tuple[Array, Array]:
    """Gradients by W (filters, channels, k, k) and b of `correlate`."""
    kernels = loaded("nn.conv")
    filters, rows, _, n = dY.shape
    taps = _Taps.of(X.shape, k, padding)
    dweights, dbias = np.empty((filters, len(taps.offsets)), X.dtype), np.empty(filters, X.dtype)
    kernels.weight_gradient(
        read_only(X.reshape(-1)), read_only(dY.reshape(filters, rows, -1)), taps.offsets,
        taps.first, taps.stop,
        X.shape[2] * n, dweights, dbias,
    )  # fmt: skip
    return taps.collect(dweights), dbias


@dataclass(frozen=True)
class _Taps:
    """The kernel's taps in order (row of the kernel, channel, column), as the kernels take them."""

    channels: int
    k: int
    offsets: Array
    first: Array
    stop: Array

    @staticmethod
    @lru_cache(maxsize=256)
    def of(shape: tuple[int, ...], k: int, padding: int) -> "_Taps":
        """For a widened input of `shape` (channels, height, width, n)."""
        channels, height, width, n = shape
        row, in_row = width * n, channels * k
        at = np.arange(channels)[:, None] * height * row + np.arange(k) * n
        offsets = at.reshape(-1) + (np.arange(k)[:, None] - padding) * row
        output_rows = np.arange(height + 2 * padding - k + 1)
        first = np.clip(padding - output_rows, 0, k) * in_row
        stop = np.clip(height + padding - output_rows, 0, k) * in_row
        return _Taps(channels, k, offsets.reshape(-1), first, stop)

    def spread(self, W: Array) -> Array:
        """Weights (filters, channels, k, k) as (filters, taps)."""
        return np.ascontiguousarray(W.swapaxes(1, 2).reshape(len(W), -1))

    def collect(self, dweights: Array) -> Array:
        """The transpose of `spread`."""
        return dweights.reshape(-1, self.k, self.channels, self.k).swapaxes(1, 2)
