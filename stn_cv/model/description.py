"""What a model is, apart from its weights, as JSON can hold it, and back.

A description is never trusted: names are looked up in dicts, values checked by type before
a layer sees them, and nothing is allocated that the weights at hand could not fill.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from ..arrays import INTEGER_MAXIMA, Array
from ..errors import InvalidTypeError, ModelFileError
from ..nn import (
    AveragePool,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Shrink,
    SpatialTransform,
    Standardize,
    StandardizeEach,
)
from ..nn.network import Network
from ..nn.spatial import Transform
from ..pose.transform import PoseTransform
from .image_spec import ImageSpec
from .rectifier import Rectifier

__all__ = ["LAYERS", "with_later_fields", "describe", "rectifier_of"]

LAYERS: dict[str, type[Layer]] = {
    "AveragePool": AveragePool,
    "Conv2D": Conv2D,
    "Dense": Dense,
    "Dropout": Dropout,
    "Flatten": Flatten,
    "LeakyReLU": LeakyReLU,
    "MaxPool": MaxPool,
    "Parallel": Parallel,
    "PoseTransform": PoseTransform,
    "ReLU": ReLU,
    "Shrink": Shrink,
    "SpatialTransform": SpatialTransform,
    "Standardize": Standardize,
    "StandardizeEach": StandardizeEach,
}
# Fields that layers got in format 1.1 and so on, and what files mean that do not have them yet.
LATER_FIELDS: dict[int, dict[str, dict[str, Any]]] = {
    1: {"SpatialTransform": {"antialias": False, "n_steps": 1}},
    3: {"PoseTransform": {"halving": False}},
}
LARGEST_IMAGE = 2**27  # pixels of an input or output
LARGEST_LABELS = 2**24  # characters
LARGEST_VALUES = 2**26  # between the layers, of one image: a quarter of a gigabyte
LARGEST_WORK = 2**37  # products of weights and values, for one image: some seconds


def describe(rectifier: Rectifier) -> dict[str, Any]:
    """All of a Rectifier but its weights."""
    network, spec = rectifier.network, rectifier.image_spec
    for layer in network.layers:
        _check_known(layer)
    return {
        "image_spec": {name: _item(value) for name, value in asdict(spec).items()},
        "layers": [layer.description() for layer in network.layers],
        "classes": None if rectifier.classes is None else _labels(rectifier.classes),
    }


def rectifier_of(description: dict[str, Any], vector: Array) -> Rectifier:
    """The Rectifier that a description and its weights make."""
    _check_names(description, {"image_spec", "layers", "classes"}, "the description")
    spec = _image_spec(description["image_spec"])
    layers = _layers(description["layers"], "layers")
    if not layers or not isinstance(layers[0], Transform):
        raise ModelFileError("its first layer is no transform.")
    shape = (spec.channels, spec.height, spec.width)
    network = Network(layers, shape)
    if network.n_parameters != vector.size:
        raise ModelFileError(
            f"{vector.size} weights came; its layers want {network.n_parameters} of them."
        )
    _check_costs(network)
    network.bind(vector.copy())
    classes = None if description["classes"] is None else _classes(description["classes"])
    if classes is not None and network.output_shape != classes.shape:
        raise ModelFileError(
            f"it has {len(classes)} classes, but its network gives {network.output_shape}."
        )
    return Rectifier(network, spec, classes)


def _check_costs(network: Network) -> None:
    """Refuse what would take gigabytes or minutes for a single image."""
    values, work = _costs(network)
    if values > LARGEST_VALUES or work > LARGEST_WORK:
        raise ModelFileError(
            f"for one image its layers make {values} values by {work} products; at most "
            f"{LARGEST_VALUES} and {LARGEST_WORK} are allowed."
        )


def _costs(network: Network) -> tuple[int, int]:
    """Values that come out of all layers, and products of weights, for one image."""
    values = work = 0
    parts = zip(network.layers, network.output_shapes, network.shapes, strict=True)
    for layer, output, own in parts:
        times = layer.n_steps if isinstance(layer, Transform) else 1
        inner = [_costs(each) for each in _networks_in(layer)]
        places = math.prod(output[1:]) if isinstance(layer, Conv2D) else 1
        values += math.prod(output) * times + sum(cost[0] for cost in inner) * times
        work += sum(map(math.prod, own)) * places + sum(cost[1] for cost in inner) * times
    return values, work


def _networks_in(layer: Layer) -> list[Network]:
    if isinstance(layer, (Parallel, PoseTransform)):
        return layer.networks
    return [layer.network] if isinstance(layer, SpatialTransform) else []


def with_later_fields(value: Any, minor: int) -> Any:
    """The description in a file of format 1.minor, or a part of it, as today's format has it."""
    if isinstance(value, list):
        return [with_later_fields(item, minor) for item in value]
    if not isinstance(value, dict):
        return value
    added: dict[str, Any] = {}
    for later, layers in LATER_FIELDS.items():
        if later > minor:
            added |= layers.get(str(value.get("layer")), {})
    return {**added, **{name: with_later_fields(item, minor) for name, item in value.items()}}


def _check_names(given: Any, wanted: set[str], what: str) -> None:
    if not isinstance(given, dict):
        raise ModelFileError(f"{what} is {str(given)[:80]!r}; wanted an object.")
    unknown, missing = sorted(given.keys() - wanted), sorted(wanted - given.keys())
    if unknown or missing:
        raise ModelFileError(
            f"{what} has unknown entries {str(unknown)[:80]} and lacks {missing}. A newer stn_cv "
            "may know them."
        )


