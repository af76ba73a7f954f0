"""The manifest of a run, read."""

import errno
import os

from ..errors import InvalidInputError
from ..storage import exists
from .manifest import rows_of
from .result import Result

__all__ = ["read_manifest"]


def read_manifest(path: str | os.PathLike[str]) -> list[Result]:
    """Read what a run with a manifest did, the last row of each output.

    Parameters
    ----------
    path : path-like
        As `rectify_folder` and ``stn-cv rectify --manifest`` write it.

    Returns
    -------
    list of Result
        In the order in which outputs are first named; see `Result` for the columns.

    Raises
    ------
    InvalidInputError
        If it is no manifest, or of a later version with columns unknown to this one.
    OSError
        If it cannot be read.

    Notes
    -----
    A last line that a killed run did not finish is left out: its photo is done again. So are
    rows of status "passed over", which are of no photo.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> stn_cv.rectify_folder(model, "photo.png", "upright", manifest="rows.jsonl").done
    1
    >>> [(row.status, row.angle is None) for row in stn_cv.read_manifest("rows.jsonl")]
    [('done', False)]
    """
    if not exists(os.fspath(path)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
    rows = list(rows_of(os.fspath(path)))
    columns = set(Result.__dataclass_fields__)
    unknown = {name for row in rows for name in row} - columns
    if unknown:
        raise InvalidInputError(
            f"{os.fspath(path)!r} has the columns {sorted(unknown)}, which this version does not "
            "know; read it with the one that wrote it."
        )
    return [Result(**row) for row in {row["output"]: row for row in rows}.values()]
