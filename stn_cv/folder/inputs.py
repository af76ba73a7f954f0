"""What a run is given: paths, and a model in one of its forms."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InvalidInputError
from ..model.file import load, model_bytes
from ..model.rectifier import Rectifier
from ..pose.transform import PoseTransform
from .options import PathLike

__all__ = ["Model", "Sources", "as_paths", "fitted_model"]

Sources = PathLike | Sequence[PathLike]
Model = Any  # a model file's path, a Rectifier or an estimator, of which this room knows nothing


def as_paths(source: Sources) -> list[PathLike]:
    """One path or several, as a list."""
    return [source] if isinstance(source, (str, os.PathLike)) else list(source)


def fitted_model(model: Model, min_confidence: float | None) -> tuple[Rectifier, str]:
    """The Rectifier in a model file, an estimator, or itself; and the hash of its file.

    Raises
    ------
    InvalidInputError
        If a confidence is asked for that the model does not know.
    """
    if isinstance(model, (str, os.PathLike)):
        rectifier = load(model)
        digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()
    else:
        digest = hashlib.sha256(model_bytes(model)).hexdigest()
        rectifier = model if isinstance(model, Rectifier) else model.rectifier_
    knows = isinstance(rectifier.transform, PoseTransform) and rectifier.transform.confidence
    if min_confidence is not None and not knows:
        raise InvalidInputError(
            f"min_confidence is {min_confidence}, but the model does not know how likely a pose "
            "is right; wanted one fitted to poses, with a training that was not interrupted."
        )
    return rectifier, digest
