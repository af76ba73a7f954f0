"""The exception tree: every error this library raises itself is a `StnError`; and its warnings."""

import sys
import warnings
from collections.abc import Iterable
from types import FrameType

__all__ = [
    "AlignmentWarning",
    "ClusterError",
    "CollapseWarning",
    "InterruptedWarning",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingLibraryError",
    "ModelFileError",
    "NonFiniteError",
    "PoseWarning",
    "StnError",
    "TrainingDiverged",
    "nearest",
    "one_of",
    "warn_caller",
]

THROUGH = {"stn_cv", "sklearn", "joblib", "contextlib"}  # whose code no user can change


class StnError(Exception):
    """Root of all errors raised by stn_cv."""


class InvalidInputError(StnError, ValueError):
    """A value, shape or name that cannot be used; the message says what was wanted."""


class InvalidTypeError(StnError, TypeError):
    """A type or dtype that cannot be used; the message says which can."""


class NonFiniteError(InvalidInputError):
    """NaN or infinity where only finite numbers have a meaning."""


class TrainingDiverged(StnError, ValueError):  # noqa: N818  (a result, named as what happened)
    """No epoch of the training gave finite weights better than the untrained ones."""


class ModelFileError(StnError, ValueError):
    """A model file that is damaged, of another format, or newer than this library."""


class ClusterError(StnError):
    """Other machines that a run needs and that do not answer, or not as they should."""


class MissingLibraryError(StnError, ImportError):
    """A library this feature needs cannot be imported; the message says how to get it."""


class CollapseWarning(UserWarning):
    """The transformer looks away from its images: most of its grid lies outside them."""


class PoseWarning(UserWarning):
    """A fitted transformer is not worth it, as far as can be told; see `PoseReport`."""


class InterruptedWarning(UserWarning):
    """Ctrl-C ended a training; the best weights so far were kept."""


class AlignmentWarning(UserWarning):
    """Searches for poses that should agree do not: the poses are not to be trusted."""


def one_of(value: object, names: Iterable[str]) -> str:
    """The names that can be used, for a message, and the one that `value` is nearest to."""
    names = list(names)
    near = nearest(value, names)
    hint = f" (did you mean {near!r}?)" if near else ""
    return f"one of {', '.join(names)}{hint}"


def nearest(value: object, names: Iterable[str]) -> str | None:
    """The name that somebody who wrote `value` may have meant."""
    from difflib import get_close_matches

    near = get_close_matches(value, list(names), 1) if isinstance(value, str) else []
    return near[0] if near else None


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn of the line that called the library, be it through scikit-learn."""
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and _package(frame) in THROUGH:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame: FrameType) -> str:
    """The package whose code a frame runs."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
