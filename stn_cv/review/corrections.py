"""The file of corrections while a review is open: every change is saved at once, and whole."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..atomic import check_file_name, try_lock, write_bytes
from ..errors import InvalidInputError
from ..folder.corner_files import KnownCorners, corners_table, known_corners
from ..folder.files import check_writable

__all__ = ["Corrections", "only_review"]

Signature = tuple[int, int, int] | None


class Corrections:
    """Corners by photo, as a file holds them.

    Rows of photos that no manifest tells of stay in it.

    Parameters
    ----------
    path : path-like
        A CSV, there already or not.

    Raises
    ------
    InvalidInputError
        If it is no such file, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        check_file_name(self.path)
        check_writable(os.path.dirname(self.path))
        rows = known_corners(self.path) if os.path.exists(self.path) else []
        self.rows = {os.path.abspath(row.path): row for row in rows}
        self._lock = threading.Lock()
        self._signature = self._signature_now()

    def get(self, photo: str) -> KnownCorners | None:
        """What is known of a photo."""
        return self.rows.get(os.path.abspath(photo))

    def put(self, photo: str, row: KnownCorners | None) -> None:
        """Save a photo's corners, or that there are none; what is on disk holds afterwards.

        Raises
        ------
        InvalidInputError
            If another program changed the file meanwhile, or it cannot be written; nothing is
            changed then.
        """
        with self._lock:
            if self._signature_now() != self._signature:
                raise InvalidInputError(
                    f"{self.path!r} was changed by another program; nothing was saved. End the "
                    "review and begin it again."
                )
            rows = dict(self.rows)
            rows.pop(os.path.abspath(photo), None)
            if row is not None:
                rows[os.path.abspath(photo)] = row
            table = corners_table(list(rows.values()), os.path.dirname(self.path))
            try:
                write_bytes(self.path, table)
            except OSError as error:
                reason = error.strerror or str(error)
                raise InvalidInputError(f"cannot write {self.path!r}: {reason}.") from error
            self.rows, self._signature = rows, self._signature_now()

    def _signature_now(self) -> Signature:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


@contextmanager
def only_review(manifest: str | os.PathLike[str]) -> Iterator[None]:
    """Keep other reviews away from a manifest, where the system has locks.

    Raises
    ------
    InvalidInputError
        If another review has it.
    """
    with open(manifest, "rb") as file:
        if try_lock(file.fileno()) is False:
            raise InvalidInputError(
                f"another review of {os.fspath(manifest)!r} is running; go on in its page, or end "
                "it first."
            )
        yield
