"""Distorted MNIST with and without a transformer: the tables of Jaderberg et al. 2015.

python pipelines/mnist.py --distortion TC --model st-cnn --data mnist.npz --seed 0
python pipelines/mnist.py --table
python pipelines/mnist.py --distortion R --model st-fcn --epochs 100 --try alpha=0.02 bend=1

A run trains on 55,000 of the 60,000 digits, bent a little and distorted anew in each epoch,
reports the error on the other 5,000, looks at the 10,000 test digits once, and adds an entry
to a file of results. With --try it leaves the test digits and the file alone, and reports the
error on validation digits that are drawn three times.
"""

import argparse
import datetime
import json
import math
import os
import platform
import sys
import tempfile
import time
import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mnist_models import MODELS, Settings, classifier, settings_of
from mnist_results import DISTORTIONS, RESULTS, add, results_in, table
from numpy.typing import NDArray
from sklearn.base import clone

from stn_cv import (
    InterruptedWarning,
    InvalidInputError,
    PoseWarning,
    SpatialTransformerClassifier,
    __version__,
)
from stn_cv.datasets import MNIST, DigitDistortion, load_mnist

Array = NDArray[Any]
VALIDATION = 1 / 12  # of the training digits: 5,000 of 60,000
VALIDATION_DRAWINGS = (1, 11, 12)  # epochs by which they are drawn; 2 draws the test digits
N_SMALL = 10_000  # training digits of TC40, distorted once and for all
TRIED = 4_096  # digits by which an epoch's time is guessed
FAMILIES = ("affine", "projective", "tps")


class Digits(NamedTuple):
    """Images and labels, and what distorts the images in each epoch, if anything does."""

    X_train: Array
    y_train: Array
    X_validation: list[Array]
    y_validation: Array
    X_test: Array | None
    y_test: Array
    augment: DigitDistortion | None


def digits_of(mnist: MNIST, options: argparse.Namespace) -> Digits:
    """Distorted digits, not bent yet; clutter is cut from digits of the same part."""
    name, seed = options.distortion, options.seed
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
        own = distortion(digits)
        return own.draw(digits, random_state=seed, epoch=epoch, n_jobs=options.jobs)

    X = mnist.X_train[train]
    drawings = VALIDATION_DRAWINGS if options.trying else VALIDATION_DRAWINGS[:1]
    return Digits(
        drawn(X, 0) if small else distortion(X).place(X),
        mnist.y_train[train],
        [drawn(mnist.X_train[validation], epoch) for epoch in drawings],
        mnist.y_train[validation],
        None if options.trying else drawn(mnist.X_test, 2),
        mnist.y_test,
        None if small else distortion(X),
    )


def epochs_within(minutes: float, model: SpatialTransformerClassifier, digits: Digits) -> int:
    """How many epochs fit, by the time that one takes on few digits, kernels compiled."""
    trial, classes = clone(model).set_params(augment=digits.augment), np.unique(digits.y_train)
    for n in (256, TRIED):
        start = time.perf_counter()
        trial.partial_fit(digits.X_train[:n], digits.y_train[:n], classes)
    seconds = (time.perf_counter() - start) * len(digits.y_train) / min(TRIED, len(digits.y_train))
    return max(int(60 * minutes / seconds), 1)


def trained(options: argparse.Namespace, digits: Digits) -> SpatialTransformerClassifier:
    """The model of a run, fitted."""
    side = digits.X_train.shape[1]
    if digits.augment is not None:
        digits = digits._replace(
            augment=replace(digits.augment, bend=settings_of(options, side).bend)
        )
    model = classifier(options, side)
    epochs = options.epochs or epochs_within(options.minutes, model, digits)
    print(f"{options.model} on {options.distortion}, seed {options.seed}: {epochs} epochs")
    model.set_params(max_iter=epochs, augment=digits.augment, verbose=True)
    return model.fit(digits.X_train, digits.y_train)


