"""Model files: weights and a description, never code.

A file is a safetensors file of one tensor, "parameters", the network's vector, and one
metadata entry, "stn_cv": a JSON description of everything else, with a hash over the whole
file. There is one way to write a model, so a file is accepted only if writing what was
read from it gives the same bytes. `stn_cv.model.description` makes and reads the JSON.
"""

import hashlib
import json
import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..atomic import write_bytes
from ..errors import InvalidInputError, InvalidTypeError, ModelFileError
from .description import describe, rectifier_of, with_later_fields
from .rectifier import Rectifier
from .source import TENSOR, ModelSource, check_binary, header_length, model_source

__all__ = ["load", "save"]

Vector = NDArray[Any]
FORMAT = (1, 3)  # a file of a higher first number is refused; the second counts additions
KEY, HASH = "stn_cv", "sha256"
DTYPES = {"float32": ("F32", "<f4"), "float64": ("F64", "<f8")}


def save(model: Any, path: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a fitted model to a file: weights and a description, no code.

    The file is written whole or not at all; a file that was there before is replaced only
    by a whole one. A scikit-learn head is not saved.

    Parameters
    ----------
    model : Rectifier or fitted estimator
        What to save: a `Rectifier`, or anything that holds one as ``rectifier_``.
    path : path-like or binary file
        Where to; to get bytes, an `io.BytesIO`.

    Raises
    ------
    InvalidInputError
        If the model is not fitted, or has weights that are not finite.
    InvalidTypeError
        If it is no model of this library, or holds layers or labels a file cannot hold.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read it back.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> stn_cv.save(model, "model.stn")
    >>> bool((stn_cv.load("model.stn").theta(X) == model.predict_theta(X)).all())
    True
    """
    data = model_bytes(model)
    if not hasattr(path, "write"):
        write_bytes(path, data)
    else:
        check_binary(path, "wb")
        path.write(data)


def model_bytes(model: Any) -> bytes:
    """The file that `save` writes of a model."""
    rectifier = fitted_rectifier(model, "save")
    data = _file(describe(rectifier), rectifier.network.vector)
    try:
        _model(data)  # what load would refuse is never written
    except ModelFileError as error:
        raise InvalidInputError(f"this model cannot be saved: {error}") from error
    return data


def fitted_rectifier(model: Any, verb: str) -> Rectifier:
    """The Rectifier that is the model or that it holds, or an error with what it was for."""
    rectifier = model if isinstance(model, Rectifier) else getattr(model, "rectifier_", None)
    if not isinstance(rectifier, Rectifier):
        name = type(model).__name__
        if hasattr(model, "localization") and not isinstance(model, type):
            raise InvalidInputError(f"this {name} is not fitted; call fit before {verb}.")
        raise InvalidTypeError(
            f"cannot {verb} a {name}; wanted a fitted estimator of stn_cv or its rectifier_ (of a "
            f"Pipeline, {verb} the step, of a search best_estimator_)."
        )
    return rectifier


def load(path: ModelSource) -> Rectifier:
    """Read a model file.

    Nothing in a file is run, and a file that is damaged in any bit is refused.

    Parameters
    ----------
    path : path-like, bytes or binary file
        A file that `save` wrote, or what is in it. A file is read from where it stands to its
        end.

    Returns
    -------
    Rectifier
        The fitted model; threads may share it. scikit-learn is not loaded.

    Raises
    ------
    ModelFileError
        If the file is no model, damaged, of a newer format, or describes what this version
        does not know.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Write such a file.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> stn_cv.save(stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y), "model.stn")
    >>> stn_cv.load("model.stn").rectify(X[0]).shape
    (8, 8)
    """
    try:
        return _model(model_source(path))
    except ModelFileError as error:
        if not isinstance(path, str | os.PathLike):
            raise
        raise ModelFileError(f"{os.fspath(path)!r}: {error}") from error


def _model(data: bytes) -> Rectifier:
    """The model in a file's bytes, or the reason why there is none."""
    description = _description(data)
    _check_format(description.get("format"), description.get("library"))
    vector = _vector(data)
    given = description.pop(HASH, None)
    if not _says_the_same(data, description, vector):
        raise ModelFileError(
            f"damaged or changed after it was saved: its content does not give its {HASH}, "
            f"{str(given)[:64]!r}. Copy it again, or save the model again."
        )
    if not np.isfinite(vector).all():
        count = int((~np.isfinite(vector)).sum())
        raise ModelFileError(f"{count} weights are NaN or infinite; train the model again.")
    version = description.pop("format")
    del description["library"]
    try:
        return rectifier_of(with_later_fields(description, version[1]), vector)
    except ModelFileError:
        raise
    except Exception as error:  # whatever a made-up description leads to
        raise ModelFileError(f"it describes no model that can be: {error}") from error


