"""Distorted MNIST with and without a transformer: the tables of Jaderberg et al. 2015.

python pipelines/mnist.py --distortion TC --model st-cnn --data mnist.npz --seed 0
python pipelines/mnist.py --table

A run trains on 55,000 of the 60,000 digits, bent a little and distorted anew in each epoch,
reports the error on the other 5,000, looks at the 10,000 test digits once, and adds an entry
to a file of results.
"""

import argparse
import datetime
import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from stn_cv import SpatialTransformerClassifier, __version__
from stn_cv.datasets import DigitDistortion, load_mnist
from stn_cv.nn import AveragePool, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool, ReLU

Array = NDArray[Any]
RESULTS = Path(__file__).with_name("mnist_results.json")
VALIDATION = 1 / 12  # of the training digits: 5,000 of 60,000
N_SMALL = 10_000  # training digits of TC40, distorted once and for all
BEND = 0.7  # pixels, of the digits to train on
TRIED = 4_096  # digits by which an epoch's time is guessed
DISTORTIONS = ("R", "RTS", "P", "E", "TC", "TC40")
MODELS = ("fcn", "cnn", "st-fcn", "st-cnn")
OUTPUT = {"st-fcn": 20, "st-cnn": 24}  # pixels a side of what the head sees
FAMILIES = ("affine", "projective", "tps")
# Test errors in % (Jaderberg et al. 2015, table 1 and appendix A.4), on R, RTS, P, E and TC.
PAPER: dict[tuple[str, str | None], tuple[float | None, ...]] = {
    ("fcn", None): (2.1, 5.2, 3.1, 3.2, 13.2),
    ("cnn", None): (1.2, 0.8, 1.5, 1.4, 3.5),
    ("st-fcn", "affine"): (1.2, 0.8, 1.5, 2.7, 2.0),
    ("st-fcn", "projective"): (1.3, 0.9, 1.4, 2.6, None),
    ("st-fcn", "tps"): (1.1, 0.8, 1.4, 2.4, None),
    ("st-cnn", "affine"): (0.7, 0.5, 0.8, 1.2, 1.7),
    ("st-cnn", "projective"): (0.8, 0.6, 0.8, 1.3, None),
    ("st-cnn", "tps"): (0.7, 0.5, 0.8, 1.1, None),
}


class Digits(NamedTuple):
    """Images and labels, and what distorts the images in each epoch, if anything does."""

    X_train: Array
    y_train: Array
    X_validation: Array
    y_validation: Array
    X_test: Array
    y_test: Array
    augment: DigitDistortion | None


def digits_of(name: str, source: str | None, seed: int, jobs: int) -> Digits:
    """Distorted MNIST; clutter is cut from digits of the same part."""
    mnist = load_mnist(source)
    order = np.random.default_rng(seed).permutation(len(mnist.y_train))
    validation, train = np.split(order, [int(len(order) * VALIDATION)])
    small = name == "TC40"
    if small:
        train = train[:N_SMALL]

    def distortion(digits: Array) -> DigitDistortion:
        if not name.startswith("TC"):
            return DigitDistortion(name)
        return DigitDistortion("TC", clutter=digits, side=40 if small else None)

    def drawn(digits: Array, epoch: int) -> Array:
        return distortion(digits).draw(digits, random_state=seed, epoch=epoch, n_jobs=jobs)

    X = mnist.X_train[train]
    return Digits(
        drawn(X, 0) if small else distortion(X).place(X),
        mnist.y_train[train],
        drawn(mnist.X_train[validation], 1),
        mnist.y_train[validation],
        drawn(mnist.X_test, 2),
        mnist.y_test,
        None if small else replace(distortion(X), bend=BEND),
    )


def localization(model: str, side: int) -> list[Layer]:
    """What finds the transform: convolutions on the input halved, dense layers on some 14 x 14."""
    if model == "st-fcn":
        shrink = AveragePool(round(side / 14))
        return [shrink, Flatten(), Dense(256), ReLU(), Dense(128), ReLU()]
    return [
        AveragePool(2),
        *(Conv2D(24, 5, padding=2), MaxPool(2), ReLU()),
        *(Conv2D(48, 3, padding=1), MaxPool(2), ReLU(), Flatten(), Dense(96), ReLU()),
    ]


def head(model: str, side: int, wide: bool) -> list[Layer]:
    """What classifies images of `side` pixels, with at most 400,000 parameters in all."""
    shrink = [AveragePool(2)] if side >= (40 if model.endswith("fcn") else 42) else []
    if model.endswith("fcn"):
        units = (400, 256) if side <= 20 else (256, 200)
        return [
            *(*shrink, Flatten(), Dense(units[0]), ReLU()),
            *(Dense(units[1]), ReLU(), Dropout(0.1 if model == "st-fcn" else 0.3)),
        ]
    few, many = (48, 96) if wide else (32, 64)
    return [
        *(*shrink, Conv2D(few, 5), MaxPool(2), ReLU()),
        *(Conv2D(many, 3), ReLU(), Conv2D(many, 3), MaxPool(2), ReLU()),
        *(Flatten(), Dense(160 if side <= 28 else 64), ReLU(), Dropout(0.2)),
    ]


def classifier(options: argparse.Namespace, side: int) -> SpatialTransformerClassifier:
    """The model of a run. Without a transformer the transform is kept at the identity."""
    transforms = options.model.startswith("st-")
    seen = OUTPUT[options.model] if transforms else side
    once = options.family == "tps" or (options.model, options.distortion[:2]) == ("st-cnn", "TC")
    return SpatialTransformerClassifier(
        family=options.family,
        localization=localization(options.model, side) if transforms else [Flatten()],
        localization_learning_rate_ratio=0.2 if transforms else 0.0,
        n_steps=2 if transforms and not once else 1,
        output_shape=(seen, seen),
        head=head(options.model, seen, wide=side <= 28),
        learning_rate_init=0.003,
        alpha=0.05 if options.model == "st-fcn" else 0.1,
        batch_size=128,
        n_jobs=options.jobs,
        random_state=options.seed,
    )


