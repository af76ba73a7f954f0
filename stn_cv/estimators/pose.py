"""A pose learned from upright examples or known poses, as a scikit-learn transformer."""

from typing import Any

import numpy as np
from sklearn.base import _fit_context

from ..arrays import Array
from ..nn.network import Network
from ..nn.training import Epoch
from .callbacks import CallbackSupportMixin, FitCallbacks, with_callbacks
from .fitted_attributes import Learned, unchanged_on_failure
from .pose_examples import check_ranges, read_pose_data
from .pose_parameters import PoseParameters
from .pose_training import PoseFit
from .rectification import Rectification

__all__ = ["PoseTransformer"]


class PoseTransformer(CallbackSupportMixin, Rectification, PoseParameters):
    """Rectification learned without class labels: from upright examples, or from known poses.

    A few pictures of things as they should lie are enough. From them training pictures are
    drawn, each at a random pose on something foreign, and networks learn to find the pose: a
    first look roughly, over all turns, a second again and again what is left. `transform`
    warps each image upright by what was found.

    Parameters
    ----------
    family : str, default "similarity"
        What a pose may be: "translation"; "attention", scale and translation; "similarity",
        rotation as well; "affine"; "projective"; "tps", "tps3" or "tps6", splines.
    angle : float, default 180
        Degrees by which things may be turned, either way; of splines 60 at most.
    scale : tuple of float or "auto", default "auto"
        (smallest, largest) size of things in photos, relative to the upright picture. "auto" is
        (0.75, 1.33) of upright examples, and of known poses what they take up, and a tenth more;
        so it is with the next two.
    shift : float or "auto", default "auto"
        How far things may be off, either way, as a share of the picture's sides; else 0.1.
    perspective : float or "auto", default "auto"
        How far "affine" may stretch and shear, "projective" tilt as well, and the control
        points of splines move, in half sides; else 0.1.
    symmetry : int, default 1
        How many turns of a thing look the same, a whole turn among them: 2 of a playing card.
    mirrored : bool or "auto", default "auto"
        Whether the examples are shown in a mirror as well, which makes up for how askew they
        lie. "auto" does so with fewer than 200 of them, where no mirrored picture could be
        taken for a turned one.
    bins : int or "auto", default "auto"
        Bins of angles of the first look; 0 regresses the angle. "auto" takes 36 for turns
        beyond 60 degrees, or where the symmetry allows two poses.
    candidates : int or "auto", default "auto"
        How many of the bins are followed up by the second look, half as many by the third, and
        so on; the last takes the best. "auto" is 6, or fewer of few bins.
    n_steps : int, default 4
        Looks in all; splines have one.
    filters : int, default 16
        Of the first convolution; the second has twice as many.
    background : sequence of images or None, default None
        What may stand behind the things, each (h, w) or (h, w, c); beside the examples.
    output_shape : tuple or None, default None
        (height, width) of rectified images; None is that of X.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside an image.
    fill_value : float, default 0.0
        What stands outside under "zeros", in the units of X.
    antialias : bool, default False
        Whether an output pixel is the mean over its area where the transform shrinks.
    image_shape : tuple or None, default None
        (height, width[, channels]) of flat rows; None takes a row for a strip of 1 x p.
    n_canvases : int or "auto", default "auto"
        Training pictures the first look sees; the second sees half as many. "auto" is 250 of
        each example, 100,000 at least and 250,000 at most.
    max_seconds : float or None, default None
        About how long fit may take: fewer than `n_canvases` are drawn where a short trial shows
        that they would take longer. How many depends on the machine and on what else it does.
    batch_size : int, default 128
        Training pictures a step.
    learning_rate_init : float, default 0.006
        Largest learning rate of the first look, over one cycle; the second has half of it.
    alpha : float, default 0.01
        Weight decay.
    validation_fraction : float, default 0.1
        Share of the examples that is held out to calibrate the confidence. Where that would be
        fewer than 20, all are trained on, and two more trainings of half the length, each of
        half of the examples, tell how sure of other ones to be; fit takes twice as long.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. Results do not depend on it.
    random_state : int, RandomState or None, default None
        Seed of weights and training pictures.
    verbose : bool, default False
        Whether to print a line an epoch.

    Attributes
    ----------
    rectifier_ : Rectifier
        The fitted model, free of scikit-learn.
    loss_curve_ : list of float
        Training loss of each epoch, of the first look and then of the second.
    n_iter_ : int
        Epochs run.
    n_canvases_ : int
        Training pictures the first look saw, fewer than `n_canvases` only by `max_seconds`.
    n_features_in_ : int
        Values in an image.
    feature_names_in_ : ndarray of shape (n_features,)
        Column names of X, where it had any.

    See Also
    --------
    SpatialTransformer : Poses that serve a classifier, from class labels.
    theta_from_corners : Known poses, from four corners in each picture.

    Notes
    -----
    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from stn_cv import PoseTransformer
    >>> X = load_digits(n_class=3).images / 16
    >>> poser = PoseTransformer(angle=30, n_canvases=2000, random_state=0).fit(X[:40])
    >>> poser.transform(X[40:50]).shape
    (10, 8, 8)
    >>> poser.predict_theta(X[40:50]).shape
    (10, 2, 3)
    >>> bool((poser.predict_confidence(X[40:50]) <= 1).all())
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "PoseTransformer":
        """Learn to find the pose.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            At least 5 examples: uint8, uint16 or float; flat rows with `image_shape`.
        y : array_like of shape (n, 2, 3), (n, 3, 3) or (n, k * k, 2), or None, default None
            The true theta of each example, as `theta_from_corners` makes it. None, or the
            labels, (n,) or (n, k), that a Pipeline hands to all its steps, mean that all are
            upright.

        Returns
        -------
        self : PoseTransformer
            Fitted. If fit fails, everything learned before is still there.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If X, y or a parameter cannot be used; before any training.
        TrainingDiverged
            If the weights did not stay finite.
        """
        with unchanged_on_failure(self):
            self._fit(X, y)
        return self

    @with_callbacks  # inside of what gives attributes back, which callbacks need to be closed
    def _fit(self, X: Any, y: Any) -> None:
        check_ranges(self)
        fit = PoseFit(self, read_pose_data(self, X, y))
        networks: list[Network] = []

        def so_far(network: Network) -> Learned:
            return fit.learned([*networks[:-1], network], calibrated=False)

        callbacks = FitCallbacks(self, X, y, so_far, fit.plan.n_epochs)

        def listen(epoch: Epoch, trained: list[Network]) -> bool:
            networks[:] = trained
            if self.verbose:
                print(f"Epoch {epoch.number} of {epoch.of}, loss = {epoch.loss:.6f}")
            return callbacks(epoch)

        networks[:], history = fit.train(listen)
        learned = fit.learned(networks)
        self.rectifier_ = learned.rectifier
        self.loss_curve_ = history.losses
        self.n_iter_ = len(history.losses)
        self.n_canvases_ = fit.n_canvases
        callbacks.finish(learned)

    def predict_confidence(self, X: Any) -> Array:
        """How likely each pose is right.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n,), float64
            Probability that the corners are off by less than 10 % of the width, on average,
            calibrated on canvases of examples held out, or, of few, by trainings on halves of
            them, which is coarser; NaN where Ctrl-C left no time for it. A
            single look without bins, of another family than "similarity", tells nothing of it:
            then it is the share of canvases that were right, the same for all images.

        Raises
        ------
        NotFittedError, InvalidInputError
            As `transform`.
        """
        images = self._images(X)
        return np.asarray(self.rectifier_.find_pose(images.values)[1])
