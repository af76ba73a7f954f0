"""The spatial transformer as a scikit-learn transformer."""

from dataclasses import replace
from functools import partial
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import _fit_context

from ..nn.network import Network
from ..nn.training import Epoch, History, Progress
from .alignment_start import begun_by_alignment, train_on_alignment
from .automatic import without_auto
from .callbacks import CallbackSupportMixin, FitCallbacks, with_callbacks
from .fitted_attributes import Learned, learned_by, unchanged_on_failure
from .parameters import Parameters
from .pose_comparison import report_of, warn_of
from .pose_start import PoseStart, with_pose
from .rectification import Rectification
from .temperature_scaling import calibrated
from .training import Fit, finished_despite_interrupt, fit_of, train_network
from .training_data import validated
from .turned_off import trained_without, wants_off

__all__ = ["SpatialTransformer"]


class SpatialTransformer(CallbackSupportMixin, Rectification, Parameters):
    """Learned rectification: a spatial transformer trained jointly with a classifier.

    A small network, the localization, looks at an image and gives the parameters of a transform;
    the image is warped by it, and a classifier, the head, is trained on the result. Both learn
    together from the class labels alone. As a step of a pipeline it hands the rectified images
    on; the head serves only its training.

    Parameters
    ----------
    family : str, default "similarity"
        "translation"; "attention", scale and translation; "similarity", rotation as well;
        "affine"; "projective"; "tps", a thin-plate spline of 4 x 4 control points, "tps3" of
        3 x 3, "tps6" of 6 x 6. The smallest that can undo what differs from image to image:
        each parameter more is one more that may go astray.
    output_shape : tuple or None, default None
        (height, width) of rectified images; None is that of X. 16 to 28 suit digits.
    localization : {"cnn", "mlp"}, list of layers, PoseTransformer or Rectifier, default "cnn"
        What looks at the image. Layers of `stn_cv.nn`, which are copied; the last layer is
        appended. Or what knows a pose, from which training goes on: a `PoseTransformer`, which
        learns from `upright` images, or a fitted `Rectifier`; their family and n_steps count.
    start : {"auto", "identity", "alignment"}, default "auto"
        Where training begins: at images as they are, or at poses that a network learns from the
        images aligned within their classes (`JointAlignment`), behind which a head is trained.
        "auto" begins at the identity; if less than 95 % of the samples kept back are told right
        then, and as many behind aligned images, it keeps the better of both. Alignment is
        for families that turn images, without `max_seconds`, `augment` and `warm_start`; "auto"
        wants 20 images a class as well.
    head : {"auto", "linear", "coarse", "mlp", "cnn"}, list of layers or classifier, default "auto"
        What classifies the rectified image: layers, where the last one is appended, or any
        classifier or Pipeline of scikit-learn, of which clones are fitted. "auto" is "coarse"
        here, quick and asking most of the pose ("linear" judges what it is worth), and "cnn" in
        `SpatialTransformerClassifier`. For the last points give what will stand behind.
    padding_mode : {"zeros", "border", "reflection"}, default "zeros"
        What lies outside an image: `fill_value`, its edge pixels, or its mirror image.
    fill_value : float, default 0.0
        What stands outside under "zeros", in the units of X.
    antialias : bool, default False
        Whether an output pixel is the mean over its area where the transform shrinks.
    n_steps : int or "auto", default "auto"
        How often the localization looks, each time at the image as warped so far. "auto" is 2, of
        splines 1; 1 takes half the time, and is enough where only place and size are corrected.
    image_shape : tuple or None, default None
        (height, width[, channels]) of flat rows; None takes a row for a strip of 1 x p.
    solver : {"adam", "sgd"}, default "adam"
        Adam, or SGD with Nesterov momentum 0.9.
    learning_rate : {"one_cycle", "constant", "step"}, default "one_cycle"
        Course of the learning rate over `max_iter` epochs.
    learning_rate_init : float or "auto", default "auto"
        Largest learning rate. "auto" is 0.03 with a linear head or a classifier, less where that
        has more than 256 inputs, and 0.004 with other layers; less in fewer than 200 steps.
    localization_learning_rate_ratio : float, default 0.2
        Learning rate of the localization, relative to the head's.
    batch_size : int or "auto", default "auto"
        Samples a step. "auto" is 256, 128 with a head of other layers; of few samples an eighth
        of them, at least 32.
    max_iter : int or "auto", default "auto"
        Largest number of epochs. "auto" is as many as have about 600 steps with a linear head
        and 1,000 with other layers, from 12 to 200; half as many more with a classifier.
    max_seconds : float or None, default None
        Time for the epochs, of which one is always run; a slower or busier machine gives another
        result. The last head, `pose_report_` and the head without a transformer come on top.
    alpha : float or "auto", default "auto"
        Weight decay, a share of the head's learning rate; it also pulls the transforms towards
        the identity. "auto" is 0.2 with a linear head or a classifier, 0.1 with other layers.
    max_norm : float, default 5.0
        Gradients with a larger norm are scaled down to it.
    tol : float, default 1e-4
        Gain in loss (or validation accuracy) below which an epoch counts as no better.
    n_iter_no_change : int, default 10
        Epochs without a gain after which training stops; "one_cycle" runs its course.
    n_folds : int, default 3
        Parts of the samples; a classifier given as the head has its loss on each part when
        fitted on the others (1: on all of them). A group is never split.
    early_stopping : bool or "auto", default "auto"
        Whether to compare epochs by a validation split's accuracy, not by up to 512 samples' loss;
        "auto": where the split has 40 samples or more.
    validation_fraction : float or "auto", default "auto"
        Share of the samples in that split, stratified; with groups, 1/2, 1/3, ... or the rest.
        "auto" is 0.1, of fewer than 400 samples as much more as makes 40, at most a quarter.
    turn_off : bool, default True
        Whether the transformer is given up, and leaves images as they are, where the head does no
        better with it on that split, as `pose_report_` then says; never one that knew a pose.
    class_weight : dict, "balanced" or None, default None
        Weights of the classes, as in scikit-learn; in portions a dict only.
    augment : callable or None, default None
        ``augment(images, rng) -> images``, applied anew in each epoch to parts of the
        training images, (n, h, w, c) of float (integers divided by their maximum). A
        classifier given as the head is fitted on one drawing of them; ``early_stopping``
        compares by images as they came.
    warm_start : bool, default False
        Whether fit continues from the weights of the last fit.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores. Results do not depend on it. `rectifier_` keeps that
        of its fit. Batches are cut into parts of 64 samples, or of 256 without convolutions.
    random_state : int, RandomState or None, default None
        Seed of weights, batches and dropout.
    verbose : bool, default False
        Whether to print a line an epoch.

    Attributes
    ----------
    rectifier_ : Rectifier
        The fitted model, free of scikit-learn.
    chosen_ : dict
        What stands for each "auto", by the parameter's name.
    head_ : classifier
        The classifier given as the head, fitted on what `transform` gives of all training
        images (integers if X holds them); as a step of a Pipeline put it into a `FrozenEstimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    loss_curve_ : list of float
        Training loss of each epoch.
    validation_scores_ : list of float or None
        Validation accuracy after each epoch, with `early_stopping`.
    n_iter_ : int
        Epochs run.
    pose_report_ : PoseReport or None
        What the head is worth with the transformer, without it, behind a fixed crop and behind
        image moments, and how theta differs from image to image. With `early_stopping` on the
        samples kept back, otherwise on a fifth of the training images. Of a transformer that was
        turned off it says what it was worth before. None after an interrupted fit.
    temperature_ : float or None
        What the head's outputs were divided by, so that its probabilities are right on the
        samples kept back. None without `early_stopping`, or 40 such samples.
    n_features_in_ : int
        Values in an image.
    feature_names_in_ : ndarray of shape (n_features,)
        Column names of X, where it had any.

    See Also
    --------
    SpatialTransformerClassifier : The same, using its head to classify.

    Notes
    -----
    With a classifier as the head, two thirds of the epochs train with a linear head, on
    rectified images of about 16 pixels a side. In the rest the classifier is refitted before
    each epoch, and the localization descends the loss of the images under it: by the exact
    gradients of `stn_cv.joint`, save for `HOG`, or by differences along the transform's few
    parameters.

    Convention: theta maps output to source, (x, y) in [-1, 1], ``align_corners=False``.
    Source: Jaderberg et al. 2015, "Spatial Transformer Networks".

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from stn_cv import SpatialTransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> transformer = SpatialTransformer(image_shape=(8, 8), max_iter=2, random_state=0)
    >>> transformer.fit(X[:300], y[:300]).chosen_["head"]
    'coarse'
    >>> model = make_pipeline(transformer, LogisticRegression(max_iter=1000))
    >>> model.fit(X[:300], y[:300]).predict(X[300:]).shape
    (1497,)
    """

    _usual_head = "coarse"  # it can say little of a thing that is not found
    _progress: tuple[int, Progress] | None = None  # seed and state of portions trained so far

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        upright: ArrayLike | None = None,
    ) -> "SpatialTransformer":
        """Train the localization and the head.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images: uint8, uint16 or float; flat rows with `image_shape`.
        y : array_like of shape (n,)
            Labels.
        sample_weight : array_like of shape (n,) or None, default None
            Weight of each sample.
        groups : array_like of shape (n,) or None, default None
            Samples of one group, such as copies of one image, stay on one side of the
            validation split and in one fold.
        upright : array_like of shape (m, h, w), (m, h, w, c) or (m, p) or None, default None
            At least 5 images in the wanted pose, shaped as those of X and without labels: from
            them a `PoseTransformer` given as the localization learns before the training.

        Returns
        -------
        self : SpatialTransformer
            Fitted. If fit fails, everything learned before is still there.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If X, y, the weights, `upright` or a parameter cannot be used; before any training.
        KeyboardInterrupt
            If Ctrl-C comes while the pose is learned; later the best epoch so far is kept.
        TrainingDiverged
            If no epoch gave finite weights better than the untrained ones.
        """
        with unchanged_on_failure(self):
            self._fit(X, y, sample_weight, groups, upright)
        return self

    @with_callbacks  # inside of what gives attributes back, which callbacks need to be closed
    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any, upright: Any) -> None:
        last = getattr(self, "rectifier_", None) if self.warm_start else None
        dtype = None if last is None else last.network.vector.dtype
        data = validated(self, X, y, sample_weight, groups, dtype=dtype)
        plain, self.chosen_ = without_auto(self, data)
        fit = fit_of(plain, data)
        data, pose = with_pose(plain, fit.data, upright, fit.settings)
        fit = fit._replace(data=data)
        learned = partial(learned_by, plain, fit.data, fit.spec)
        callbacks = FitCallbacks(self, X, y, learned, fit.settings.max_iter)

        def listen(epoch: Epoch) -> bool:
            if self.verbose:
                score = "" if epoch.score is None else f", validation score = {epoch.score:.4f}"
                print(f"Epoch {epoch.number}, loss = {epoch.loss:.6f}{score}")
            return callbacks(epoch)

        if plain.start == "alignment":
            network, history = train_on_alignment(fit, listen)
        else:
            network, history = train_network(*fit, listen)
        kept = self._take(fit, network, history, pose)
        self._progress = self.pose_report_ = None
        if not history.interrupted:
            report = report_of(*fit, self.rectifier_)
            better, report = begun_by_alignment(fit, report, listen)
            if better is not None:
                report = better.report
                kept = self._take(fit, better.network, better.history)
            if self.start == "auto":
                self.chosen_["start"] = "identity" if better is None else "alignment"
            without = trained_without(*fit, listen) if wants_off(plain, report) else None
            if report is not None and without is not None:
                report = replace(report, turned_off=True)
                kept = self._take(fit, *without)
            self.pose_report_ = report
            warn_of(report)
        callbacks.finish(kept)

    def _take(
        self, fit: Fit, network: Network, history: History, pose: PoseStart | None = None
    ) -> Learned:
        """Take over what a training gave."""

        def finish() -> Learned:
            self.temperature_ = calibrated(fit, network)
            found = network
            if pose is not None and not history.interrupted:
                found = pose.fit.recalibrated(network)
            return learned_by(fit.estimator, fit.data, fit.spec, found)

        kept = finished_despite_interrupt(finish, history)
        self._keep(kept)
        self.loss_curve_ = history.losses
        self.validation_scores_ = history.scores if fit.estimator.early_stopping else None
        self.n_iter_ = len(history.losses)
        return kept

    def _keep(self, learned: Learned) -> None:
        """Take over what was learned."""
        self.rectifier_, self.classes_ = learned.rectifier, learned.classes
        if learned.head is not None:
            self.head_ = learned.head
        elif hasattr(self, "head_"):
            del self.head_
