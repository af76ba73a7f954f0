"""Small work that comes upon every kernel, so that each is compiled.

What a kernel is compiled for are the types of what it is given: the dtype of pixels, and how many
channels there are.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..arrays import Array
from ..model.rectifier import Rectifier
from ..nn.conv import NARROW

__all__ = ["everything", "of_model", "quietly"]

PHOTOS = tuple(product(("uint8", "uint16", "float32"), ((24, 24), (24, 24, 3), (24, 24, 4))))
TURN = np.array([[[0.8, -0.3, 0.1], [0.3, 0.8, 0.0]]])
FAMILIES = ("similarity", "projective", "tps")  # a family for each way to warp
EXAMPLES = 8
MANY = NARROW  # images, whose rows are long enough however narrow they are

Work = Callable[[], Any]


def of_model(rectifier: Rectifier) -> Iterator[Work]:
    """What a model does with photos, and with images as it was fitted on."""
    spec = rectifier.image_spec
    dtype = np.float32 if spec.range == "float" else np.dtype(spec.range)
    for n in (1, MANY):  # there are kernels for one alone, and for so many
        images = np.zeros((n, spec.height, spec.width, spec.channels), dtype)
        yield partial(rectifier.rectify, images)
        if rectifier.classes is not None:
            yield partial(rectifier.find, images)
    for kind, shape in PHOTOS:
        yield partial(rectifier.rectify_photo, np.zeros(shape, kind))
    yield from _unpacking()


def everything() -> Iterator[Work]:
    """All that this library has kernels for, of 1, 3 and 4 channels."""
    yield from _sampling()
    yield from _networks()
    yield from _features()
    yield from _unpacking()


def _sampling() -> Iterator[Work]:
    from ..sampling import grid_sample, warp_affine

    kinds = ("uint8", "uint16", "float32", "float64")
    for kind, channels, mode in product(kinds, (1, 3, 4), ("bilinear", "nearest")):
        images = np.zeros((1, 24, 24, channels), kind)
        yield partial(warp_affine, images, TURN, mode=mode)
        for precision, side in product(("float32", "float64"), (8, 24)):  # 8 takes no halo
            grid = np.zeros((1, side, side, 2), precision)
            yield partial(grid_sample, images, grid, mode=mode)
        if kind.startswith("float") and channels < 4:
            yield partial(_gradients, images, mode)


def _gradients(images: Array, mode: str) -> None:
    from ..sampling import (
        affine_grid,
        affine_grid_backward,
        grid_sample_backward,
        warp_affine_backward,
    )

    warp_affine_backward(images, images, TURN, mode=mode)
    for precision in ("float32", "float64"):
        grid = affine_grid(TURN.astype(precision), images.shape[1:3])
        affine_grid_backward(grid)
        grid_sample_backward(images, images, grid, mode=mode)


def _networks() -> Iterator[Work]:
    """Trainings of each family and photos through what was trained."""
    for dtype, channels, family in product(("float32", "float64"), (1, 3), FAMILIES):
        yield partial(_trained, dtype, channels, family)


def _trained(dtype: str, channels: int, family: str) -> None:
    from ..estimators import SpatialTransformerClassifier

    X = np.random.default_rng(0).random((EXAMPLES, 24, 24, channels)).astype(dtype)
    y = np.arange(EXAMPLES) % 2
    for antialias in (False, True):
        model = SpatialTransformerClassifier(
            family=family, head="cnn", antialias=antialias, max_iter=1, output_shape=(16, 16)
        )
        rectifier = model.fit(X, y).rectifier_
        if dtype == "float32":  # photos are never of others
            for work in of_model(rectifier):
                work()


def _features() -> Iterator[Work]:
    from ..estimators import HOG

    X = np.zeros((2, 24, 24))
    y = np.arange(2)
    for kind in ("uint8", "float32", "float64"):
        yield partial(HOG(image_shape=(24, 24)).fit_transform, X.astype(kind), y)


def _unpacking() -> Iterator[Work]:
    """How TIFFs are looked over before they are decoded."""
    from ..kernels import loaded

    packed = np.frombuffer(b"\x80", np.uint8)
    for unpack in ("lzw", "packbits"):
        yield partial(getattr(loaded("unpacked_length"), unpack), packed)


def quietly(work: Work) -> None:
    """Do it; what such small examples are warned of is not meant for anyone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work()
