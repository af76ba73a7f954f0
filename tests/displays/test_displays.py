"""Displays: what they draw is what the transformer does."""

import numpy as np
import pytest

import stn_cv
from stn_cv.errors import InvalidInputError, InvalidTypeError, MissingLibraryError

pyplot = pytest.importorskip("matplotlib.pyplot", reason="displays need the extra plot")


@pytest.fixture(scope="module", autouse=True)
def without_windows():
    backend = pyplot.get_backend()
    pyplot.switch_backend("agg")
    yield
    pyplot.switch_backend(backend)


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X, y = rng.random((20, 8, 10)), np.array(["a", "b"])[np.arange(20) % 2]
    model = stn_cv.SpatialTransformer(head="linear", max_iter=3, random_state=0)
    return model.fit(X, y), X, y


def test_each_draws_on_new_axes_or_on_those_that_came(fitted):
    model, X, y = fitted
    for draw in (
        lambda **to: stn_cv.RectificationDisplay.from_estimator(model, X, y, **to),
        lambda **to: stn_cv.ClassMeanDisplay.from_estimator(model, X, y, **to),
        lambda **to: stn_cv.ThetaDisplay.from_estimator(model, X, y, **to),
        lambda **to: stn_cv.LossCurveDisplay.from_estimator(model, **to),
    ):
        display = draw()
        assert display.figure_ is display.ax_.figure
        display.figure_.canvas.draw()
        ax = pyplot.subplots()[1]
        assert draw(ax=ax).ax_ is ax
        assert ax.has_data()


def test_what_is_drawn_is_what_the_transformer_does(fitted):
    model, X, y = fitted
    flat = X.reshape(len(X), -1)
    images = stn_cv.RectificationDisplay.from_estimator(model.rectifier_, flat, n_images=4)
    np.testing.assert_array_equal(images.rectified[..., 0], model.transform(X))
    np.testing.assert_array_equal(images.theta, model.predict_theta(X))
    means = stn_cv.ClassMeanDisplay.from_estimator(model, X, y)
    assert means.classes.tolist() == ["a", "b"] and len(means.ax_.images) == 4
    low, high = X.min(), X.max()
    wanted = (model.transform(X)[y == "b"].mean(axis=0) - low) / (high - low)
    np.testing.assert_allclose(means.after[1, ..., 0], wanted, atol=1e-12)
    upper = max(means.ax_.images, key=lambda image: (image.get_extent()[2], -image.get_extent()[0]))
    shown = np.asarray(upper.get_array())
    np.testing.assert_allclose(shown[..., 0], means.before[0, ..., 0], atol=1e-6)
    means.figure_.canvas.draw()
    drawn = upper.get_window_extent()
    np.testing.assert_allclose(drawn.width / drawn.height, 10 / 8)
    turns = stn_cv.ThetaDisplay.from_estimator(model, X, y)
    points = np.concatenate([dots.get_offsets() for dots in turns.ax_.collections])
    assert sorted(points[:, 0].tolist()) == sorted(turns.angle.tolist())
    losses = stn_cv.LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(losses.ax_.lines[0].get_ydata(), model.loss_curve_)


def test_the_angle_is_that_of_the_content():
    from support.folder_cases import quarter_turn

    display = stn_cv.ThetaDisplay.from_estimator(quarter_turn(), np.zeros((2, 16, 16, 3), np.uint8))
    np.testing.assert_allclose(display.angle, 90)
    np.testing.assert_allclose(display.scale, 1)


def test_what_cannot_be_drawn_is_refused(fitted, monkeypatch):
    model, X, y = fitted
    with pytest.raises(InvalidTypeError, match="no fitted transformer"):
        stn_cv.ThetaDisplay.from_estimator(stn_cv.SpatialTransformer(), X)
    with pytest.raises(InvalidTypeError, match="no loss_curve_"):
        stn_cv.LossCurveDisplay.from_estimator(stn_cv.SpatialTransformer())
    with pytest.raises(InvalidInputError, match="8x10 pixels"):
        stn_cv.RectificationDisplay.from_estimator(model, X[:, :5])
    with pytest.raises(InvalidInputError, match="a label for each of 20"):
        stn_cv.ClassMeanDisplay.from_estimator(model, X, y[:3])
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingLibraryError, match=r"stn_cv\[plot\]"):
        stn_cv.LossCurveDisplay([1.0]).plot()


def test_a_notebook_shows_what_a_rectifier_does(fitted):
    html = fitted[0].rectifier_._repr_html_()
    assert "data:image/png;base64," in html and "&lt;Rectifier: " in html