def run(options: argparse.Namespace, digits: Digits) -> dict[str, Any]:
    """Train and score one model; the entry that the file of results gets."""
    start, used = time.perf_counter(), time.process_time()
    model = trained(options, digits)
    minutes, cpu_minutes = (time.perf_counter() - start) / 60, (time.process_time() - used) / 60
    network = model.rectifier_.network
    idle = 0 if options.family else int(network.localization_mask().sum())
    return {
        "distortion": options.distortion,
        "model": options.model,
        "family": options.family,
        "seed": options.seed,
        "validation_error": percent_wrong(model, digits.X_validation[0], digits.y_validation),
        "test_error": percent_wrong(model, digits.X_test, digits.y_test),
        "n_test": len(digits.y_test),
        "parameters": network.vector.size - idle,
        "epochs": model.n_iter_,
        "minutes": round(minutes, 1),
        "cpu_minutes": round(cpu_minutes, 1),
        "threads": options.jobs if options.jobs > 0 else os.cpu_count(),
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "stn_cv": __version__,
    }


def tried(options: argparse.Namespace, digits: Digits) -> str:
    """What settings that are tried come to, on validation digits alone."""
    model = trained(options, digits)
    errors = [percent_wrong(model, X, digits.y_validation) for X in digits.X_validation]
    return f"validation error {np.mean(errors):.2f} % ({', '.join(map(str, errors))})"


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


def parser_of_options() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--distortion", choices=(*DISTORTIONS, "TC40"), default="TC")
    parser.add_argument("--model", choices=MODELS, default="st-cnn")
    parser.add_argument("--family", choices=FAMILIES, help="of an st- model (affine)")
    parser.add_argument("--data", help="an .npz or a folder of IDX files; fetched if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20, help="of training, about (20)")
    parser.add_argument("--epochs", type=int, help="instead of as many as fit into --minutes")
    parser.add_argument("--jobs", type=int, default=-1, help="threads (-1: all cores)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of results to add to")
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    parser.add_argument(
        "--try",
        dest="trying",
        metavar="NAME=VALUE",
        nargs="+",
        default=[],
        help=f"other settings: {', '.join(field.name for field in fields(Settings))}",
    )
    return parser


def options_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was asked for; a bad wish ends here, before anything is trained."""
    options = parser.parse_args()
    for name, fits, wanted in (
        ("epochs", options.epochs is None or options.epochs >= 1, "at least 1"),
        ("minutes", options.minutes > 0 and math.isfinite(options.minutes), "above 0"),
        ("seed", 0 <= options.seed < 2**32, "0 to 2**32 - 1"),
        ("jobs", options.jobs != 0, "a number of threads, or -1"),
    ):
        if not fits:
            parser.error(f"--{name} is {getattr(options, name)}; wanted {wanted}")
    if options.model.startswith("st-"):
        options.family = options.family or "affine"
    elif options.family:
        parser.error(f"--family is {options.family}, but {options.model} has no transformer")
    try:
        options.trying = dict(map(setting, options.trying))
        results_in(options.out)
        if not options.table:
            tempfile.TemporaryFile(dir=options.out.parent).close()
    except (InvalidInputError, OSError) as error:
        parser.error(f"{error}")
    if options.table and not options.out.exists():
        parser.error(f"--out is {options.out}, but there is no such file")
    for name in options.trying:
        if name in idle_settings(options):
            parser.error(f"--try {name} does nothing here")
    return options


def idle_settings(options: argparse.Namespace) -> set[str]:
    """Those that a run does not ask for."""
    bend = {"bend"} if options.distortion == "TC40" else set()
    of_transforms = {"localization_learning_rate_ratio", "n_steps", "side"}
    return bend | (set() if options.family else of_transforms)


def setting(text: str) -> tuple[str, float]:
    """The name and the value of NAME=VALUE."""
    name, _, value = text.partition("=")
    kinds = {field.name: type(field.default) for field in fields(Settings)}
    try:
        return name, kinds[name](value)
    except (KeyError, ValueError) as error:
        wanted = f"one of {', '.join(kinds)}, = and a number"
        raise InvalidInputError(f"--try is {text}; wanted {wanted}") from error


def main() -> None:
    """Run one model, try settings, or print the table."""
    options = options_of(parser_of_options())
    if options.table:
        print(table(results_in(options.out)))
        return
    warnings.simplefilter("error", InterruptedWarning)
    warnings.simplefilter("ignore", PoseWarning)  # the table says what a transformer is worth
    try:
        digits = digits_of(load_mnist(options.data), options)
        if options.trying:
            print(tried(options, digits))
            return
        result = run(options, digits)
        print(json.dumps(result))
        print(table(add(options.out, result)))
    except ValueError as error:  # of data or settings; both say what was wanted
        raise SystemExit(f"{error}") from error
    except (KeyboardInterrupt, InterruptedWarning):
        print("interrupted: what was not printed was not added", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
