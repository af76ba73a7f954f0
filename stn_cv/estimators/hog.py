"""Histograms of oriented gradients as a scikit-learn transformer."""

from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ..arrays import Array
from ..joint.gradients import GRADIENTS
from ..joint.gradients.types import Differentiated
from ..model.image_spec import ImageSpec
from .fitted_attributes import unchanged_on_failure
from .hog_layout import BLOCK_NORMS, HogLayout
from .images import read_images

__all__ = ["HOG"]


class HOG(TransformerMixin, BaseEstimator):
    """Histograms of oriented gradients of images, as `skimage.feature.hog` defines them.

    The image is cut into cells; in each, the magnitudes of the pixels' gradients are averaged
    by orientation, from 0 to 180 degrees. Blocks of neighbouring cells, which overlap, are
    normalized and make up the features. ``make_pipeline(HOG(), LinearSVC())`` may be the head
    of a `SpatialTransformer`.

    Parameters
    ----------
    orientations : int, default 9
        Number of bins.
    pixels_per_cell : tuple of two int, default (8, 8)
        (rows, columns) of a cell; pixels left over at the end count for no cell.
    cells_per_block : tuple of two int, default (3, 3)
        (rows, columns) of a block.
    block_norm : {"L2-Hys", "L2", "L1", "L1-sqrt"}, default "L2-Hys"
        What a block is divided by; "L2-Hys" clips at 0.2 and divides again, "L1-sqrt" takes
        the root afterwards.
    transform_sqrt : bool, default False
        Whether to take the root of the pixels first; they must not be negative.
    image_shape : tuple or None, default None
        (height, width[, channels]) of flat rows; None takes a row for a strip of 1 x p.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. Results do not depend on it.

    Attributes
    ----------
    image_spec_ : ImageSpec
        What images it was fitted on.
    n_features_in_ : int
        Values in an image.
    feature_names_in_ : ndarray of shape (n_features,)
        Column names of X, where it had any.

    See Also
    --------
    SpatialTransformer : Rectifies images before.

    Notes
    -----
    Of several channels the one with the largest gradient counts, for each pixel.

    Features differ from scikit-image's by its rounding of cells to float32, some 1e-7; and
    where rounding decides on which side of an edge between two bins a gradient lies.

    A gradient votes for one bin. Which one is piecewise constant in the image, so the exact
    input gradient, of `stn_cv.joint.forward`, flows through the magnitudes alone, and the
    features jump where a gradient turns from one bin into the next: what a turn of the image
    does to the bins, it does not tell. It is zero where a gradient is zero, where "L2-Hys"
    clips, and where a root is taken of zero.

    Source: Dalal and Triggs 2005, "Histograms of Oriented Gradients for Human Detection".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import LinearSVC
    >>> from stn_cv import HOG
    >>> X, y = load_digits(return_X_y=True)
    >>> hog = HOG(pixels_per_cell=(2, 2), cells_per_block=(2, 2), image_shape=(8, 8))
    >>> model = make_pipeline(hog, LinearSVC()).fit(X[:1000], y[:1000])
    >>> bool(model.score(X[1000:], y[1000:]) > 0.9)
    True
    >>> model[0].get_feature_names_out()[0]
    'hog_block0_0_cell0_0_bin0'
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "orientations": [Interval(Integral, 1, None, closed="left")],
        "pixels_per_cell": [tuple, list],
        "cells_per_block": [tuple, list],
        "block_norm": [StrOptions(set(BLOCK_NORMS))],
        "transform_sqrt": ["boolean"],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        orientations: int = 9,
        *,
        pixels_per_cell: tuple[int, int] = (8, 8),
        cells_per_block: tuple[int, int] = (3, 3),
        block_norm: str = "L2-Hys",
        transform_sqrt: bool = False,
        image_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt
        self.image_shape = image_shape
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "HOG":
        """Learn the shape of the images, and find out whether the parameters suit it.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images; flat rows with `image_shape`.
        y : None
            Not used.

        Returns
        -------
        self : HOG
            Fitted.

        Raises
        ------
        InvalidInputError
            If X or a parameter cannot be used, or the images are smaller than a block.
        """
        with unchanged_on_failure(self):
            images, _ = read_images(self, X)
            self.image_spec_ = ImageSpec.of(images.values)
            HogLayout.of(self, self.image_spec_)
        return self

    def transform(self, X: Any) -> Array:
        """Features of images.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, n_features)
            Blocks, in each cells, in each orientations; float32 for float32, else float64.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape than fitted, or are negative and
            `transform_sqrt` is set.
        """
        check_is_fitted(self)
        self._validate_params()  # which may have been set since
        images, _ = read_images(self, X, fitted_spec=self.image_spec_)
        return HogLayout.of(self, self.image_spec_).features(images.values, self.n_jobs)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the features, such as "hog_block0_1_cell2_0_bin8": rows before columns.

        Parameters
        ----------
        input_features : array_like of str or None, default None
            Names of what X holds; only compared with those of fit.

        Returns
        -------
        ndarray of shape (n_features,)
            Strings.

        Raises
        ------
        NotFittedError
            If fit was not called.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        indices = product(*map(range, HogLayout.of(self, self.image_spec_).axes))
        names = ["hog_block{}_{}_cell{}_{}_bin{}".format(*index) for index in indices]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _forward(hog: HOG, X: Array) -> Differentiated:
    cells = HogLayout.of(hog, hog.image_spec_)
    images = X.reshape(len(X), *cells.shape)
    return cells.features(images), lambda dY: cells.input_gradient(images, dY).reshape(X.shape)


GRADIENTS[HOG] = _forward
