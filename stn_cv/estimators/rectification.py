"""What a fitted transformer does with images, however it was fitted."""

from typing import Any

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array
from .images import Images, read_images

__all__ = ["Rectification"]


class Rectification(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Rectifies by the `rectifier_` that a subclass's fit leaves."""

    rectifier_: Any

    def transform(self, X: Any) -> Array:
        """Rectify images.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, height, width), (n, height, width, c) or (n, q)
            Rectified images, with the axes and the dtype that X had; other dtypes than
            uint8, uint16, float32 and float64 become float64.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.
        """
        images = self._images(X)
        return images.with_axes_of_X(self.rectifier_.rectify(images.values))

    def predict_theta(self, X: Any) -> Array:
        """The transform found for each image.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, 2, 3), (n, 3, 3) of "projective", (n, k * k, 2) of a spline, float64
            Output to source, normalized, as `Rectifier.theta` says.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.

        Notes
        -----
        Convention: output to source, (x, y) in [-1, 1], ``align_corners=False``.
        """
        images = self._images(X)
        return self.rectifier_.theta(images.values)

    def _images(self, X: Any) -> Images:
        check_is_fitted(self)
        images, _ = read_images(self, X, fitted_spec=self.rectifier_.image_spec)
        return images

    @property
    def _n_features_out(self) -> int:
        height, width = self.rectifier_.output_shape
        return height * width * self.rectifier_.image_spec.channels

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
