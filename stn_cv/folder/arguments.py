"""What users give to the functions of this room: paths and models of several kinds."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInputError, InvalidTypeError
from ..model.file import load, model_bytes
from ..model.rectifier import Rectifier
from ..pose.transform import PoseTransform
from .options import PathLike

__all__ = ["Model", "Sources", "as_paths", "check_knows_doubt", "model_of"]

Sources = PathLike | Sequence[PathLike]
Model = Any  # a model file's path, a Rectifier or an estimator, of which this room knows nothing


def as_paths(source: Sources) -> list[PathLike]:
    """One path or several, as a list."""
    return [source] if isinstance(source, (str, os.PathLike)) else list(source)


def model_of(model: Model) -> tuple[Rectifier, str]:
    """The Rectifier in a model file, an estimator, or itself; and the hash of its file."""
    if isinstance(model, (str, os.PathLike)):
        rectifier = load(model)
        return rectifier, hashlib.sha256(Path(model).read_bytes()).hexdigest()
    try:
        data = model_bytes(model)
    except InvalidTypeError as error:
        raise InvalidTypeError(
            f"model is of type {type(model).__name__}; wanted a model file's path, a Rectifier or "
            "a fitted estimator (of a Pipeline its step, of a search best_estimator_)."
        ) from error
    rectifier = model if isinstance(model, Rectifier) else model.rectifier_
    return rectifier, hashlib.sha256(data).hexdigest()


def check_knows_doubt(rectifier: Rectifier, min_confidence: float | None) -> None:
    """Refuse to compare what the model does not know.

    Raises
    ------
    InvalidInputError
        If there is something to compare with.
    """
    knows = isinstance(rectifier.transform, PoseTransform) and rectifier.transform.confidence
    if min_confidence is not None and not knows:
        raise InvalidInputError(
            f"min_confidence is {min_confidence}, but the model does not know how likely a pose "
            "is right; wanted one fitted to poses, with a training that was not interrupted."
        )
