"""Training with a scikit-learn classifier as the head: gradients, folds, what is kept."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from stn_cv import InterruptedWarning, InvalidInputError, SpatialTransformerClassifier
from stn_cv.joint.folds import folds_of
from stn_cv.joint.heads import HeadSpec
from stn_cv.joint.losses import brier, log_loss, softmax_loss
from stn_cv.joint.objective import CrossFittedHead
from stn_cv.nn import Dense, Flatten, ReLU, SpatialTransform
from stn_cv.nn.network import Network
from stn_cv.nn.samples import Samples
from stn_cv.nn.settings import Settings
from stn_cv.nn.training import Trainer, train

SIDE, CLASSES = 8, 3
SETTINGS = Settings(
    solver="sgd", learning_rate_init=1e-3, learning_rate="constant",
    localization_learning_rate_ratio=1.0, batch_size=60, max_iter=3, tol=0.0,
    n_iter_no_change=100, alpha=0.0, max_norm=1e9, seed=3, n_jobs=1,
)  # fmt: skip
NESTEROV = 1.9  # the first step of SGD with momentum 0.9, in units of the gradient
FOREST = RandomForestClassifier(20, random_state=0)


class Opaque(ClassifierMixin, BaseEstimator):
    """A classifier that says nothing of how it works."""

    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y, sample_weight=None):
        self.inner_ = clone(self.inner).fit(X, y, sample_weight)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


def samples(n=60, seed=0, classes=CLASSES, noise=0.3):
    """A bar, a block or a corner, smooth, shifted a little."""
    random = np.random.default_rng(seed)
    y, (row, column) = np.arange(n) % classes, np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    widths = np.array([[1.0, 3.0], [2.0, 1.0], [2.5, 2.5]])[y]
    at = random.uniform(-1, 1, (n, 2))
    images = np.exp(
        -(((row - at[:, :1, None]) / widths[:, :1, None]) ** 2)
        - ((column - at[:, 1:, None]) / widths[:, 1:, None]) ** 2
    )
    images += random.normal(0, noise, images.shape)
    return Samples(images[..., None], y, random.uniform(0.5, 2, n))


def trainer_for(head, data, family="similarity", n_folds=2, groups=None, n_steps=1, **changes):
    transform = SpatialTransform([Flatten(), Dense(5), ReLU()], family, (7, 6), n_steps=n_steps)
    network = Network([transform], (1, SIDE, SIDE), np.random.default_rng(1), np.float64)
    network.vector[:] += np.random.default_rng(2).normal(0, 0.05, network.vector.shape)
    spec = HeadSpec(head, np.arange(data.y.max() + 1), 0, unit=255.0)
    settings = dataclasses.replace(SETTINGS, **changes)
    folds = folds_of(data, groups, n_folds, 0)
    return Trainer(network, settings, CrossFittedHead(spec, data, folds))


def gradient_of(head, data, **parameters):
    """The gradient of one batch of all samples, and the trainer as it was before the step."""
    trainer = trainer_for(head, data, **parameters)
    trainer.evaluate()
    before = trainer.network.vector.copy()
    trainer.epoch()
    gradient = (before - trainer.network.vector) / NESTEROV / SETTINGS.learning_rate_init
    trainer.network.vector[:] = before
    return gradient, trainer


def loss_under_heads(trainer, data):
    """The mean loss as one would write it down, the heads as they are."""
    images = trainer.network.forward(data.images.transpose(3, 1, 2, 0))[0].transpose(3, 1, 2, 0)
    total = 0.0
    for fold, fitted in trainer.objective.head_of_fold.items():
        own = trainer.objective.folds == fold
        X = images[own].reshape(own.sum(), -1) * 255
        if hasattr(fitted.head, "predict_proba"):
            scores = fitted.head.predict_proba(X)
        else:
            scores = fitted.head.decision_function(X)
        scores = np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores
        total += fitted.loss(scores, data.y[own])[0] @ data.weights[own]
    return total / data.weights.sum()


HEADS = {
    "logistic": (LogisticRegression(C=1e-5), 3),
    "two classes": (LogisticRegression(C=1e-5), 2),
    "lda": (make_pipeline(PCA(4), LinearDiscriminantAnalysis()), 3),
    "ridge": (RidgeClassifier(1e4), 3),
    "ridge, two classes": (RidgeClassifier(1e4), 2),
    "svc": (SVC(decision_function_shape="ovo", gamma=1e-6), 2),
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    "family, n_steps",
    [("translation", 1), ("affine", 1), ("affine", 3), ("projective", 1), ("tps", 1)],
)
def test_the_gradient_of_the_joint_loss(name, family, n_steps):
    head, classes = HEADS[name]
    data = samples(classes=classes)
    gradient, trainer = gradient_of(head, data, family=family, n_steps=n_steps)
    vector, differences = trainer.network.vector, []
    some = np.r_[0 : len(vector) - 20 : 9, len(vector) - 20 : len(vector)]
    for i in some:
        at, losses = vector[i], []
        for step in (1e-6, -1e-6):
            vector[i] = at + step
            losses.append(loss_under_heads(trainer, data))
        vector[i] = at
        differences.append((losses[0] - losses[1]) / 2e-6)
    assert np.abs(differences).max() > 1e-4
    # bilinear sampling has kinks, of which a step may meet one
    close = np.isclose(gradient[some], differences, rtol=1e-4, atol=1e-7)
    assert close.mean() > 0.95


@pytest.mark.parametrize("family", ["translation", "similarity", "affine"])
def test_differences_along_the_parameters_agree_with_the_gradient(family):
    head = LogisticRegression(C=1e-5)
    exact, _ = gradient_of(head, samples(noise=0.02), family=family)
    wide, _ = gradient_of(Opaque(head), samples(noise=0.02), family=family)
    assert exact @ wide > 0.97 * np.linalg.norm(exact) * np.linalg.norm(wide)
    assert 0.8 < np.linalg.norm(wide) / np.linalg.norm(exact) < 1.2


@pytest.mark.parametrize("head", [FOREST, KNeighborsClassifier(3)], ids=["forest", "neighbours"])
def test_a_piecewise_constant_head_has_slopes(head):
    data = samples(240)
    trainer = trainer_for(head, data, solver="adam", learning_rate_init=0.02, max_iter=12)
    loss = trainer.evaluate().loss
    train(trainer, start_may_stay=True)
    assert trainer.evaluate().loss < 0.8 * loss


@pytest.mark.parametrize("loss", [log_loss, brier, softmax_loss(1.7)])
def test_slopes_of_the_losses(loss):
    random = np.random.default_rng(0)
    scores, y = random.dirichlet(np.ones(4), 30), random.integers(0, 4, 30)
    _, slopes = loss(scores, y)
    for column in range(4):
        step = 1e-6 * np.eye(4)[column]
        difference = (loss(scores + step, y)[0] - loss(scores - step, y)[0]) / 2e-6
        np.testing.assert_allclose(slopes[:, column], difference, rtol=1e-5, atol=1e-7)


def test_the_log_loss_of_what_was_held_impossible_is_finite():
    scores = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    losses, slopes = log_loss(scores, np.array([1, 1]))
    assert np.isfinite(losses).all() and np.isfinite(slopes).all()
    assert losses[0] > 10 > losses[1] == 0


# Cross-fitting


class Witness(ClassifierMixin, BaseEstimator):
    """Tells images by their mean, and notes which it was fitted on and which it scored."""

    notes = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.note_ = (numbers(X), set())
        self.notes.append(self.note_)
        return self

    def predict_proba(self, X):
        self.note_[1].update(numbers(X))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def numbers(X):
    return set(np.rint(X.mean(axis=1) * 1000).astype(int))


def plain_images(n=48):
    """Images of one value, their number: however they are warped, they can be told."""
    return np.arange(n)[:, None, None] / 1000 * np.ones((1, 6, 6)), np.arange(n) * 2 // n


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_folds", [2, 5])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_group_scores_itself(size, n_folds, early_stopping):
    X, y = plain_images()
    groups = np.arange(len(X)) // size
    Witness.notes.clear()
    model = SpatialTransformerClassifier(
        head=Witness(),
        n_folds=n_folds,
        localization="mlp",
        padding_mode="border",
        max_iter=4,
        batch_size=16,
        early_stopping=early_stopping,
        validation_fraction=0.25,
        random_state=0,
    )
    model.fit(X, y, groups=groups)
    *notes, (last, scored) = Witness.notes
    assert last == set(range(48)) and not scored  # the head that is kept knows them all
    assert len(notes) >= 3 * n_folds  # at the start and after each of two epochs
    for fitted, scored in notes:
        assert scored and not {groups[i] for i in fitted} & {groups[i] for i in scored}
    everyone = set().union(*(scored for _, scored in notes))
    assert everyone == set(range(48))


def test_copies_of_an_image_are_a_group():
    data = samples(40)
    repeated = data.take(np.repeat(np.arange(40), 3))
    for seed in range(5):
        folds = folds_of(repeated, None, 3, seed).reshape(40, 3)
        assert (folds == folds[:, :1]).all()
        np.testing.assert_array_equal(folds[:, 0], folds_of(data, None, 3, seed))
        order = np.random.default_rng(seed).permutation(40)
        np.testing.assert_array_equal(folds[order, 0], folds_of(data.take(order), None, 3, seed))


def test_equal_images_with_different_labels_are_told_as_too_few():
    data = samples(2, classes=2).take(np.array([0, 1, 0, 1]))
    data = dataclasses.replace(data, y=np.array([0, 1, 1, 0]))
    with pytest.raises(InvalidInputError, match="give more groups"):
        folds_of(data, None, 5, 0)


def test_samples_without_a_fold_do_not_thin_the_loss():
    """Of a class that is one group no head can score; the loss is that of the others."""
    data = samples(60)
    groups = np.where(data.y == 2, 1000, np.arange(60))
    trainer = trainer_for(LogisticRegression(C=1e-5), data, groups=groups)
    trainer.evaluate()
    scored = np.flatnonzero(trainer.objective.folds >= 0)
    assert len(scored) == 40
    wanted = trainer.evaluate().loss
    before = trainer.network.vector.copy()
    assert trainer.epoch() == pytest.approx(wanted, rel=1e-6)
    step = before - trainer.network.vector
    other = trainer_for(LogisticRegression(C=1e-5), data, groups=groups)
    other.evaluate()
    _, gradient = other.gradient(data, scored)  # of those alone
    np.testing.assert_allclose(
        step, NESTEROV * SETTINGS.learning_rate_init * gradient, rtol=1e-6, atol=1e-12
    )


def test_folds_are_stratified_and_depend_on_the_seed():
    data = samples(120)
    folds = [folds_of(data, None, 4, seed) for seed in range(3)]
    for fold in folds:
        counts = np.array([np.bincount(data.y[fold == i]) for i in range(4)])
        assert counts.shape == (4, CLASSES) and np.ptp(counts, axis=0).max() <= 1
    assert (folds[0] != folds[1]).any()


# What is kept


def test_the_best_pair_is_kept():
    """The losses go up and down; what is left has the lowest, the start's included."""
    for rate in (0.3, 1e-4):
        data = samples(90)
        trainer = trainer_for(
            LogisticRegression(C=1e-5), data, learning_rate_init=rate, solver="adam", max_iter=6
        )
        seen, evaluate = [], trainer.objective.evaluate

        def noted(network, settings, evaluate=evaluate, seen=seen):
            seen.append(evaluate(network, settings))
            return seen[-1]

        trainer.objective.evaluate = noted
        history = train(trainer, start_may_stay=True)
        assert len(seen) == 7
        best = int(np.argmin([evaluation.loss for evaluation in seen]))
        assert history.best_epoch == best
        assert evaluate(trainer.network, trainer.settings) == seen[best]


