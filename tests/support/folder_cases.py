"""Models whose warp is known, and trees of photos."""

import json
from pathlib import Path

import numpy as np

from stn_cv.model.image_spec import ImageSpec
from stn_cv.model.rectifier import Rectifier
from stn_cv.nn import Dense, Flatten, SpatialTransform
from stn_cv.nn.network import Network
from stn_cv.opencv import write_image
from support.picture_files import picture


def fixed_model(
    parameters=(0, 0, 0, 0),
    family="similarity",
    shape=(16, 16, 3),
    output_shape=None,
    range="uint8",
    classes=("a", "b"),
    **transform,
):
    """A model that finds the same parameters in every photo; its head looks at the photo."""
    network = Network(
        [
            SpatialTransform([Flatten()], family, output_shape, **transform),
            Flatten(),
            Dense(len(classes), "glorot"),
        ],
        (shape[2], *shape[:2]),
        np.random.default_rng(0),
    )
    network.layers[0].network.vector[-len(parameters) :] = parameters
    return Rectifier(network, ImageSpec(*shape, range), np.array(classes))


def quarter_turn():
    """What turns content by a right angle counter-clockwise (looks along (y, -x))."""
    return fixed_model((0, np.pi / 2, 0, 0))


def tree(folder, names, height=30, width=40):
    """Photos of different content under these names."""
    for seed, name in enumerate(names):
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, picture(height, width, seed=seed))
    return Path(folder)


def files_below(folder):
    """Relative names of all files, sorted."""
    folder = Path(folder)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in files_below(folder)}


def rows_of(manifest):
    return [json.loads(line) for line in Path(manifest).read_text().splitlines()]
