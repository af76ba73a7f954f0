"""What the parameters of training do."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight
from support.estimator_cases import (
    DIGITS,
    ESTIMATORS,
    KINDS,
    LABELS,
    Spy,
    fast,
    images_of,
    weights_in,
)

from stn_cv import InvalidInputError, SpatialTransformer
from stn_cv.families import FAMILIES
from stn_cv.families.affine import AffineFamily

classes = pytest.mark.parametrize("cls", ESTIMATORS)
LAST = 7, 7  # a corner of the images where a mark can stand


def marked():
    """The digits with their number, below 1, in a corner, where a spy can read it."""
    X = DIGITS.copy()
    X[:, *LAST] = np.arange(80) / 1000
    return X


def trained_on(spy):
    """Numbers of the digits that a spy saw: training images are augmented, others not."""
    corners = np.concatenate([images[:, *LAST, 0] for images in spy.seen])
    return np.unique(np.round(corners * 1000).astype(int))


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.75])
@pytest.mark.parametrize("size", [2, 4])
def test_early_stopping_never_splits_a_group(fraction, size):
    groups = np.arange(80) // size
    spy = Spy()
    estimator = fast(early_stopping=True, validation_fraction=fraction, augment=spy)
    estimator.fit(marked(), LABELS, groups=groups)
    trained = trained_on(spy)
    assert len(trained) == size * len(set(groups[trained]))  # each group whole
    assert abs((80 - len(trained)) / 80 - fraction) < 0.15


def test_early_stopping_scores_are_those_of_the_samples_left_out():
    spy = Spy()
    estimator = fast(early_stopping=True, validation_fraction=0.25, augment=spy, max_iter=6)
    X = marked()
    estimator.fit(X, LABELS)
    out = np.setdiff1d(np.arange(80), trained_on(spy))
    assert len(out) == 20
    assert np.bincount(LABELS[out]).min() >= 4  # stratified
    assert len(estimator.validation_scores_) == estimator.n_iter_ == len(estimator.loss_curve_)
    assert estimator.score(X[out], LABELS[out]) == max(estimator.validation_scores_)


def test_a_class_is_never_left_to_validation_alone():
    """One class is one group: it stays among the training samples, whatever the seed."""
    groups = np.where(LABELS == 2, 100, np.arange(80))
    for seed in range(6):
        spy = Spy()
        fast(early_stopping=True, validation_fraction=0.3, augment=spy, random_state=seed).fit(
            marked(), LABELS, groups=groups
        )
        assert 100 in groups[trained_on(spy)]


@classes
def test_without_early_stopping_there_are_no_validation_scores(cls):
    estimator = fast(cls).fit(DIGITS, LABELS, groups=np.zeros(80))
    assert estimator.validation_scores_ is None
    np.testing.assert_array_equal(weights_in(estimator), weights_in(fast(cls).fit(DIGITS, LABELS)))


def test_early_stopping_stops():
    patient = {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 2}
    estimator = fast(**patient, tol=2.0).fit(DIGITS, LABELS)
    assert estimator.n_iter_ == 3
    assert len(estimator.validation_scores_) == 3


def test_the_best_epoch_is_kept():
    """With a large learning rate the loss goes up and down; the lowest is what remains."""
    wild = {"learning_rate_init": 0.1, "batch_size": 20, "alpha": 0.0}
    fits = [fast(**wild, max_iter=i).fit(DIGITS, LABELS) for i in range(3, 9)]
    losses = [-np.log(fit.predict_proba(DIGITS)[np.arange(80), LABELS]).mean() for fit in fits]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) < len(losses)  # some epoch was no better than one before


@classes
@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_two_is_a_sample_twice(cls, kind):
    X, weights = images_of(kind), np.tile([2, 1, 0, 1], 20)
    weighted = fast(cls, kind, batch_size=200).fit(X, LABELS, sample_weight=weights)
    repeated = fast(cls, kind, batch_size=200)
    repeated.fit(X.repeat(weights, axis=0), LABELS.repeat(weights))
    plain = fast(cls, kind, batch_size=200).fit(X, LABELS)
    theta = weighted.predict_theta(X)
    np.testing.assert_allclose(theta, repeated.predict_theta(X), atol=1e-9)
    assert np.abs(theta - plain.predict_theta(X)).max() > 1e-4


@pytest.mark.parametrize("scale", [1e-50, 1e39])
def test_the_scale_of_weights_means_nothing(scale):
    X = DIGITS.astype("f4")
    a, b = (fast().fit(X, LABELS, np.full(80, weight)) for weight in (1.0, scale))
    np.testing.assert_allclose(weights_in(a), weights_in(b), rtol=1e-4, atol=1e-5)


def test_a_batch_of_small_weights_alone():
    weights = np.where(np.arange(80) == 7, 1e-60, 1.0)
    assert np.isfinite(
        weights_in(fast(batch_size=1).fit(DIGITS.astype("f4"), LABELS, weights))
    ).all()


def test_weights_that_add_up_to_infinity_are_refused():
    with pytest.raises(InvalidInputError, match="add up to infinity"):
        fast().fit(DIGITS, LABELS, np.full(80, 1e307))


@classes
def test_class_weight_is_a_sample_weight(cls):
    few = (LABELS > 0) | (np.arange(80) % 3 == 0)
    X, y = DIGITS[few], LABELS[few]
    some = np.linspace(0.5, 2, len(y))
    for given in ("balanced", {0: 4.0, 3: 0.0}):
        a = fast(cls, class_weight=given).fit(X, y, some if given != "balanced" else None)
        weights = compute_sample_weight(given, y) * (some if given != "balanced" else 1)
        b = fast(cls).fit(X, y, weights)
        np.testing.assert_allclose(weights_in(a), weights_in(b), rtol=1e-9, atol=1e-12)
        assert (weights_in(a) != weights_in(fast(cls).fit(X, y))).any()


def test_balanced_counts_weights_rather_than_samples():
    weights = np.where((LABELS == 0) & (np.arange(80) % 2 == 0), 0.0, 1.0)
    used = weights > 0
    a = fast(class_weight="balanced").fit(DIGITS, LABELS, weights)
    b = fast(class_weight="balanced").fit(DIGITS[used], LABELS[used])
    np.testing.assert_allclose(weights_in(a), weights_in(b), rtol=1e-9, atol=1e-12)


class Noise:
    """Notes the random numbers it was given."""

    def __init__(self):
        self.drawn = []

    def __call__(self, images, rng):
        noise = rng.random(images.shape)
        self.drawn.append(noise)
        return images + 0.2 * noise

    def __deepcopy__(self, memo):
        return self


def test_an_augment_that_gives_no_numbers_is_named():
    with pytest.raises(InvalidInputError, match="augment returned NaN or infinity"):
        fast(augment=lambda images, rng: images * np.nan).fit(DIGITS, LABELS)


def test_augmentation_is_keyed():
    one, two, again = Noise(), Noise(), Noise()
    a = fast(augment=one, batch_size=80).fit(DIGITS, LABELS)
    b = fast(augment=two, batch_size=80, n_jobs=2).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(a), weights_in(b))
    assert (weights_in(a) != weights_in(fast(batch_size=80).fit(DIGITS, LABELS))).any()
    numbers = {noise.tobytes() for noise in one.drawn}
    assert len(numbers) == 2 * (3 + 1)  # two parts, anew in each epoch; one to compare epochs by
    assert numbers == {noise.tobytes() for noise in two.drawn}
    fast(augment=again, batch_size=7, learning_rate_init=0.002).fit(DIGITS, LABELS)
    assert numbers == {noise.tobytes() for noise in again.drawn}  # whatever the batches


def test_augmentation_sees_copies_of_unit_range_and_keeps_their_shape():
    spy, X = Spy(), (DIGITS * 255).astype(np.uint8)
    before = X.copy()
    fast(augment=lambda images, rng: spy(images, rng).__imul__(0.5)).fit(X, LABELS)
    np.testing.assert_array_equal(X, before)
    for images in spy.seen[::2]:  # what was halved once was a copy
        np.testing.assert_allclose(images[..., 0], X[: len(images)] / 255, atol=1e-7)
    with pytest.raises(InvalidInputError, match="must keep the shape"):
        fast(augment=lambda images, rng: images[:, 1:]).fit(X, LABELS)


@classes
@pytest.mark.parametrize("head", ["linear", "coarse", "mlp", "cnn"])
def test_threads_change_no_bit(small_slices, cls, head):
    one = fast(cls, head=head, batch_size=40, n_jobs=1).fit(DIGITS, LABELS)
    two = fast(cls, head=head, batch_size=40, n_jobs=2).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(weights_in(one), weights_in(two))
    np.testing.assert_array_equal(one.transform(DIGITS), two.transform(DIGITS))


@classes
def test_random_state(cls):
    def fitted(random_state):
        return weights_in(fast(cls, random_state=random_state).fit(DIGITS, LABELS))

    np.testing.assert_array_equal(fitted(3), fitted(3))
    np.testing.assert_array_equal(fitted(np.random.RandomState(3)), fitted(3))
    assert (fitted(3) != fitted(4)).any()
    shared = np.random.RandomState(3)
    assert (fitted(shared) != fitted(shared)).any()  # an instance moves on
    assert (fitted(None) != fitted(None)).any()
    legacy = np.random.get_state()[1].copy()
    fitted(3)
    np.testing.assert_array_equal(np.random.get_state()[1], legacy)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose(capsys, early_stopping):
    quiet = fast(early_stopping=early_stopping).fit(DIGITS, LABELS)
    assert capsys.readouterr().out == ""
    fast(early_stopping=early_stopping, verbose=True).fit(DIGITS, LABELS)
    lines = capsys.readouterr().out.splitlines()
    wanted = [f"Epoch {i}, loss = {loss:.6f}" for i, loss in enumerate(quiet.loss_curve_, 1)]
    if early_stopping:
        scores = quiet.validation_scores_
        wanted = [f"{w}, validation score = {s:.4f}" for w, s in zip(wanted, scores, strict=True)]
    assert lines == wanted


@classes
def test_loss_curve_and_number_of_epochs(cls):
    estimator = fast(cls, max_iter=7).fit(DIGITS, LABELS)
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 7
    assert estimator.loss_curve_[-1] < 0.9 * estimator.loss_curve_[0]
    assert all(isinstance(loss, float) for loss in estimator.loss_curve_)


@pytest.mark.parametrize("patience", [1, 4])
def test_tol_stops(patience):
    stopped = fast(max_iter=20, tol=1e9, n_iter_no_change=patience).fit(DIGITS, LABELS)
    assert stopped.n_iter_ == patience + 1


def test_schedules():
    plan = {"max_iter": 6, "batch_size": 20}
    curves = {
        name: fast(learning_rate=name, **plan, tol=0.0).fit(DIGITS, LABELS).loss_curve_
        for name in ("constant", "step", "one_cycle")
    }
    assert curves["step"][:2] == curves["constant"][:2]  # a tenth from the second third on
    assert curves["step"][3:] != curves["constant"][3:]
    assert curves["one_cycle"][0] > curves["constant"][0]  # starts slowly
    drops = -np.diff(curves["step"])
    assert drops[-1] < drops[0] / 10
    whole = fast(learning_rate="one_cycle", tol=1e9, n_iter_no_change=1, **plan)
    assert whole.fit(DIGITS, LABELS).n_iter_ == 6  # runs its course


@pytest.mark.parametrize(
    "parameter, values",
    [
        ("solver", ["adam", "sgd"]),
        ("alpha", [0.0, 1.0]),
        ("max_norm", [0.01, 5.0]),
        ("localization_learning_rate_ratio", [0.1, 1.0]),
        ("batch_size", [10, 20, "auto"]),
        ("learning_rate_init", [0.01, 0.03]),
        ("padding_mode", ["zeros", "border"]),
        ("padding_mode", ["zeros", "reflection"]),
        ("fill_value", [0.0, 1.0]),
        ("antialias", [False, True]),
        ("n_steps", [1, 2, 3]),
        ("family", ["translation", "attention", "similarity", "affine", "projective", "tps"]),
        ("localization", ["mlp", "cnn"]),
        ("head", ["linear", "mlp", "cnn"]),
    ],
)
def test_each_parameter_has_an_effect(parameter, values):
    quick = {"learning_rate_init": 0.005, "batch_size": 20}
    if parameter == "antialias":
        quick["output_shape"] = (3, 3)  # so that something shrinks
    X = np.roll(DIGITS, 4, axis=(1, 2))  # something to see at the edges
    probabilities = [
        fast(**{**quick, parameter: value}).fit(X, LABELS).predict_proba(X) for value in values
    ]
    for i, one in enumerate(probabilities):
        for other in probabilities[:i]:
            assert np.abs(one - other).max() > 1e-6


def test_a_ratio_of_zero_leaves_the_identity():
    frozen = fast(SpatialTransformer, localization_learning_rate_ratio=0).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(frozen.transform(DIGITS), DIGITS)


def test_a_family_of_ones_own(monkeypatch):
    """One that is put into `FAMILIES`, whenever, is a name like the others."""
    own = AffineFamily("own", 2, FAMILIES["translation"].motion)
    monkeypatch.setitem(FAMILIES, "own", own)
    model = fast(family="own").fit(DIGITS, LABELS)
    wanted = fast(family="translation").fit(DIGITS, LABELS)
    np.testing.assert_array_equal(model.predict_theta(DIGITS), wanted.predict_theta(DIGITS))