class Fatal(Opaque):
    """Its nth fit is cut short."""

    count = 0

    def __init__(self, inner, at=0, error=KeyboardInterrupt):
        super().__init__(inner)
        self.at, self.error = at, error

    def fit(self, X, y, sample_weight=None):
        type(self).count += 1
        if type(self).count == self.at:
            raise self.error
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("at, epochs", [(1, 0), (3, 1), (6, 2)])
def test_interrupted_while_the_head_is_fitted(at, epochs):
    Fatal.count, data = 0, samples()
    trainer = trainer_for(Fatal(LogisticRegression(C=1e-5), at), data, max_iter=9)
    start = trainer.network.vector.copy()
    with pytest.warns(InterruptedWarning, match="training interrupted"):
        history = train(trainer, start_may_stay=True)
    assert history.interrupted and len(history.losses) == epochs
    shorter = trainer_for(Opaque(LogisticRegression(C=1e-5)), data, max_iter=max(epochs - 1, 1))
    if epochs < 2:  # no epoch was compared with the start
        np.testing.assert_array_equal(trainer.network.vector, start)
    else:
        train(shorter, start_may_stay=True)
        np.testing.assert_array_equal(trainer.network.vector, shorter.network.vector)


@pytest.mark.parametrize("n_jobs", [2, 4])
@pytest.mark.parametrize(
    "head",
    [
        LogisticRegression(C=1e-5),
        SVC(),
        FOREST,
        make_pipeline(FunctionTransformer(csr_array), LogisticRegression(C=1e-5)),
    ],
    ids=["logistic", "svc", "forest", "sparse"],
)
def test_threads_change_no_bit(small_slices, head, n_jobs):
    data, vectors = samples(150), []
    for jobs in (1, n_jobs):
        trainer = trainer_for(head, data, batch_size=100, n_jobs=jobs, learning_rate_init=0.05)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            train(trainer)
        vectors.append(trainer.network.vector)
    np.testing.assert_array_equal(*vectors)
    assert (vectors[0] != trainer_for(head, data).network.vector).any()
