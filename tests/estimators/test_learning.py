"""The promises on training, as a user of the estimators meets them."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support.estimator_cases import COLLAPSING, DIGITS, LABELS, ODD_ONE_OUT, fast, weights_in

from stn_cv import (
    CollapseWarning,
    SpatialTransformer,
    TrainingDiverged,
    warp_affine,
)

TOLERANCE = {"float64": 1e-9, "float32": 1e-5}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("head", ["linear", "cnn"])
def test_predict_does_not_depend_on_the_batch(dtype, head):
    X = np.concatenate([DIGITS, DIGITS[:, ::-1]]).astype(dtype)
    gentle = {"localization_learning_rate_ratio": 0.1, "batch_size": 40}
    estimator = fast(head=head, localization="cnn", **gentle).fit(X, np.tile(LABELS, 2))
    order = np.random.default_rng(0).permutation(len(X))
    back = np.argsort(order)
    for method in ("predict_proba", "transform", "predict_theta"):
        predict = getattr(estimator, method)
        whole = predict(X)
        assert (whole != whole[0]).any()
        for size in (1, 7, 64, 65):
            parts = [predict(X[start : start + size]) for start in range(0, len(X), size)]
            np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=TOLERANCE[dtype])
        np.testing.assert_allclose(predict(X[order])[back], whole, rtol=0, atol=TOLERANCE[dtype])


def test_an_untrained_transformer_is_the_identity():
    estimator = fast(localization_learning_rate_ratio=0.0).fit(DIGITS, LABELS)
    np.testing.assert_array_equal(estimator.predict_theta(DIGITS), np.eye(2, 3)[None].repeat(80, 0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_wild_learning_rate_gives_finite_weights_or_an_error(solver, seed):
    estimator = fast(learning_rate_init=1e6, solver=solver, random_state=seed)
    try:
        estimator.fit(DIGITS, LABELS)
    except TrainingDiverged as error:
        assert "smaller learning_rate_init" in str(error)
        assert not hasattr(estimator, "rectifier_")
    else:
        assert np.isfinite(weights_in(estimator)).all()


def test_a_collapse_is_named():
    wild = fast(**COLLAPSING)
    with pytest.warns(CollapseWarning, match="looks away from most images.*smaller local"):
        wild.fit(DIGITS, ODD_ONE_OUT)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 16)] * 2, [1.0]), axis=-1).reshape(-1, 3)
    outside = (np.abs(grid @ wild.predict_theta(DIGITS).transpose(0, 2, 1)) > 1).any(axis=2)
    assert ((outside.mean(axis=1) > 0.5).mean()) > 0.5  # the warning says what is so
    assert np.isfinite(weights_in(wild)).all()


def test_partial_fit_names_a_collapse():
    with pytest.warns(CollapseWarning, match="looks away from most images") as said:
        fast(**COLLAPSING).partial_fit(DIGITS, ODD_ONE_OUT, np.unique(ODD_ONE_OUT))
    assert said[0].filename == __file__  # where it was called


def test_a_collapse_is_mended_by_a_gentler_second_training(capsys):
    """No warning where the second training goes well; warnings are errors here."""
    less = {**COLLAPSING, "localization_learning_rate_ratio": 60.0}
    fast(**less, verbose=True).fit(DIGITS, ODD_ONE_OUT)
    assert len(capsys.readouterr().out.splitlines()) == 6 + 6


@pytest.fixture(scope="module")
def turned_digits():
    """Real digits, turned by up to 70 degrees: (train, labels, test, labels), apart."""
    X, y = load_digits(n_class=6, return_X_y=True)
    X, y = X.reshape(-1, 8, 8).astype(np.float32) / 16, y
    angles = np.random.default_rng(0).uniform(-70, 70, len(X)) * np.pi / 180
    theta = np.zeros((len(X), 2, 3))
    theta[:, 0, 0] = theta[:, 1, 1] = np.cos(angles)
    theta[:, 0, 1], theta[:, 1, 0] = -np.sin(angles), np.sin(angles)
    X = warp_affine(X, theta * 1.2, (16, 16))
    return X[:800], y[:800], X[800:], y[800:]


def flat(X):
    return X.reshape(len(X), -1)


def test_it_learns(turned_digits):
    """The same logistic regression, alone and behind a jointly trained transformer."""
    X, y, X_test, y_test = turned_digits
    regression = LogisticRegression(C=0.1, tol=0.01)
    alone = regression.fit(flat(X), y).score(flat(X_test), y_test)
    transformer = SpatialTransformer(
        "similarity", localization="mlp", head="linear", image_shape=(16, 16), max_iter=20,
        learning_rate_init=0.01, batch_size=50, random_state=0,
    )  # fmt: skip
    behind = make_pipeline(transformer, regression).fit(flat(X), y)
    assert behind.score(flat(X_test), y_test) > alone + 0.1
