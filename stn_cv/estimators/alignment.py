"""Joint alignment as a scikit-learn transformer."""

from numbers import Integral, Real
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..alignment.features import FEATURES
from ..alignment.results import agreement, settled
from ..arrays import Array
from ..errors import AlignmentWarning, warn_caller
from ..geometry import check_shape
from ..model.image_spec import ImageSpec
from ..sampling import PADDING_MODES, warp_affine
from .fitted_attributes import unchanged_on_failure
from .images import Images, read_images
from .searches import labels_of, searched

__all__ = ["JointAlignment"]

LEAST_AGREEMENT = 0.7  # of two searches: below it the poses are not to be trusted


class JointAlignment(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Poses of pictures of alike things, found from nothing but the pictures.

    A few templates are learned along with each picture's template, turn and scale, by which
    the pictures are brought upright together. All of them may stay turned by one angle, which
    pictures cannot tell; `upright` settles it. Where classes are known, each has templates of
    its own.

    Parameters
    ----------
    n_templates : int or "auto", default "auto"
        How many; "auto" is one for 50 pictures, from 1 to 20. Of each class, where `y` is given;
        "auto" is then one for 25 pictures, 100 in all at most.
    features : {"grey", "edges"}, default "grey"
        What is compared: the mean of the channels, or where it changes, without the parts that
        are the same all round. "edges" for things that shine, such as coins: the side that light
        comes from would be taken for the turn.
    angle : float, default 180.0
        Degrees by which things are turned at most, to either side. Where it is less than a half
        turn, the mean pose of the pictures counts as upright.
    scale : float, default 1.0
        Factor by which things differ in size at most, up and down, from what is typical.
    symmetry : int, default 1
        A turn by 360 degrees / symmetry shows the same thing: 2 of a playing card.
    output_shape : tuple or None, default None
        (height, width) of rectified images; None is that of X.
    padding_mode : {"zeros", "border", "reflection"}, default "border"
        What lies outside an image when it is rectified.
    max_iter : int, default 25
        Rounds of a search.
    n_restarts : int, default 4
        Searches, 2 or more; the one counts that correlates best.
    image_shape : tuple or None, default None
        (height, width[, channels]) of flat rows; None takes a row for a strip of 1 x p.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. Results do not depend on it.
    random_state : int, RandomState or None, default None
        Seed of the templates that searches begin with.
    verbose : bool, default False
        Whether to print a line a round.

    Attributes
    ----------
    theta_ : ndarray of shape (n, 2, 3), float64
        The pose of each picture of fit: output to source, normalized.
    cluster_ : ndarray of shape (n,)
        Number of each picture's template.
    correlation_ : ndarray of shape (n,), float64
        How well each picture agrees with its template where it was put, 1 at most.
    score_ : float
        How well it went, from 0 to 1: the share of the pictures to which the two best searches
        give the same turn, within 15 degrees, after one turn of all. NaN of a single search. Where
        `angle` is below 90 searches may begin at the principal axis, and agree on it.
    templates_ : ndarray of shape (n_templates, 24, 24)
        Upright templates, of mean 0.
    n_iter_ : int
        Rounds of each search.
    image_spec_ : ImageSpec
        What images it was fitted on.
    n_features_in_ : int
        Values in an image.
    feature_names_in_ : ndarray of shape (n_features,)
        Column names of X, where it had any.

    See Also
    --------
    theta_from_moments : Centre, size and principal axis; the peer to beat.

    Notes
    -----
    A search begins with pictures centred and sized by their moments, where `angle` is below 90
    with their principal axis upright as well, or as they are: whichever correlates best after
    six rounds. Things should lie in the middle of their
    pictures where moments do not find them. Pictures are compared within a disc.

    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.
    Source: Frey and Jojic 2003, "Transformation-invariant clustering using the EM algorithm".

    Examples
    --------
    >>> from stn_cv import JointAlignment
    >>> from stn_cv.datasets import load_distorted_digits
    >>> digits = load_distorted_digits(n_copies=1)
    >>> alignment = JointAlignment(angle=60, max_iter=10, n_restarts=2, random_state=0)
    >>> alignment.fit_transform(digits.X_train[:300]).shape
    (300, 32, 32)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "n_templates": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "features": [StrOptions(FEATURES.keys())],
        "angle": [Interval(Real, 0, 180, closed="both")],
        "scale": [Interval(Real, 1, 4, closed="both")],
        "symmetry": [Interval(Integral, 1, None, closed="left")],
        "output_shape": [tuple, list, None],
        "padding_mode": [StrOptions(set(PADDING_MODES))],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_restarts": [Interval(Integral, 2, None, closed="left")],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_templates: int | str = "auto",
        *,
        features: str = "grey",
        angle: float = 180.0,
        scale: float = 1.0,
        symmetry: int = 1,
        output_shape: tuple[int, int] | None = None,
        padding_mode: str = "border",
        max_iter: int = 25,
        n_restarts: int = 4,
        image_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_templates = n_templates
        self.features = features
        self.angle = angle
        self.scale = scale
        self.symmetry = symmetry
        self.output_shape = output_shape
        self.padding_mode = padding_mode
        self.max_iter = max_iter
        self.n_restarts = n_restarts
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, upright: ArrayLike | None = None) -> "JointAlignment":
        """Find templates and poses.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Pictures of alike things; flat rows with `image_shape`.
        y : array_like of shape (n,) or None, default None
            Labels, of 10 pictures and more a class in the mean; templates are then looked for
            within each class. Anything else, such as what a regression predicts, is not used.
        upright : array_like of shape (m, h, w), (m, h, w, c) or (m, p) or None, default None
            One or a few pictures in the wanted pose, shaped as those of X: all poses are turned
            so that these stay as they are, in the mean. None leaves the mean pose, or where
            every turn is tried, that of the largest template.

        Returns
        -------
        self : JointAlignment
            Fitted. If fit fails, everything found before is still there.

        Raises
        ------
        InvalidInputError
            If X, `upright` or a parameter cannot be used; before any search.
        KeyboardInterrupt
            If Ctrl-C comes before the first search is done; later it ends the searches, with a
            warning.
        """
        with unchanged_on_failure(self):
            self._fit(X, y, upright)
        return self

    def _fit(self, X: Any, y: Any, upright: ArrayLike | None) -> None:
        images, _ = read_images(self, X)
        spec = ImageSpec.of(images.values)
        if self.output_shape is not None:
            check_shape("output_shape", tuple(self.output_shape))
        examples = None
        if upright is not None:
            examples = self._seen(read_images(self, upright, fitted_spec=spec)[0])
        small, labels = self._seen(images), labels_of(y, len(images.values))
        found = searched(self, small, labels)
        self.score_ = agreement(found, small, labels, self.n_jobs)
        self._alignment = settled(found[0], examples, self.n_jobs)
        poses, self.cluster_, self.correlation_ = self._alignment.poses(small, self.n_jobs, labels)
        self.theta_ = poses.theta((spec.height, spec.width))
        self.templates_ = self._alignment.pictures()
        self.image_spec_, self.n_iter_ = spec, self.max_iter
        if self.score_ < LEAST_AGREEMENT:
            warn_caller(
                f"the two best searches agree on {self.score_:.0%} of the pictures' turns: the "
                "poses are not to be trusted. Try more or fewer n_templates, declare a symmetry, "
                "narrow angle, or crop the pictures to the things they show.",
                AlignmentWarning,
            )

    def transform(self, X: Any) -> Array:
        """Rectify images.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, height, width), (n, height, width, c) or (n, q)
            Rectified images, with the axes and the dtype that X had.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.
        """
        images, theta = self._found(X)
        rectified = warp_affine(
            images.values, theta, self._shape(), padding_mode=self.padding_mode, n_jobs=self.n_jobs
        )
        return images.with_axes_of_X(rectified)

    def predict_theta(self, X: Any) -> Array:
        """The pose of each image, by the templates that were found.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, 2, 3), float64
            Output to source, normalized; `theta_` for the images of fit, where that was not
            told their classes.

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
        return self._found(X)[1]

    def _found(self, X: Any) -> tuple[Images, Array]:
        check_is_fitted(self)
        images, _ = read_images(self, X, fitted_spec=self.image_spec_)
        poses, _, _ = self._alignment.poses(self._seen(images), self.n_jobs)
        return images, poses.theta((self.image_spec_.height, self.image_spec_.width))

    def _seen(self, images: Images) -> Array:
        return FEATURES[self.features](images.values)

    def _shape(self) -> tuple[int, int]:
        spec = self.image_spec_
        height, width = self.output_shape or (spec.height, spec.width)
        return int(height), int(width)

    @property
    def _n_features_out(self) -> int:
        height, width = self._shape()
        return height * width * self.image_spec_.channels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
