"""Handwritten digits of MNIST, from whatever file is at hand."""

import gzip
import math
import struct
import zipfile
import zlib
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError

__all__ = ["MNIST", "load_mnist"]

N_TRAIN = 60_000  # of the official split; the test digits follow
ARRAYS = ("X_train", "y_train", "X_test", "y_test")
KERAS_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class MNIST(NamedTuple):
    """Images (n, 28, 28) of uint8 and labels (n,), in the official split and order."""

    X_train: Array
    X_test: Array
    y_train: Array
    y_test: Array


def load_mnist(source: str | PathLike[str] | None = None) -> MNIST:
    """Read MNIST from an ``.npz`` file, from IDX files, or from OpenML.

    Parameters
    ----------
    source : path or None, default None
        An ``.npz`` file with the arrays ``X_train, y_train, X_test, y_test`` (or Keras'
        ``x_train, ...``), or a folder with the four IDX files, gzipped or not, under their
        official names (``train-images-idx3-ubyte.gz`` and so on; a dot before ``idx`` will
        do). None fetches them from OpenML through scikit-learn, which keeps a copy.

    Returns
    -------
    MNIST
        (X_train, X_test, y_train, y_test): 60,000 and 10,000 digits, uint8, 0 is paper.

    Raises
    ------
    InvalidInputError
        If nothing is there, or what is there is not MNIST; the file is named. If it cannot be
        fetched.

    Notes
    -----
    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

    Examples
    --------
    >>> from stn_cv.datasets import load_mnist
    >>> load_mnist("no such file")
    Traceback (most recent call last):
        ...
    stn_cv.errors.InvalidInputError: no such file: there is no such file or folder...
    """
    if source is None:
        return _fetched()
    path = Path(source)
    if path.is_dir():
        X_train, y_train, X_test, y_test = (_read_idx(_idx_file(path, name)) for name in IDX_FILES)
    elif path.is_file():
        X_train, y_train, X_test, y_test = _read_npz(path)
    else:
        raise InvalidInputError(
            f"{path}: there is no such file or folder; wanted an .npz file or a folder with "
            "MNIST's IDX files."
        )
    for X, y in ((X_train, y_train), (X_test, y_test)):
        fits = (
            X.dtype == np.uint8 and X.ndim == 3 and y.shape == X.shape[:1] and y.dtype.kind in "iu"
        )
        if not fits or X.shape[1:] != (28, 28) or 0 in X.shape:
            raise InvalidInputError(
                f"{path}: holds images {X.shape} of {X.dtype} with labels {y.shape} of {y.dtype}; "
                "wanted (n, 28, 28) of uint8 with integers (n,)."
            )
    return MNIST(X_train, X_test, y_train.astype(np.int64), y_test.astype(np.int64))


def _fetched() -> MNIST:
    from sklearn.datasets import fetch_openml

    parser = "pandas" if find_spec("pandas") else "liac-arff"  # which takes longer
    try:
        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser=parser)
    except OSError as error:
        raise InvalidInputError(
            f"MNIST could not be fetched from OpenML ({error}); give the path of an .npz file or "
            "of a folder with MNIST's IDX files."
        ) from error
    X, y = X.reshape(-1, 28, 28).astype(np.uint8), y.astype(np.int64)
    return MNIST(X[:N_TRAIN], X[N_TRAIN:], y[:N_TRAIN], y[N_TRAIN:])


# A single array (.npy) is no context: an AttributeError before Python 3.11, a TypeError since.
_UNREADABLE = (
    OSError, ValueError, KeyError, AttributeError, TypeError, EOFError, zipfile.BadZipFile,
    zlib.error, RuntimeError,
)  # fmt: skip


def _read_npz(path: Path) -> list[Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            names = ARRAYS if ARRAYS[0] in arrays else KERAS_ARRAYS
            return [arrays[name] for name in names]
    except _UNREADABLE as error:
        raise InvalidInputError(
            f"{path}: is no .npz file with the arrays {', '.join(ARRAYS)} ({error})."
        ) from error


def _idx_file(folder: Path, name: str) -> Path:
    for spelled in (name, name.replace("-idx", ".idx")):
        for file in (folder / spelled, folder / f"{spelled}.gz"):
            if file.is_file():
                return file
    raise InvalidInputError(
        f"{folder}: has neither {name} nor {name}.gz; wanted all four files of MNIST: "
        f"{', '.join(IDX_FILES)}."
    )


def _read_idx(path: Path) -> Array:
    """An array of unsigned bytes: 0, 0, 8, its number of axes, their lengths, the values."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        if content[:3] != b"\0\0\x08":
            raise ValueError(f"it begins with {content[:4]!r}")
        shape = struct.unpack_from(f">{content[3]}I", content, 4)
        wanted = 4 + 4 * len(shape) + math.prod(shape)
        if len(content) != wanted:
            raise ValueError(f"{len(content)} bytes where its header says {wanted}")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape).copy()
    except (OSError, EOFError, ValueError, IndexError, struct.error, zlib.error) as error:
        raise InvalidInputError(f"{path}: is no IDX file of bytes ({error}).") from error
