"""Our own table: a CSV of path,width,height,x1,y1,...,x4,y4."""

import csv
import io
import os
from collections.abc import Iterator, Sequence

import numpy as np

from ...errors import InvalidInputError
from ..labels import CSV_ENCODING
from .row import KnownCorners, numbers_in

__all__ = ["read", "relative", "to_bytes"]

HEADER = ["path", "width", "height", *(f"{axis}{n}" for n in range(1, 5) for axis in "xy")]
HEADERS = (HEADER, [HEADER[0], *HEADER[3:]])
WANTED = "path,width,height,x1,y1,...,x4,y4 or path,x1,y1,...,x4,y4"


def read(path: str) -> Iterator[KnownCorners]:
    """Rows of a CSV, all as long as its header if it has one."""
    lengths = [len(header) for header in HEADERS]
    try:
        with open(path, **CSV_ENCODING) as file:
            for number, row in enumerate(csv.reader(file), 1):
                place = f"line {number} of {path!r}"
                names = [cell.strip().lower() for cell in row]
                if number == 1 and names in HEADERS:
                    lengths = [len(names)]
                elif row:
                    yield _row(path, row, lengths, place)
    except csv.Error as error:
        raise InvalidInputError(f"{path!r} is no CSV: {error}.") from error


def _row(path: str, row: list[str], lengths: list[int], place: str) -> KnownCorners:
    hopeless = len(row) == len(HEADER) and not any(cell.strip() for cell in row[3:])
    numbers = numbers_in(row[1:3] if hopeless else row[1:])
    if numbers is None or len(row) not in lengths or not row[0].strip():
        raise InvalidInputError(f"{place} is {str(row)[:80]}; wanted {WANTED}.")
    size = None if len(numbers) == 8 else (numbers[0], numbers[1])
    corners = None if hopeless else np.array(numbers[-8:]).reshape(4, 2)
    return KnownCorners(os.path.join(os.path.dirname(path), row[0]), corners, size, place)


def to_bytes(rows: Sequence[KnownCorners], folder: str) -> bytes:
    """The file, whose paths are relative to a folder; floats keep every digit."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        size = ["", ""] if row.size is None else [_digits(side) for side in row.size]
        numbers = [""] * 8 if row.corners is None else [_digits(x) for x in row.corners.flat]
        writer.writerow([relative(row.path, folder), *size, *numbers])
    return text.getvalue().encode("utf-8", "surrogateescape")


def _digits(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def relative(path: str, folder: str) -> str:
    """A photo's path as a file in a folder names it."""
    try:
        name = os.path.relpath(path, folder)
    except ValueError:  # another drive
        name = os.path.abspath(path)
    return name.replace(os.sep, "/")