def _says_the_same(data: bytes, description: dict[str, Any], vector: Vector) -> bool:
    """Whether writing what was read gives the file again, to the last bit."""
    try:
        return data == _file(description, vector)
    except (ValueError, RecursionError):  # NaN, which is no JSON; lists in lists without end
        return False


def _description(data: bytes) -> dict[str, Any]:
    """The JSON description, parsed, with nothing in it believed yet."""
    length = header_length(data[:8], len(data))
    try:
        header = json.loads(data[8 : 8 + length])
        description = json.loads(header["__metadata__"][KEY])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ModelFileError(
            f"not a model file of stn_cv, or damaged: no description under {KEY!r} "
            f"({type(error).__name__}). Wanted a file that stn_cv.save wrote."
        ) from error
    if not isinstance(description, dict):
        raise ModelFileError("damaged: its description is no JSON object.")
    return description


def _check_format(version: Any, library: Any) -> None:
    """Refuse a format that this version cannot know."""
    if not (isinstance(version, list) and [type(v) for v in version] == [int, int]):
        raise ModelFileError(f"damaged: its format is {version!r}; wanted two numbers.")
    if version[0] != FORMAT[0]:
        raise ModelFileError(
            f"written by {str(library)[:40]!r} in format {version[0]}.{version[1]}; this version "
            f"reads {FORMAT[0]}.x. Install a newer stn_cv, or save the model again."
        )


def _vector(data: bytes) -> Vector:
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    try:
        tensors = load_tensors(data)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelFileError(f"damaged: {error}. Copy or save it again.") from error
    vector = tensors.get(TENSOR)
    if len(tensors) != 1 or vector is None or vector.ndim != 1 or vector.dtype.name not in DTYPES:
        came = {name[:40]: (str(array.dtype), array.shape) for name, array in tensors.items()}
        raise ModelFileError(
            f"its tensors are {came}; wanted one, {TENSOR!r}, with one axis of float32 or float64."
        )
    return vector


def _file(description: dict[str, Any], vector: Vector) -> bytes:
    """The one way to write a description and a vector, with the hash of it without a hash.

    Not left to the library: what it writes may differ from one of its versions to another.
    """
    library = f"stn_cv {__version__}"
    description = {"format": list(FORMAT), "library": library, **description}
    content = hashlib.sha256(_container(description, vector)).hexdigest()
    return _container({**description, HASH: content}, vector)


def _container(description: dict[str, Any], vector: Vector) -> bytes:
    """A safetensors file: length of the header, header, tensor."""
    name, stored = DTYPES[vector.dtype.name]
    tensor = {"dtype": name, "shape": [vector.size], "data_offsets": [0, vector.nbytes]}
    entries = {"__metadata__": {KEY: _json(description, sort_keys=True)}, TENSOR: tensor}
    header = _json(entries).encode("ascii")
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + vector.astype(stored).tobytes()


def _json(value: Any, sort_keys: bool = False) -> str:
    """The one way to write a value."""
    return json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)