def epochs_within(minutes: float, model: SpatialTransformerClassifier, digits: Digits) -> int:
    """How many epochs fit, by the time that one takes on few digits, kernels compiled."""
    trial, classes = clone(model).set_params(augment=digits.augment), np.unique(digits.y_train)
    for n in (256, TRIED):
        start = time.perf_counter()
        trial.partial_fit(digits.X_train[:n], digits.y_train[:n], classes)
    seconds = (time.perf_counter() - start) * len(digits.y_train) / min(TRIED, len(digits.y_train))
    return max(int(60 * minutes / seconds), 1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train and score one model; the entry that the file of results gets."""
    digits = digits_of(options.distortion, options.data, options.seed, options.jobs)
    model = classifier(options, digits.X_train.shape[1])
    epochs = options.epochs or epochs_within(options.minutes, model, digits)
    print(f"{options.model} on {options.distortion}, seed {options.seed}: {epochs} epochs")
    model.set_params(max_iter=epochs, augment=digits.augment, verbose=True)
    start, used = time.perf_counter(), time.process_time()
    model.fit(digits.X_train, digits.y_train)
    minutes, cpu_minutes = (time.perf_counter() - start) / 60, (time.process_time() - used) / 60
    transforms = options.model.startswith("st-")
    return {
        "distortion": options.distortion,
        "model": options.model,
        "family": options.family if transforms else None,
        "seed": options.seed,
        "validation_error": percent_wrong(model, digits.X_validation, digits.y_validation),
        "test_error": percent_wrong(model, digits.X_test, digits.y_test),
        "n_test": len(digits.y_test),
        "parameters": model.rectifier_.network.vector.size,
        "epochs": epochs,
        "minutes": round(minutes, 1),
        "cpu_minutes": round(cpu_minutes, 1),
        "threads": options.jobs if options.jobs > 0 else os.cpu_count(),
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "stn_cv": __version__,
    }


def percent_wrong(model: SpatialTransformerClassifier, X: Array, y: Array) -> float:
    """Error in %."""
    return round(100 * float(np.mean(model.predict(X) != y)), 3)


def machine() -> str:
    """The processor's name, and how many cores of it."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = [line for line in information.read_text().splitlines() if "model name" in line]
        name = lines[0].partition(":")[2].strip() if lines else name
    return f"{os.cpu_count()} cores of {name}"


def results_in(path: Path) -> list[dict[str, Any]]:
    """The entries of a file of results; none if there is no file yet."""
    return json.loads(path.read_text()) if path.exists() else []


def added_to(results: list[dict[str, Any]], result: dict[str, Any]) -> list[dict[str, Any]]:
    """All results, the latest of each kind and seed: settings may have changed since."""
    kind = ("distortion", "model", "family", "seed")
    return [r for r in results if any(r[name] != result[name] for name in kind)] + [result]


def write(path: Path, results: list[dict[str, Any]]) -> None:
    """Replace the file in one step, an entry a line."""
    lines = ",\n".join(json.dumps(result) for result in results)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(f"[\n{lines}\n]\n")
    unfinished.replace(path)


def table(results: list[dict[str, Any]]) -> str:
    """The paper's errors and ours, as Markdown: mean, standard error, seeds."""
    kinds = DISTORTIONS[:5]
    rows = ["| error in % | " + " | ".join(kinds) + " |", "|---" * 6 + "|"]
    for (model, family), paper in PAPER.items():
        name = f"{model.upper()} {family}" if family else model.upper()
        errors = [
            [r for r in results if (r["distortion"], r["model"], r["family"]) == (k, model, family)]
            for k in kinds
        ]
        rows.append(" | ".join([f"| {name}, paper", *("" if p is None else f"{p}" for p in paper)]))
        rows.append(" | ".join(["| stn_cv", *map(cell, errors)]))
        rows[-2:] = [f"{row} |" for row in rows[-2:]]
    return "\n".join(rows)


def cell(results: list[dict[str, Any]]) -> str:
    """Mean test error of some runs; its standard error from the number of test digits."""
    if not results:
        return ""
    errors = np.array([result["test_error"] for result in results]) / 100
    deviation = np.sqrt(errors.mean() * (1 - errors.mean()) / results[0]["n_test"])
    seeds = "" if len(errors) == 1 else f" ({len(errors)} seeds)"
    return f"{100 * errors.mean():.2f} ± {100 * deviation:.2f}{seeds}"


def main() -> None:
    """Run one model, or print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--distortion", choices=DISTORTIONS, default="TC")
    parser.add_argument("--model", choices=MODELS, default="st-cnn")
    parser.add_argument("--family", choices=FAMILIES, default="affine")
    parser.add_argument("--data", help="an .npz or a folder of IDX files; fetched if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20, help="of training, about (20)")
    parser.add_argument("--epochs", type=int, help="instead of as many as fit into --minutes")
    parser.add_argument("--jobs", type=int, default=-1, help="threads (-1: all cores)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of results to add to")
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    options = parser.parse_args()
    if options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs is {options.epochs}; wanted at least 1")
    if not options.out.parent.is_dir():
        parser.error(f"--out is {options.out}, but there is no folder {options.out.parent}")
    results = results_in(options.out)
    if not options.table:
        result = run(options)
        print(json.dumps(result))
        results = added_to(results_in(options.out), result)  # others may have added to it
        write(options.out, results)
    print(table(results))


if __name__ == "__main__":
    main()
