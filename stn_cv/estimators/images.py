"""X as scikit-learn users hold it, and images as the library works on them."""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from ..arrays import Array
from ..errors import InvalidInputError, warn_caller
from ..model.image_spec import ImageSpec

KEPT = ("float32", "float64", "uint8", "uint16")  # dtypes that leave as they came
SMALLEST_SQUARE = 64  # flat rows of this length or more that are a square were meant as one


@dataclass(frozen=True)
class Images:
    """Images (n, h, w, c), and how many axes X had: 2 where each was a flat row."""

    values: Array
    axes: int

    def with_axes_of_X(self, values: Array) -> Array:
        """Values (n, h, w, c) with the axes that X had."""
        if self.axes == 2:
            return values.reshape(len(values), -1)
        return values[..., 0] if self.axes == 3 else values


def read_images(
    estimator: BaseEstimator,
    X: Any,
    y: Any = "no_validation",
    *,
    fitted_spec: ImageSpec | None = None,
) -> tuple[Images, Any]:
    """Validate X (and y), and bring X to images.

    Parameters
    ----------
    estimator : estimator
        Whose `image_shape` says what flat rows are; its feature names and count are learned
        where `fitted_spec` is None.
    X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
        Images or flat rows.
    y : array_like, optional
        Labels.
    fitted_spec : ImageSpec or None
        What the estimator was fitted on.

    Returns
    -------
    images : Images
    y : ndarray or None
        Labels as validated.

    Raises
    ------
    InvalidInputError
        If X is no batch of equal images, or of another shape than fitted; scikit-learn's
        own errors for NaN, infinity, and a y of another length.
    """
    X = _stacked(X)
    fitted_shape = None
    if fitted_spec is not None:
        fitted_shape = (fitted_spec.height, fitted_spec.width, fitted_spec.channels)
    axes = 2 if hasattr(X, "tocoo") else getattr(X, "ndim", 2)  # sparse X scikit-learn refuses
    shape = None
    if axes in (3, 4):
        X = np.asarray(X)
        shape = (*X.shape[1:], 1) if axes == 3 else X.shape[1:]
        _check_shape(estimator, shape, fitted_shape)
        X = X.reshape(len(X), math.prod(shape))
    elif axes > 4:
        raise InvalidInputError(
            f"X has shape {np.shape(X)}; wanted images (n, h, w) or (n, h, w, c), or flat rows "
            "(n, p) with image_shape."
        )
    validated = validate_data(estimator, X, y, reset=fitted_spec is None, dtype="numeric")
    X, y = validated if isinstance(validated, tuple) else (validated, None)
    shape = shape or fitted_shape or _shape_of_rows(estimator, X.shape[1])
    if X.dtype.name not in KEPT:
        _check_integers(X, fitted_spec)
        X = X.astype(np.float64)
    return Images(np.ascontiguousarray(X).reshape(len(X), *shape), axes), y


def _check_integers(X: Array, fitted_spec: ImageSpec | None) -> None:
    """Refuse integers or truth values of another dtype than the integers that were fitted."""
    if fitted_spec is None or fitted_spec.range == "float" or X.dtype.kind not in "iub":
        return
    fits = X.dtype.kind != "b" and 0 <= X.min(initial=0) <= X.max(initial=0) <= fitted_spec.maximum
    advice = f"X.astype(np.{fitted_spec.range})" if fits else f"0 to {fitted_spec.maximum:.0f}"
    raise InvalidInputError(
        f"X is of {X.dtype}; the estimator was fitted on {fitted_spec.range}, give {advice}."
    )


def _stacked(X: Any) -> Any:
    """A list of images, or an array that holds arrays, as one array."""
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object:
        X = list(X)
    if not isinstance(X, (list, tuple)) or not X or np.ndim(X[0]) < 2:
        return X
    shapes = sorted({np.shape(image) for image in X})
    if len(shapes) > 1:
        raise InvalidInputError(
            f"X holds images of {len(shapes)} different shapes, such as {shapes[0]} and "
            f"{shapes[-1]}; resize them to one shape first."
        )
    return np.stack(X)


def _check_shape(
    estimator: Any, shape: tuple[int, ...], fitted_shape: tuple[int, ...] | None
) -> None:
    if fitted_shape is not None:
        if shape != fitted_shape:
            raise InvalidInputError(
                f"images have (height, width, channels) {shape}; the estimator was fitted on "
                f"{fitted_shape}.{_layout_hint(shape)}"
            )
    elif 0 in shape:
        raise InvalidInputError(f"images have shape {shape}: they hold no pixel.")
    elif estimator.image_shape is None and _layout_hint(shape):
        raise InvalidInputError(
            f"images have (height, width, channels) {shape}.{_layout_hint(shape)} If it is not, "
            f"say so by image_shape={shape}."
        )
    elif estimator.image_shape is not None and shape != _given_shape(estimator.image_shape):
        raise InvalidInputError(
            f"image_shape is {estimator.image_shape}; these images have (height, width, "
            f"channels) {shape}. Flat rows need it, images as a rule do not.{_layout_hint(shape)}"
        )


def _layout_hint(shape: tuple[int, ...]) -> str:
    if shape[0] in (1, 3, 4) and shape[2] > 4:
        return (
            " This looks like channels first (n, c, h, w); channels come last here: "
            "X.transpose(0, 2, 3, 1)."
        )
    return ""


def _given_shape(image_shape: Any) -> tuple[int, ...]:
    """(height, width, channels) meant by the parameter image_shape."""
    shape = tuple(image_shape)
    whole = all(isinstance(value, Integral) and int(value) > 0 for value in shape)
    if len(shape) not in (2, 3) or not whole:
        raise InvalidInputError(
            f"image_shape is {image_shape!r}; wanted (height, width) or (height, width, "
            "channels) of whole numbers above 0."
        )
    return tuple(int(value) for value in (*shape, 1)[:3])


def _shape_of_rows(estimator: Any, n_features: int) -> tuple[int, ...]:
    """(height, width, channels) of flat rows, by the parameter image_shape."""
    if estimator.image_shape is None:
        side = math.isqrt(n_features)
        if n_features >= SMALLEST_SQUARE and side * side == n_features:
            warn_caller(
                f"X has flat rows of {n_features} values and image_shape is None, so each row "
                f"is taken for a strip of 1 x {n_features} pixels; for square images give "
                f"image_shape=({side}, {side}).",
                UserWarning,
            )
        return (1, n_features, 1)
    shape = _given_shape(estimator.image_shape)
    if math.prod(shape) != n_features:
        raise InvalidInputError(
            f"image_shape is {estimator.image_shape}, {math.prod(shape)} values; X has "
            f"{n_features} in a row."
        )
    if _layout_hint(shape):
        raise InvalidInputError(f"image_shape is {estimator.image_shape}.{_layout_hint(shape)}")
    return shape
