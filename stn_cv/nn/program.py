"""Networks that look at one image in one call of a kernel, instead of one for each layer.

`Network.forward` without training gives the same to the bit either way. A layer that no row of
a program stands for, or one of your own, leaves its network to the layers' own `forward`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, read_only
from ..buffers import empty
from ..families import FAMILIES
from ..families.affine import AffineFamily
from ..families.frames import frame_of
from ..kernels import loaded
from ..kernels.nn import instructions as do
from ..sampling.arguments import halo_of
from ..sampling.fill import FEW_CHANNELS
from .activation import LeakyReLU, ReLU
from .conv import AllTaps, Conv2D
from .dense import Dense
from .dropout import Dropout
from .flatten import Flatten
from .layer import Layer, Shape
from .pool import AveragePool, MaxPool
from .spatial import SpatialTransform
from .standardize import Standardize, StandardizeEach

__all__ = ["Found", "Program", "TransformProgram", "program_of"]


class Found(NamedTuple):
    """What a network that begins with a transform gives of one image."""

    theta: Array  # (1, 2, 3) float64
    rectified: Array  # (1, height, width, channels)
    outputs: Array  # (k, 1), or (channels, height, width, 1)


@dataclass
class _Table:
    """A program as it is written, and what its rows point at."""

    shape: Shape  # of the activations so far
    at: int = 0  # where in the parameters those of the next layer lie
    place: int = 0  # where in the workspace the activations lie
    size: int = 0  # of the workspace
    steps: tuple[int, int] | None = None  # from row to row and from map to map, where not compact
    rows: list[list[int]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def add(self, kind: int, shape: Shape, *numbers: int, values: int | None = None) -> None:
        """A row whose output has a shape; it takes so many `values`, if they are more."""
        if kind != do.LARGEST:
            self.compact()
        given = self.shape if len(self.shape) == 3 else (self.shape[0], 1, 1)
        row = [kind, self.place, self.size, *given, *numbers]
        self.rows.append([*row, *[0] * (do.COLUMNS - len(row))])
        self.place, self.shape = self.size, shape
        self.size += math.prod(shape) if values is None else values

    def compact(self) -> None:
        """Leave nothing between rows."""
        if self.steps is not None:
            steps, self.steps = self.steps, None
            self.add(do.COMPACT, self.shape, *steps)

    def keep(self, kept: list[Any], values: Any) -> int:
        """Where values lie from now on."""
        kept.extend(values)
        return len(kept) - len(values)

    def program(self) -> Array:
        """The rows as kernels take them."""
        return np.array(self.rows, np.int64).reshape(-1, do.COLUMNS)

    def write(self, layers: Sequence[Layer]) -> None:
        """Rows for layers one after another; `KeyError` where one has none."""
        self.place = 0
        self.size = max(self.size, math.prod(self.shape))
        for layer in layers:
            ROWS[type(layer)](self, layer)
            self.at += sum(parameter.size for parameter in layer.parameters)
        self.compact()


def _convolution(table: _Table, layer: Conv2D) -> None:
    k, filters, padding = layer.kernel_size, layer.filters, layer.padding
    channels, height, width = table.shape
    if padding:
        height, width = height + 2 * padding, width + 2 * padding
        table.add(do.PAD, (channels, height, width), padding)
    taps = AllTaps.of((channels, height, width, 1), k, 1)
    at = table.keep(table.offsets, [*taps.offsets, *taps.first, *taps.stop])
    weights, length = table.at, loaded("nn.conv").good_length(taps.length)
    row = filters, k, weights, weights + filters * len(taps.offsets), at, length
    table.add(do.CONVOLVE, (filters, *taps.shape[:2]), *row, values=filters * length)
    table.steps = width, length


def _max_pool(table: _Table, layer: MaxPool) -> None:
    channels, height, width = table.shape
    steps, table.steps = table.steps or (width, height * width), None
    table.add(do.LARGEST, _pooled(table, layer), layer.size, *steps)


def _average_pool(table: _Table, layer: AveragePool) -> None:
    table.add(do.MEAN, _pooled(table, layer), layer.size)


def _pooled(table: _Table, layer: Any) -> Shape:
    channels, height, width = table.shape
    return channels, height // layer.size, width // layer.size


def _leaky(table: _Table, layer: LeakyReLU) -> None:
    table.add(do.LEAKY, table.shape, table.keep(table.constants, [layer.slope]))


def _standardize(table: _Table, layer: Standardize) -> None:
    values = [*layer.mean, *(1 / np.array(layer.scale))]
    table.add(do.STANDARDIZE, table.shape, table.keep(table.constants, values))


def _standardize_each(table: _Table, layer: StandardizeEach) -> None:
    at = table.keep(table.constants, [layer.epsilon**2])
    table.add(do.STANDARDIZE_EACH, table.shape, at)


def _dense(table: _Table, layer: Dense) -> None:
    bias = table.at + layer.units * table.shape[0]
    table.add(do.MULTIPLY, (layer.units,), layer.units, table.at, bias)


def _flatten(table: _Table, layer: Flatten) -> None:
    table.compact()
    table.shape = (math.prod(table.shape),)


ROWS: dict[type, Callable[[_Table, Any], None]] = {
    Conv2D: _convolution,
    MaxPool: _max_pool,
    AveragePool: _average_pool,
    ReLU: lambda table, layer: table.add(do.RELU, table.shape),
    LeakyReLU: _leaky,
    Standardize: _standardize,
    StandardizeEach: _standardize_each,
    Dense: _dense,
    Dropout: lambda table, layer: None,
    Flatten: _flatten,
}


class Program:
    """A chain of layers, whose table is there from the beginning."""

    def __init__(self, table: _Table) -> None:
        self.rows = table.program()
        self.constants = np.array(table.constants, np.float64)
        self.offsets = np.array(table.offsets, np.int64)
        self.size = table.size + loaded("nn.conv").SPAN  # a convolution reads beyond its input
        self.place, self.shape = table.place, (*table.shape, 1)

    def run(self, image: Array, parameters: Array) -> Array | None:
        """Outputs (..., 1) of an image (1, h, w, c); None where they are not ordinary numbers."""
        image, dtype = _given(image, parameters.dtype), parameters.dtype
        space, outputs = empty((self.size,), dtype), np.empty(self.shape, dtype)
        finite = loaded("nn.program").run(
            image, self.rows, read_only(parameters), self.constants, self.offsets, self.place,
            space, outputs.reshape(-1),
        )  # fmt: skip
        return outputs if finite else None


class TransformProgram(Program):
    """A `SpatialTransform` of an affine family, and the layers behind it."""

    def __init__(self, transform: SpatialTransform, head: list[Layer], shape: Shape) -> None:
        family, rules = FAMILIES[transform.family], transform.rules
        assert isinstance(family, AffineFamily)
        channels, *seen = shape
        table = _Table(shape)
        table.write(transform.network.layers)
        self.looks, found = table.program(), table.place
        table.rows, table.shape = [], (channels, *transform.shape)
        table.write(head)
        super().__init__(table)
        self.rectified_shape = (1, *transform.shape, channels)
        self.frames = np.concatenate(
            [frame_of(tuple(seen), to) for to in (tuple(seen), transform.shape)]
        )
        self.fill = (rules.fill_value,) * channels
        image = np.empty((1, *seen, channels), np.float32)
        halos = [halo_of(image, self.fill, math.prod(to)) for to in (seen, transform.shape)]
        steps = transform.n_steps, family.n_parameters
        mode, padding, _ = rules.for_kernels()
        self.facts = np.array([family.kernel_motion[0], *steps, found, *halos, mode, padding])

    def run(self, image: Array, parameters: Array) -> Array | None:
        found = self.find(image, parameters)
        return None if found is None else found.outputs

    def find(self, image: Array, parameters: Array, with_head: bool = True) -> Found | None:
        """What is found of an image (1, h, w, c); None where it is not ordinary numbers."""
        dtype, head = parameters.dtype, self.rows if with_head else self.rows[:0]
        space, outputs = empty((self.size,), dtype), np.empty(self.shape if with_head else 0, dtype)
        theta, rectified = np.empty((1, 2, 3)), np.empty(self.rectified_shape, dtype)
        ordinary = loaded("nn.program").run_transform(
            _given(image, dtype), self.looks, head, self.facts, self.frames,
            read_only(parameters), self.constants, self.offsets,
            tuple(map(dtype.type, self.fill)), self.place, space, theta, rectified,
            outputs.reshape(-1),
        )  # fmt: skip
        return Found(theta, rectified, outputs) if ordinary else None


def _given(image: Array, dtype: Any) -> Array:
    return read_only(np.ascontiguousarray(image, dtype))


def program_of(layers: Sequence[Layer], input_shape: Shape) -> Program | None:
    """The program of a network's layers, if all of them can be part of one."""
    if len(input_shape) != 3 or not layers:
        return None
    first, *rest = layers
    if type(first) is SpatialTransform:
        family = FAMILIES[first.family]
        known = isinstance(family, AffineFamily) and family.kernel_motion[0] is not None
        if not known or first.antialias or input_shape[0] > FEW_CHANNELS:
            return None
        layers = [*first.network.layers, *rest]
    if not all(type(layer) in ROWS for layer in layers):
        return None
    if type(first) is SpatialTransform:
        return TransformProgram(first, rest, input_shape)
    table = _Table(input_shape)
    table.write(layers)
    return Program(table)