def _check_known(layer: Layer) -> None:
    """Refuse to save a layer that `load` could not make."""
    if LAYERS.get(type(layer).__name__) is not type(layer):
        raise InvalidTypeError(
            f"a model file cannot hold the layer {layer!r}; it knows {', '.join(LAYERS)}."
        )
    looks = getattr(layer, "looks", [])
    for chain in (getattr(layer, "localization", []), *getattr(layer, "branches", []), *looks):
        for inner in chain:
            _check_known(inner)


def _layers(value: Any, where: str) -> list[Layer]:
    if not isinstance(value, list):
        raise ModelFileError(f"{where} is {str(value)[:80]!r}; wanted a list of layers.")
    return [_layer(entry, f"{where}[{number}]") for number, entry in enumerate(value)]


def _branches(value: Any, where: str) -> list[list[Layer]]:
    if not isinstance(value, list):
        raise ModelFileError(f"{where} is {str(value)[:80]!r}; wanted a list of lists of layers.")
    return [_layers(chain, f"{where}[{number}]") for number, chain in enumerate(value)]


def _layer(entry: Any, where: str) -> Layer:
    """One layer, its fields checked by type; their values are checked as it is built."""
    name = entry.get("layer") if isinstance(entry, dict) else None
    kind = LAYERS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ModelFileError(
            f"{where} is a {str(name)[:80]!r}; this version knows {', '.join(LAYERS)}. A newer "
            "stn_cv may know it."
        )
    kinds = {field.name: field.type for field in fields(kind) if field.init}
    _check_names(entry, {"layer", *kinds}, where)
    values = {}
    for field, wanted in kinds.items():
        value = entry[field]
        if wanted == list[Layer]:
            value = _layers(value, f"{where}.{field}")
        elif wanted == list[list[Layer]]:
            value = _branches(value, f"{where}.{field}")
        elif not _CHECKS.get(wanted, _never)(value):
            raise ModelFileError(f"{where}.{field} is {str(value)[:80]!r}; wanted {wanted}.")
        values[field] = tuple(value) if value and wanted == _PAIR else value
    return kind(**values)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300


def _is_size(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_IMAGE


def _is_shape(value: Any) -> bool:
    sides = isinstance(value, list) and len(value) == 2 and all(map(_is_size, value))
    return sides and math.prod(value) <= LARGEST_IMAGE


def _never(value: Any) -> bool:
    return False


_PAIR = tuple[int, int] | None
_CHECKS: dict[Any, Callable[[Any], bool]] = {
    int: lambda value: type(value) is int and 0 <= value <= LARGEST_IMAGE,
    float: _is_number,
    bool: lambda value: type(value) is bool,
    str: lambda value: isinstance(value, str),
    list[float]: lambda value: isinstance(value, list) and all(map(_is_number, value)),
    _PAIR: lambda value: value is None or _is_shape(value),
}


def _image_spec(value: Any) -> ImageSpec:
    names = {field.name for field in fields(ImageSpec)}
    _check_names(value, names, "image_spec")
    shape = [value["height"], value["width"]]
    ranges = (*INTEGER_MAXIMA, "float")
    if not _is_shape(shape) or not _is_size(value["channels"]) or value["range"] not in ranges:
        raise ModelFileError(
            f"image_spec is {str(value)[:120]}; wanted sizes from 1, {LARGEST_IMAGE} pixels at "
            f"most, and a range of {', '.join(ranges)}."
        )
    return ImageSpec(**value)


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _labels(classes: Array) -> dict[str, Any]:
    """Class labels as JSON: integers, floats, booleans or text."""
    values = classes.tolist()
    kind, native = classes.dtype.kind, classes.dtype.newbyteorder("=")
    text = kind == "U" or (kind == "O" and all(type(value) is str for value in values))
    number = kind in "biuf" and native.itemsize <= 8 and np.isfinite(classes).all()
    if classes.ndim != 1 or not (text or number):
        raise InvalidTypeError(
            f"a model file cannot hold classes of {classes.dtype}, {values[:3]}; fit with labels "
            "that are integers, floats, booleans or text."
        )
    return {"dtype": native.str.lstrip("<>|="), "values": values}


def _classes(value: Any) -> Array:
    """The array of labels, if its description says just what the array then says."""
    _check_names(value, {"dtype", "values"}, "classes")
    name, values = value["dtype"], value["values"]
    if not isinstance(name, str) or not isinstance(values, list):
        raise ModelFileError(f"classes is {str(value)[:80]}; wanted a dtype and values.")
    plain = {type(v) for v in values} <= {bool, int, float, str}
    width = name[1:]
    known = name in _NUMBERS or (name[:1] == "U" and width.isdecimal())
    if not plain or not (known or name == "O") or len(width) > 8:
        raise ModelFileError(f"classes has dtype {name[:40]!r}; this version knows no such labels.")
    if name[:1] == "U" and int(width) * len(values) > LARGEST_LABELS:
        raise ModelFileError(f"classes holds texts of {width} characters: more than can be.")
    try:
        classes = np.array(values, name)
        same = _labels(classes) == value and [type(v) for v in classes.tolist()] == [
            type(v) for v in values
        ]
    except (ValueError, TypeError, OverflowError, InvalidTypeError):
        same = False
    if not same:
        raise ModelFileError(f"classes holds values that are no {name}.")
    if len(np.unique(classes)) != len(classes):
        raise ModelFileError(f"classes holds {str(values)[:80]}, some of them twice.")
    return classes


_NUMBERS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
