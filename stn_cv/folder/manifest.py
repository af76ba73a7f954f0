"""What was done: a line of JSON a file, appended as soon as the file is on disk."""

import json
import os
from typing import Any

from ..errors import InvalidInputError

__all__ = ["Manifest"]

LARGEST_TAIL = 2**20  # bytes of a last line that a killed run left unfinished


class Manifest:
    """A file of JSON lines that is only ever added to.

    A photo that was tried again has several rows, of which the last holds; one that is
    skipped and has a row gets no second one. Names that are no Unicode are kept as
    `os.fsdecode` gives them.

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
        self.known: set[str] = set()
        self.file = open(path, "a+b")
        try:
            self._read(os.fspath(path))
        except BaseException:
            self.file.close()
            raise

    def _read(self, path: str) -> None:
        self.file.seek(0)
        whole = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break
            try:
                self.known.add(json.loads(line)["output"])
            except (ValueError, LookupError, TypeError) as error:
                raise InvalidInputError(
                    f"{path!r} is no manifest: {line[:60]!r} is no row of one; give another name."
                ) from error
            whole += len(line)
        if os.fstat(self.file.fileno()).st_size > whole:
            self._drop_tail(path, whole)

    def _drop_tail(self, path: str, whole: int) -> None:
        """Cut off the row that a killed run did not finish, if it is one."""
        self.file.seek(whole)
        tail = self.file.read(LARGEST_TAIL)
        if not tail.startswith(b'{"input"'[: len(tail)]):
            raise InvalidInputError(
                f"{path!r} is no manifest: it ends with {tail[:60]!r}; give another name."
            )
        self.file.truncate(whole)

    def add(self, row: dict[str, Any]) -> None:
        """Write a row; it is with the system when this returns."""
        if row["status"] == "skipped" and row["output"] in self.known:
            return
        self.file.write(json.dumps(row).encode("ascii") + b"\n")
        self.file.flush()

    def close(self) -> None:
        """Bring all rows to the disk."""
        with self.file:
            os.fsync(self.file.fileno())
