"""What all looks of a pose model cost where whole photos are rectified.

    python tests/benchmarks/pose_photo.py [--photos 100] [--rounds 5] [--jobs 2]

One photo of 1280 x 960 goes through models of poses of one look and of all of them (six
candidates, four looks) in turn, on one thread; then a folder of such photos through the second
and through what `stn-cv fit` makes of classes. The poses are as little trained as the networks
of `folder.py`: it is the work that is timed.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from folder import generate, model

from stn_cv import PoseTransformer, rectify_folder
from stn_cv.opencv import read_image

SIDE = 64  # pixels of the small copies, as of `stn-cv fit`


def poses(**looks):
    """A model of poses at any turn, in colour."""
    rng = np.random.default_rng(0)
    examples = rng.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    examples = np.stack([cv2.resize(e, (SIDE, SIDE)) for e in examples])
    return PoseTransformer(n_canvases=256, random_state=0, **looks).fit(examples).rectifier_


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_photo(photo, one_look, all_looks, rounds):
    """Median milliseconds of each."""
    models = {"one look": one_look, "all looks": all_looks}
    times = {name: [] for name in models}
    for _ in range(10 * rounds):
        for name, own in models.items():
            times[name].append(seconds(lambda own=own: own.rectify_photo(photo, "input")))
    one, every = (1e3 * statistics.median(found) for found in times.values())
    print(f"one photo: one look {one:.1f} ms, all looks {every:.1f} ms, {every / one:.2f} times")


def folder_of_photos(photos, all_looks, arguments):
    """Photos a second of each, and the median of the rounds' ratios."""
    rates = {"classes": [], "poses": []}
    for number in range(1 + arguments.rounds):  # the first one compiles
        for name, own in zip(rates, (model(), all_looks), strict=True):
            with tempfile.TemporaryDirectory() as out:
                given = {"size": "input", "quality": 95, "n_jobs": arguments.jobs}
                took = seconds(
                    lambda own=own, out=out, given=given: rectify_folder(own, photos, out, **given)
                )
            rates[name] += [len(photos) / took] if number else []
    classes, own = (np.array(found) for found in rates.values())
    print(
        f"folder: {np.median(classes):.1f} photos a second by a model of classes, "
        f"{np.median(own):.1f} by one of poses, {np.median(own / classes):.2f} times"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    one_look, all_looks = poses(n_steps=1, candidates=1), poses()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), arguments.photos)
        photos = sorted(Path(folder).glob("*.jpg"))
        one_photo(read_image(photos[0]), one_look, all_looks, arguments.rounds)
        folder_of_photos(photos, all_looks, arguments)


if __name__ == "__main__":
    main()
