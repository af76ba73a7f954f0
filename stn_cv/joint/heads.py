"""A scikit-learn classifier as a head: what it is given, how it is fitted, what it scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ..arrays import Array
from ..errors import InvalidInputError, InvalidTypeError, NonFiniteError, warn_caller
from ..nn.samples import Samples
from ..threads import pinned_blas, slices_of
from .fit_warnings import without_fit_warnings
from .gradients import differentiable, forward

__all__ = ["HeadSpec", "check_head", "head_input", "scoring_method"]

LARGEST_PART = 1024  # images that a head's gradient is ready for at once


def check_head(head: Any) -> None:
    """Refuse what is no classifier, or gives labels only."""
    tagged = not isinstance(head, type) and hasattr(head, "__sklearn_tags__")
    if not tagged or not is_classifier(head):
        raise InvalidTypeError(
            f"head is {head!r}; wanted a name, a list of layers, or a scikit-learn classifier "
            "(an instance) such as make_pipeline(PCA(20), LogisticRegression())."
        )
    scoring_method(head)


def scoring_method(head: Any) -> str:
    """The method that gives a head's scores.

    The probabilities of an `SVC` are an afterthought; its decisions have gradients.
    """
    methods = ["predict_proba", "decision_function"]
    for method in reversed(methods) if isinstance(_estimators(head)[-1], SVC) else methods:
        if hasattr(head, method):
            return method
    raise InvalidInputError(
        f"head is {head!r}, which has neither predict_proba nor decision_function: with labels "
        "alone nothing can be learned. Use one that has either; a VotingClassifier has with "
        "voting='soft', a StackingClassifier with a final_estimator of its own."
    )


def head_input(head: Any, images: Array) -> Array:
    """Images (n, h, w, c) as a head takes them: images where its tags say so, else flat rows."""
    if get_tags(_estimators(head)[0]).input_tags.three_d_array:
        return images[..., 0] if images.shape[-1] == 1 else images
    return images.reshape(len(images), -1)


@dataclass(frozen=True)
class HeadSpec:
    """An unfitted head, and how its clones are fitted and give scores.

    Parameters
    ----------
    head : classifier
        It is cloned, never fitted itself.
    classes : ndarray of shape (k,)
        Labels.
    seed : int
        For the parameters `random_state` that are None.
    unit : float
        What a pixel value of 1 is in the units of X.
    inexact : tuple of type
        Steps whose exact gradient leaves out what matters; slopes are then differences.
    """

    head: Any
    classes: Array
    seed: int
    unit: float = 1.0
    inexact: tuple[type, ...] = ()

    def __post_init__(self) -> None:
        shape = getattr(_estimators(self.head)[-1], "decision_function_shape", None)
        if shape == "ovo" and len(self.classes) > 2 and not self.exact:
            raise InvalidInputError(self._pairs())
        last = self.head.steps[-1][1] if isinstance(self.head, Pipeline) else self.head
        if isinstance(last, FrozenEstimator):
            self._check_classes(last)

    def _pairs(self) -> str:
        """The message of a head whose decisions are between pairs of classes."""
        return (
            f"head is {self.head!r}, whose decisions are between pairs of the "
            f"{len(self.classes)} classes; give one that scores each class, such as with "
            "decision_function_shape='ovr'."
        )

    def _check_classes(self, fitted: Any) -> None:
        """Refuse a head whose columns are of other classes."""
        if not np.array_equal(fitted.classes_, self.classes):
            raise InvalidInputError(
                f"head is {self.head!r}, which knows the classes {fitted.classes_}; y holds "
                f"{self.classes}. Give a head that was fitted on these, or is not frozen."
            )

    @property
    def exact(self) -> bool:
        """Whether the gradient that is known of the head is one to follow."""
        return differentiable(self.head) and not any(
            isinstance(step, self.inexact) for step in _estimators(self.head)
        )

    @property
    def method(self) -> str:
        """Where scores come from: "predict_proba" or "decision_function"."""
        return scoring_method(self.head)

    def input(self, images: Array) -> Array:
        """Images (n, h, w, c) as the head takes them."""
        return head_input(self.head, images * images.dtype.type(self.unit))

    def fitted(self, X: Array, samples: Samples) -> Any:
        """A clone fitted on inputs X with the labels and weights of samples."""
        head = clone(self.head)
        unseeded = [
            name
            for name, value in head.get_params().items()
            if value is None and name.rpartition("__")[2] == "random_state"
        ]
        head.set_params(**dict.fromkeys(unseeded, self.seed))
        name = _weight_parameter(head)
        uneven = name is not None and bool((samples.weights != 1).any())
        weights = {str(name): samples.weights} if uneven else {}
        # Weights go to the last step; two BLAS threads are slower than one (see README.md).
        with config_context(enable_metadata_routing=False), pinned_blas():
            head = head.fit(X, self.classes[samples.y], **weights)
        self._check_classes(head)
        return head

    def fitted_on_the_way(self, images: Array, samples: Samples) -> Any:
        """As `fitted`, on images, without warnings that matter in the last fit only."""
        with without_fit_warnings():
            return self.fitted(self.input(images), samples)

    def scores(self, head: Any, images: Array) -> Array:
        """Scores (n, k) of images by a fitted clone.

        They are those of `forward` where that is followed. A single column of decisions for
        two classes, d, becomes two, -d/2 and d/2.
        """
        if self.exact:
            parts = slices_of(len(images), LARGEST_PART)
            scores = np.concatenate([forward(head, self.input(images[part]))[0] for part in parts])
        else:
            scores = np.asarray(getattr(head, self.method)(self.input(images)))
        if not np.isfinite(scores).all():
            raise NonFiniteError(
                f"{self.method} of the head {self.head!r} gave NaN or infinity; give another head."
            )
        if scores.ndim == 1:
            return np.stack([-scores / 2, scores / 2], axis=1)
        if scores.shape[1] != len(self.classes):
            raise InvalidInputError(self._pairs())
        return scores

    def warn_of_weights(self, weights: Array) -> None:
        """Tell, once, that a head leaves weights out."""
        if np.ptp(weights) > 0 and _weight_parameter(self.head) is None:
            warn_caller(
                f"{self.head!r} takes no sample_weight: the weights of samples and classes are "
                "used for the localization only.",
                UserWarning,
            )


def _estimators(head: Any) -> list[Any]:
    """The estimators that make up a head, those of inner pipelines as well."""
    if isinstance(head, FrozenEstimator):
        return _estimators(head.estimator)
    if not isinstance(head, Pipeline):
        return [head]
    steps = [step for _, step in head.steps if step not in (None, "passthrough")]
    return [inner for step in steps for inner in _estimators(step)]


def _weight_parameter(head: Any) -> str | None:
    """How the weights are called in a head's fit; None where it takes none."""
    if isinstance(head, Pipeline):
        step, last = head.steps[-1]
        inner = _weight_parameter(last)
        return None if inner is None else f"{step}__{inner}"
    return "sample_weight" if has_fit_parameter(head, "sample_weight") else None
