"""What was done: a line of JSON a photo, appended as soon as its output is on disk.

The columns of a row are the fields of `stn_cv.folder.item.Result`.
"""

import json
import os
from typing import Any, BinaryIO

from ..errors import InvalidInputError

__all__ = ["Manifest", "known_rows"]

LARGEST_TAIL = 2**20  # bytes of a last line that a killed run left unfinished


class Manifest:
    """A file of JSON lines that is only ever added to.

    A photo that was tried again has several rows, of which the last holds; one that is
    skipped gets no further one, unless its last says that it failed, or not how it was warped.
    Names that are no Unicode are kept as `os.fsdecode` gives them.

    Parameters
    ----------
    path : path-like
        New, or the manifest of an earlier run, which goes on.

    Raises
    ------
    InvalidInputError
        If there is a file that is no manifest.
    OSError
        If it cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.file = open(path, "a+b")
        try:
            self.known, whole = known_rows(self.file, os.fspath(path))
            self.file.truncate(whole)  # of the row that a killed run did not finish
        except BaseException:
            self.file.close()
            raise

    def add(self, row: dict[str, Any]) -> None:
        """Write a row; it is with the system when this returns."""
        if row["status"] == "skipped" and row["output"] in self.known:
            return
        self.file.write(json.dumps(row, allow_nan=False).encode("ascii") + b"\n")
        self.file.flush()

    def close(self) -> None:
        """Bring all rows to the disk."""
        with self.file:
            os.fsync(self.file.fileno())


def known_rows(file: BinaryIO, path: str) -> tuple[set[str], int]:
    """Outputs that a row tells all of, and the length in bytes of all whole rows.

    Raises
    ------
    InvalidInputError
        If it is no manifest.
    """
    known: set[str] = set()
    whole = 0
    file.seek(0)
    for line in file:
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
            whole_row = row["status"] != "error" and row.get("theta") is not None
            change = known.add if whole_row else known.discard
            change(row["output"])
        except (ValueError, LookupError, TypeError) as error:
            raise InvalidInputError(
                f"{path!r} is no manifest: {line[:60]!r} is no row of one; give another name."
            ) from error
        whole += len(line)
    file.seek(whole)
    tail = file.read(LARGEST_TAIL)
    if not tail.startswith(b'{"input"'[: len(tail)]):
        raise InvalidInputError(
            f"{path!r} is no manifest: it ends with {tail[:60]!r}; give another name."
        )
    return known, whole
