"""What the tests of the estimators share: small real images, a fast network, spies."""

import pickle

import numpy as np
from sklearn.datasets import load_digits

from stn_cv import SpatialTransformer, SpatialTransformerClassifier
from stn_cv.nn import Dense, Flatten, ReLU

ESTIMATORS = (SpatialTransformer, SpatialTransformerClassifier)
KINDS = ("grey", "colour", "flat")
DIGITS, LABELS = load_digits(n_class=4, return_X_y=True)
DIGITS, LABELS = DIGITS[:80].reshape(-1, 8, 8) / 16, LABELS[:80]
U8 = (DIGITS * 255).astype(np.uint8)
FAST = {  # all that a training depends on, so that defaults can be tuned
    "family": "affine",
    "localization": [Flatten(), Dense(4), ReLU()],
    "head": "linear",
    "solver": "adam",
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "localization_learning_rate_ratio": 1.0,
    "batch_size": 128,
    "max_iter": 3,
    "alpha": 1e-4,
    "max_norm": 5.0,
    "tol": 1e-4,
    "n_iter_no_change": 10,
    "n_steps": 1,
    "early_stopping": False,
    "start": "identity",
    "random_state": 0,
}
# A localization that learns far too fast throws its images out of sight in the first epoch.
# What is left, how frequent each label is, still beats the untrained network.
ODD_ONE_OUT = LABELS == 1
COLLAPSING = {"localization_learning_rate_ratio": 1e4, "batch_size": 10, "max_iter": 6}


def images_of(kind):
    """The digits as (n, h, w), (n, h, w, 3) or flat rows."""
    if kind == "flat":
        return DIGITS.reshape(len(DIGITS), -1)
    return DIGITS if kind == "grey" else DIGITS[..., None] * [1.0, 0.5, 0.25]


def fast(cls=SpatialTransformerClassifier, kind="grey", **parameters):
    shape = {"image_shape": (8, 8)} if kind == "flat" else {}
    return cls(**{**FAST, **shape, **parameters})


def weights_in(estimator):
    """All that training has learned, as one vector."""
    return estimator.rectifier_.network.vector


class Snapshot:
    """All attributes of an estimator: are they still the same objects, of the same content?"""

    def __init__(self, estimator):
        self.estimator = estimator
        self.attributes = dict(vars(estimator))
        self.content = self._content()

    def _content(self):
        lasting = {k: v for k, v in vars(self.estimator).items() if k != "_skl_callbacks"}
        return pickle.dumps({k: v for k, v in lasting.items() if k != "augment"})

    def check(self):
        now = vars(self.estimator)
        assert list(now) == list(self.attributes)
        assert all(now[name] is value for name, value in self.attributes.items())
        assert self._content() == self.content


class Spy:
    """An augment that changes nothing and keeps what it saw; can raise at its nth call."""

    def __init__(self, raises=None, at=None):
        self.seen, self.raises, self.at = [], raises, at

    def __call__(self, images, rng):
        self.seen.append(images.copy())
        if len(self.seen) == self.at:
            raise self.raises
        return images

    def __deepcopy__(self, memo):
        return self  # a clone reports to the same spy

    def __reduce__(self):
        return Spy, ()  # what it saw is no part of what an estimator is


class Listener:
    """A callback of scikit-learn that notes what it was told.

    After epoch `at` it raises, where it was given what, or else asks to stop.
    """

    def __init__(self, raises=None, at=None):
        self.events, self.raises, self.at, self.fitted = [], raises, at, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(context.task_name)
        self.fitted.append(fitted_estimator)
        if context.task_name == "epoch" and self.epochs == self.at:
            if self.raises is not None:
                raise self.raises
            return True
        return False

    @property
    def epochs(self):
        return self.events.count("epoch")
