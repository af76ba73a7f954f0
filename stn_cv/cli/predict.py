"""``stn-cv predict``: labels and probabilities of photos."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import click

from .exit_codes import FAILED
from .options import (
    Sources,
    existing_model,
    jobs_option,
    nothing_matched,
    photo_options,
    printable,
    sources_argument,
    usage_errors,
)
from .streams import c_libraries_silenced

__all__ = ["predict"]

FORMULAS = ("=", "+", "-", "@")  # what makes a cell more than text for a spreadsheet


@click.command()
@existing_model
@sources_argument
@photo_options
@click.option(
    "--format",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="CSV, or a line of JSON a photo.",
)
@jobs_option
@c_libraries_silenced()
def predict(model: Path, sources: Sources, format: str, jobs: int, **options: Any) -> int:
    """Write the label and the probabilities of each photo to standard output.

    The classes and the head are those that MODEL was fitted with.
    """
    from ..folder import Options
    from ..folder.predict import head_classes, iter_predictions
    from ..model.file import load

    rectifier = load(model)
    with usage_errors():
        classes = head_classes(rectifier).tolist()
        predictions = iter_predictions(rectifier, sources, Options(n_jobs=jobs, **options))
    line = _csv_line if format == "csv" else _json_line
    out = sys.stdout.buffer
    if format == "csv":
        out.write(_csv(["path", "label", "confidence", *map(_cell, classes)]))
    done, failed = 0, 0
    for prediction in predictions:
        if prediction.probabilities is None:
            failed += 1
            click.echo(f"stn-cv: {printable(prediction.input)}: {prediction.error}", err=True)
            continue
        out.write(line(prediction, classes))
        out.flush()
        done += 1
    if not done + failed:
        return nothing_matched(sources)
    return FAILED if failed else 0


def _csv_line(photo: Any, classes: list[Any]) -> bytes:
    values = [photo.confidence, *photo.probabilities.tolist()]
    return _csv([photo.input, _cell(photo.label), *(f"{value:.6f}" for value in values)])


def _csv(row: list[Any]) -> bytes:
    """A line; the bytes of a file's name are those that it has."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _cell(label: Any) -> Any:
    """A label as terminals and spreadsheets may see it: what begins as a formula is quoted."""
    if not isinstance(label, str):
        return label
    label = printable(label)
    return f"'{label}" if label.startswith(FORMULAS) and not _is_number(label) else label


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json_line(photo: Any, classes: list[Any]) -> bytes:
    row = {
        "input": photo.input,
        "label": photo.label,
        "confidence": photo.confidence,
        "probabilities": dict(zip(map(str, classes), photo.probabilities.tolist(), strict=True)),
    }
    return json.dumps(row).encode("ascii") + b"\n"
