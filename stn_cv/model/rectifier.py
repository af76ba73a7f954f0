"""The one implementation of "image in, rectified image out"."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import InvalidTypeError
from ..families import Family
from ..geometry import as_array
from ..nn.network import Network
from ..nn.spatial import Transform
from .abilities import check_head, pose_transform
from .batches import as_batch, in_slices
from .image_spec import ImageSpec
from .outputs import outputs_of
from .passes import PROBABILITIES, THETA, found, theta_of
from .photos import rectified, rules_of
from .showing import html_of, line_of

__all__ = ["Rectifier"]


class Rectifier:
    """A fitted spatial transformer: finds theta, rectifies, and classifies with its head.

    Made by `load`, or held by a fitted estimator as ``rectifier_``. It keeps nothing of a
    call, so threads may share it. Theta is output to source, (x, y) in [-1, 1],
    ``align_corners=False``, in each of its methods.

    Parameters
    ----------
    network : Network
        The fitted network; its first layer is a `SpatialTransform` or a `PoseTransform`.
    image_spec : ImageSpec
        What images it was fitted on.
    classes : array_like or None, default None
        Labels, in the order of the network's outputs; None where no head is part of it.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.

    Examples
    --------
    >>> import numpy as np
    >>> from stn_cv import SpatialTransformer
    >>> X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    >>> rectifier = SpatialTransformer(head="linear", max_iter=2).fit(X, y).rectifier_
    >>> rectifier.rectify(X[0]).shape
    (8, 8)
    """

    def __init__(
        self,
        network: Network,
        image_spec: ImageSpec,
        classes: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        if not network.layers or not isinstance(network.layers[0], Transform):
            raise InvalidTypeError(
                "the network's first layer must be a transform such as SpatialTransform."
            )
        self.network = network
        self.image_spec = image_spec
        self.classes = None if classes is None else np.asarray(classes)
        self.n_jobs = n_jobs

    def __repr__(self) -> str:
        """What it is, in a line."""
        return line_of(self)

    def _repr_html_(self) -> str:
        """What it is, and what it does to a few drawn pictures, for a notebook."""
        return html_of(self)

    @property
    def transform(self) -> Transform:
        """The layer that rectifies."""
        layer = self.network.layers[0]
        assert isinstance(layer, Transform)
        return layer

    @property
    def family(self) -> Family:
        """What warps by theta."""
        return self.transform.composed_family()

    @property
    def output_shape(self) -> tuple[int, int]:
        """(height, width) of a rectified image where no other is asked for."""
        return self.transform.shape

    def theta(self, images: ArrayLike) -> Array:
        """Find the transform of each image.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions.

        Returns
        -------
        ndarray of shape (2, 3) or (n, 2, 3), float64
            Output to source, normalized, for any resolution of the image. Of the family
            "projective" (3, 3), of "tps" (16, 2): how far its control points, row by row from
            the output's top left, are displaced in the source.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If the images do not fulfil the fitted spec.
        """
        batch, single = as_batch(images, self.image_spec)
        (theta,) = self._found(batch, THETA)
        return theta[0] if single else theta

    def find(self, images: ArrayLike) -> tuple[Array, Array]:
        """Find the transform of each image and classify it, in one pass.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions.

        Returns
        -------
        theta : ndarray
            What `theta` gives, output to source.
        probabilities : ndarray
            What `predict_proba` gives.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If there is no head, or the images do not fulfil the fitted spec.
        """
        check_head(self.classes)
        batch, single = as_batch(images, self.image_spec)
        theta, _, probabilities = self._found(batch, PROBABILITIES)
        return (theta[0], probabilities[0]) if single else (theta, probabilities)

    def outputs(self, images: ArrayLike) -> dict[str, Any]:
        """All that the model says of each image, in one pass, by the names of its exported file.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions.

        Returns
        -------
        dict
            "theta", as `theta` gives it, output to source; "rectified", as `rectify`; with a head
            "probabilities", and as "confidence" their largest; of poses that of `find_pose`.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If the images do not fulfil the fitted spec.
        """
        return outputs_of(self, as_array("images", images))

    def rectify(
        self,
        images: ArrayLike,
        output_shape: tuple[int, int] | None = None,
        theta: ArrayLike | None = None,
        interpolation: str = "bilinear",
    ) -> Array:
        """Warp each image by its transform.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions: the transform is then
            found on a copy of the fitted size and applied at the images' own resolution.
        output_shape : tuple or None, default None
            (height, width) of the result; None is `output_shape` as fitted.
        theta : array_like or None, default None
            What `theta` returned, to warp by it without looking again; the images may then
            have any size and number of channels. One theta may be of all images.
        interpolation : {"bilinear", "nearest", "bicubic"}, default "bilinear"
            As the `mode` of `warp_affine`; nearest, for labels, takes no means.

        Returns
        -------
        ndarray
            Rectified images with the axes and dtype that came.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If the images do not fulfil the fitted spec.

        Notes
        -----
        Convention: theta is output to source, (x, y) in [-1, 1], ``align_corners=False``.
        """
        images = as_array("images", images)
        if theta is None:
            theta = self.theta(images)
        rules = rules_of(self, self.image_spec.maximum, interpolation)
        shape = self.output_shape if output_shape is None else output_shape
        return self.family.apply(images, np.asarray(theta), shape, rules, self.n_jobs)

    def rectify_photo(
        self,
        photo: Array,
        size: str | tuple[int, int] = "native",
        corners: ArrayLike | None = None,
        interpolation: str = "bilinear",
    ) -> Array:
        """Warp a photo of any size and proportions, as ``stn-cv rectify`` does.

        The transform is found on a small copy in the middle of a letterbox of the fitted
        proportions, and the photo itself is warped, at its own resolution and in its colours.
        Convention: corners are (x, y) in pixels, edges at 0 and the photo's width or height.

        Parameters
        ----------
        photo : ndarray of shape (h, w), (h, w, 3) or (h, w, 4)
            Grey, RGB or RGB with transparency; uint8, uint16, or float32 with 1 as white.
        size : {"native", "input"} or tuple, default "native"
            "native": the model's proportions, so large that the median pixel shows a pixel of the
            photo. "input": as large as the photo. Or (height, width).
        corners : array_like of shape (4, 2) or None, default None
            Of the frame, to warp by it without looking, as a homography: the output's top left
            first, then clockwise; outside of the photo by at most twice its longer side.
        interpolation : {"bilinear", "nearest", "bicubic"}, default "bilinear"
            As in `rectify`.

        Returns
        -------
        ndarray
            The rectified photo, with the channels and dtype that came.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If the photo, the size or the corners are not as wanted.
        """
        return rectified(self, photo, size, corners, interpolation)

    def predict_proba(self, images: ArrayLike) -> Array:
        """Probability of each class by the built-in head.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions.

        Returns
        -------
        ndarray of shape (k,) or (n, k)
            In the order of `classes`.

        Raises
        ------
        InvalidInputError
            If there is no head, or the images do not fulfil the fitted spec.
        """
        check_head(self.classes)
        batch, single = as_batch(images, self.image_spec)
        probabilities = self._found(batch, PROBABILITIES)[-1]
        return probabilities[0] if single else probabilities

    def find_pose(self, images: ArrayLike) -> tuple[Array, Any]:
        """Find the pose in each image and how likely it is right, in one pass.

        Parameters
        ----------
        images : array_like of shape (h, w[, c]) or (n, h, w[, c])
            As fitted, or larger or smaller in the same proportions.

        Returns
        -------
        theta : ndarray
            What `theta` gives, output to source.
        confidence : float or ndarray of shape (n,), float64
            Probability that theta's corners are off by less than 10 % of the output's width,
            on average; NaN if the training was interrupted before that was learned.

        Raises
        ------
        InvalidInputError
            If the model was not fitted to poses, or the images do not fulfil the fitted spec.
        """
        transform = pose_transform(self.transform)
        batch, single = as_batch(images, self.image_spec)

        def run(X: Array) -> tuple[Array, ...]:
            parameters, confidence = transform.poses(X)
            return theta_of(transform, self.image_spec, parameters), confidence

        theta, confidence = in_slices(run, batch, self.network, self.image_spec, self.n_jobs)
        return (theta[0], float(confidence[0])) if single else (theta, confidence)

    def _found(self, batch: Array, count: int) -> tuple[Array, ...]:
        return found(self.network, self.image_spec, batch, self.n_jobs, count)
