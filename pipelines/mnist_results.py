"""A file of results of `mnist.py`, and the table that it gives beside the paper's."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stn_cv import InvalidInputError

RESULTS = Path(__file__).with_name("mnist_results.json")
DISTORTIONS = ("R", "RTS", "P", "E", "TC")
KIND = ("distortion", "model", "family", "seed")  # the latest run of each counts
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


def results_in(path: Path) -> list[dict[str, Any]]:
    """The entries of a file of results; none if there is no file yet."""
    try:
        results = json.loads(path.read_text()) if path.exists() else []
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path} is no file of results: {error}") from error
    keys = {*KIND, "test_error", "n_test"}
    if not isinstance(results, list) or not all(
        isinstance(result, dict) and keys <= result.keys() for result in results
    ):
        raise InvalidInputError(
            f"{path} is no file of results: wanted a list of entries, each with {sorted(keys)}"
        )
    return results


def added_to(results: list[dict[str, Any]], result: dict[str, Any]) -> list[dict[str, Any]]:
    """All results, the latest of each kind and seed: settings may have changed since."""
    return [r for r in results if any(r[name] != result[name] for name in KIND)] + [result]


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs waiting, where the system has locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def add(path: Path, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Add to the file, an entry a line, whole or not at all; what is in it then."""
    with alone_in(path.parent):
        results = added_to(results_in(path), result)
        lines = ",\n".join(json.dumps(result) for result in results)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_text(f"[\n{lines}\n]\n")
        unfinished.replace(path)
    return results


def table(results: list[dict[str, Any]]) -> str:
    """The paper's errors and ours, as Markdown: mean, standard error, seeds."""
    kinds = DISTORTIONS
    rows = ["| test error in % | " + " | ".join(kinds) + " |", "|---" * 6 + "|"]
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
