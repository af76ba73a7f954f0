"""The spatial transformer that classifies with its own head."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ..arrays import Array
from ..errors import InvalidInputError, TrainingDiverged
from ..joint.heads import head_input
from ..nn.objectives import Classification
from ..nn.samples import probe_of
from ..nn.training import Trainer
from ..threads import pinned_blas
from .automatic import without_auto
from .fitted_attributes import learned_by, unchanged_on_failure
from .network import build_network, is_layers, network_to_continue
from .training import collapsed, settings_of, warn_of_collapse
from .training_data import TrainingData, validated
from .transformer import SpatialTransformer

__all__ = ["SpatialTransformerClassifier"]


def _head_has(method: str) -> Callable[[Any], bool]:
    """Whether the head has a method, the fitted one if any; those of layers give probabilities."""

    def check(estimator: Any) -> bool:
        fitted = hasattr(estimator, "rectifier_")
        head = getattr(estimator, "head_", "layers") if fitted else estimator.head
        return method == "predict_proba" if is_layers(head) else hasattr(head, method)

    return check


class SpatialTransformerClassifier(ClassifierMixin, SpatialTransformer):
    """A spatial transformer and the classifier it was trained with, as one classifier.

    It finds what `SpatialTransformer` finds, with the same parameters, and keeps the head
    to predict with, be it a network's layers or a classifier of scikit-learn.

    Parameters
    ----------
    family, output_shape, localization, start, head : see SpatialTransformer
        What is learned: the transform, what looks at the image, what classifies it.
    padding_mode, fill_value, antialias, n_steps, image_shape : see SpatialTransformer
        What lies outside of an image, and how to read flat rows.
    solver, learning_rate, learning_rate_init : see SpatialTransformer
        Steps of the training.
    localization_learning_rate_ratio, batch_size, max_iter : see SpatialTransformer
        Pace of the localization, samples a step, largest number of epochs.
    max_seconds : see SpatialTransformer
        Time for the epochs.
    alpha, max_norm, tol, n_iter_no_change : see SpatialTransformer
        Weight decay, clipping, and when to stop.
    n_folds, early_stopping, validation_fraction, turn_off : see SpatialTransformer
        On what samples a head is fitted, by what samples epochs are compared, and whether the
        transformer is given up where it does not pay.
    class_weight, augment, warm_start : see SpatialTransformer
        Weights of the classes, changes to the images, going on from the last fit.
    n_jobs, random_state, verbose : see SpatialTransformer
        Threads, seed, a line an epoch.

    Attributes
    ----------
    rectifier_, chosen_, head_, classes_ : see SpatialTransformer
        The fitted model, what stands for each "auto", the fitted head where it is one of
        scikit-learn, labels.
    loss_curve_, validation_scores_, n_iter_ : see SpatialTransformer
        The course of the training.
    pose_report_, temperature_ : see SpatialTransformer
        Whether the transformer is worth it; how probabilities were calibrated.
    n_features_in_, feature_names_in_ : see SpatialTransformer
        Values in an image, and column names of X where it had any.

    See Also
    --------
    SpatialTransformer : The same as a step before another classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from stn_cv import SpatialTransformerClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> images = X.reshape(-1, 8, 8) / 16
    >>> classifier = SpatialTransformerClassifier(max_iter=5, random_state=0)
    >>> bool(classifier.fit(images[:1000], y[:1000]).score(images[1000:], y[1000:]) > 0.8)
    True
    """

    _usual_head = "cnn"

    def predict(self, X: Any) -> Array:
        """Most probable label of each image.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n,)
            Labels.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.
        """
        check_is_fitted(self)
        if hasattr(self, "head_"):
            return self.head_.predict(self._head_input(X))
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @available_if(_head_has("predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Probability of each class for each image.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, n_classes)
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.
        """
        check_is_fitted(self)
        if hasattr(self, "head_"):
            return self.head_.predict_proba(self._head_input(X))
        return self.rectifier_.predict_proba(self._images(X).values)

    @available_if(_head_has("decision_function"))
    def decision_function(self, X: Any) -> Array:
        """Decisions of a scikit-learn head that has them.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images of the fitted shape.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            As the head gives them.

        Raises
        ------
        NotFittedError
            If fit was not called.
        InvalidInputError
            If the images have another shape or range than fitted.
        """
        check_is_fitted(self)
        return self.head_.decision_function(self._head_input(X))

    def _head_input(self, X: Any) -> Array:
        """Images, rectified, as the fitted scikit-learn head takes them."""
        return head_input(self.head_, self.rectifier_.rectify(self._images(X).values))

    @available_if(lambda self: is_layers(self.head))
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "SpatialTransformerClassifier":
        """Train for one epoch on some of the samples.

        Images are standardized by those of the first call; the learning rate is constant, since
        nobody knows how many calls will come, and `early_stopping` is not asked. How to train
        may be changed between calls, what is trained may not; the seed is that of the first call.

        Parameters
        ----------
        X : array_like of shape (n, h, w), (n, h, w, c) or (n, p)
            Images.
        y : array_like of shape (n,)
            Labels.
        classes : array_like or None, default None
            All labels there will be; needed in the first call only.
        sample_weight : array_like of shape (n,) or None, default None
            Weight of each sample.

        Returns
        -------
        self : SpatialTransformerClassifier
            Trained one epoch further; unchanged if that fails.

        Raises
        ------
        InvalidInputError, InvalidTypeError
            If the samples or a parameter cannot be used.
        TrainingDiverged
            If a gradient was not finite.
        """
        with unchanged_on_failure(self):
            last = getattr(self, "rectifier_", None)
            if hasattr(self, "head_"):
                raise InvalidInputError(
                    "this model was fitted with a scikit-learn classifier, which cannot be trained "
                    "on; call fit, which starts anew."
                )
            if self.class_weight == "balanced":
                raise InvalidInputError(
                    "class_weight='balanced' needs all samples at once; for partial_fit give a "
                    "dict of weights."
                )
            known = self._known_classes(classes)
            if last is None:
                data = validated(self, X, y, sample_weight, classes=known)
            else:
                spec, dtype = last.image_spec, last.network.vector.dtype
                data = validated(self, X, y, sample_weight, None, known, spec, dtype)
            plain, self.chosen_ = without_auto(self, data)
            trainer = plain._trainer(data)
            with pinned_blas():
                loss = trainer.epoch()
            settings = trainer.settings
            if not (np.isfinite(loss) and np.isfinite(trainer.network.vector).all()):
                raise TrainingDiverged(
                    settings.message_of_divergence("a loss or weight is not finite")
                )
            self._keep(learned_by(plain, data, None, trainer.network))
            self._progress = settings.seed, trainer.progress
            self.loss_curve_ = [*getattr(self, "loss_curve_", []), loss]
            self.validation_scores_ = getattr(self, "validation_scores_", None)
            self.n_iter_ = len(self.loss_curve_)
            self.pose_report_ = self.temperature_ = None
            if self.verbose:
                print(f"Epoch {self.n_iter_}, loss = {loss:.6f}")
            looked_at = probe_of(data.samples, None, settings.seed, settings.n_jobs)
            if collapsed(trainer.network, looked_at, settings.n_jobs):
                warn_of_collapse()
        return self

    def _known_classes(self, classes: ArrayLike | None) -> Array:
        """All classes there will be, from the first call of partial_fit or from fit."""
        given = None
        if classes is not None:
            given = np.unique(column_or_1d(classes))
            if len(given) < 2:
                raise InvalidInputError(f"classes is {classes!r}; wanted at least 2 labels.")
        if not hasattr(self, "rectifier_"):
            if given is None:
                raise InvalidInputError("the first call of partial_fit needs classes.")
            return given
        if given is not None and not np.array_equal(given, self.classes_):
            raise InvalidInputError(
                f"classes is {classes!r}; training goes on with {self.classes_}."
            )
        return self.classes_

    def _trainer(self, data: TrainingData) -> Trainer:
        """A trainer of its own to go on with: a failure must leave the last one as it was."""
        objective = Classification(data.samples, augment=self.augment)
        settings = replace(settings_of(self), learning_rate="constant")
        if not hasattr(self, "rectifier_"):
            return Trainer(build_network(self, data, settings.seed), settings, objective)
        network = network_to_continue(self, data, "Call fit to start anew.")
        if self._progress is None:
            return Trainer(network, settings, objective)
        seed, progress = self._progress
        return Trainer(network, replace(settings, seed=seed), objective, copy.deepcopy(progress))
