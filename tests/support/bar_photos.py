"""Photos of two classes, bars that lie and bars that stand, and how to fit a model to them fast."""

from pathlib import Path

import numpy as np

from stn_cv.opencv import write_image

QUICK = ["--size", "16x16", "--localization", "mlp", "--head", "linear", "--jobs", "1"]
TRAINING = ["--epochs", "6", "--seed", "3", "--validation", "0.1"]  # of the model `fitted`


def shape_photo(kind, seed, height, width):
    """A bar that lies and is red or stands and is blue, somewhere on noise."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    y, x = rng.integers(height // 4, height // 2), rng.integers(width // 4, width // 2)
    if kind == "lying":
        image[y : y + height // 12, x : x + width // 3] = (230, 30, 30)
    else:
        image[y : y + height // 3, x : x + width // 12] = (30, 30, 230)
    return image


def bars(folder, count=24):
    """A folder with two classes of photos of mixed sizes and formats."""
    for kind in ("lying", "standing"):
        for seed in range(count):
            suffix = (".jpg", ".png", ".webp")[seed % 3]
            height, width = ((48, 64), (64, 48), (96, 96), (30, 40))[seed % 4]
            path = Path(folder) / kind / ("more" if seed % 5 == 0 else "") / f"{seed}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, shape_photo(kind, seed, height, width))
    return Path(folder)
