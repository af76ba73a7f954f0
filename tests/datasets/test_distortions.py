"""The distortions of MNIST: what is drawn, how it is keyed, and what it looks like."""

import cv2
import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import RBFInterpolator

from stn_cv import SpatialTransformerClassifier
from stn_cv.datasets import DigitDistortion, load_mnist
from stn_cv.errors import InvalidInputError, InvalidTypeError

KINDS = {"R": 28, "RTS": 42, "P": 28, "E": 28, "TC": 60}
N = 3000


def distortion(kind, clutter=None, **options):
    if kind == "TC" and clutter is None:
        clutter = np.full((4, 28, 28), 90, np.uint8)
    return DigitDistortion(kind, clutter=clutter, **options)


def blob(x, y, deviation=1.5):
    """A bright spot, x and y in pixels from the middle."""
    steps = np.arange(28) - 13.5
    return np.exp(-((steps - x) ** 2 + (steps[:, None] - y) ** 2) / (2 * deviation**2))


def centroids(images):
    """(n, 2): x and y of the light, in pixels from the middle."""
    steps = np.arange(images.shape[1]) - (images.shape[1] - 1) / 2
    mass = images.sum(axis=(1, 2))
    return (
        np.stack([images.sum(axis=1) @ steps, images.sum(axis=2) @ steps], axis=1) / mass[:, None]
    )


def drawn(kind, digit, n=N, **options):
    return distortion(kind).draw(np.repeat(digit[None], n, axis=0), **options)


def digits_of(n, dtype=np.uint8):
    values = np.random.default_rng(1).integers(0, 256, (n, 28, 28), np.uint8)
    return values if dtype == np.uint8 else (values / 255).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_dtypes(kind):
    for dtype in (np.uint8, np.float32, np.float64):
        X = distortion(kind).draw(digits_of(5, dtype))
        assert X.shape == (5, KINDS[kind], KINDS[kind]) and X.dtype == dtype
        assert distortion(kind).draw(digits_of(0, dtype)).shape == (0, *X.shape[1:])
    whole = distortion(kind).draw(digits_of(5))
    exact = distortion(kind).draw(digits_of(5, np.float64))
    np.testing.assert_allclose(whole, exact * 255, atol=0.51)


@pytest.mark.parametrize("bend", [0.0, 0.7])
@pytest.mark.parametrize("kind", KINDS)
def test_a_digit_is_distorted_alike_in_any_subset(kind, bend):
    digits = digits_of(150)
    own = distortion(kind, clutter=digits if kind == "TC" else None, bend=bend)
    X = own.draw(digits, random_state=3, epoch=2, n_jobs=2)
    np.testing.assert_array_equal(X, own.draw(digits, random_state=3, epoch=2))
    for numbers in ([149], [7, 3, 3, 120], range(40, 90)):
        some = own.draw(digits[list(numbers)], random_state=3, epoch=2, numbers=numbers)
        np.testing.assert_array_equal(some, X[list(numbers)])
    others = [own.draw(digits, random_state=3), own.draw(digits, random_state=2, epoch=2)]
    for other in others:
        assert (other != X).any(axis=(1, 2)).all()


def test_r_turns_by_up_to_90_degrees():
    turned = centroids(drawn("R", blob(8, 0)))
    angles = np.degrees(np.arctan2(turned[:, 1], turned[:, 0]))
    np.testing.assert_allclose(np.hypot(*turned.T), 8, atol=0.1)
    assert stats.kstest(angles, "uniform", (-90, 180)).pvalue > 0.01


def test_rts_turns_scales_and_places():
    middle = drawn("RTS", blob(0, 0))
    places = centroids(middle)
    scales = np.sqrt(middle.sum(axis=(1, 2)) / blob(0, 0).sum())
    turned = centroids(drawn("RTS", blob(8, 0))) - places
    angles = np.degrees(np.arctan2(turned[:, 1], turned[:, 0]))
    np.testing.assert_allclose(np.hypot(*turned.T), 8 * scales, atol=0.15)
    assert stats.kstest(angles, "uniform", (-45, 90)).pvalue > 0.01
    assert stats.kstest(scales, "uniform", (0.7, 0.5)).pvalue > 0.01
    for axis in (0, 1):
        assert stats.kstest(places[:, axis], "uniform", (-7, 14)).pvalue > 0.01
    drawings = np.stack([angles, scales, *places.T])
    assert np.abs(np.corrcoef(drawings) - np.eye(4)).max() < 0.06


@pytest.mark.parametrize("place", [(0, 0), (7, -6)])
def test_p_moves_the_corners_as_opencv_would(place):
    rng, expected = np.random.default_rng(0), []
    corners = np.float32([(-14, -14), (14, -14), (-14, 14), (14, 14)])
    for _ in range(N):
        scale = rng.uniform(0.75, 1)
        moved = (corners + rng.normal(0, 5, (4, 2))).astype(np.float32)
        homography = cv2.getPerspectiveTransform(corners, moved)
        x, y, w = homography @ [place[0] * scale, place[1] * scale, 1]
        expected.append([x / w, y / w])
    X = drawn("P", blob(*place))
    seen = X.sum(axis=(1, 2)) > 1
    assert seen.mean() > 0.97  # corners that cross leave little to see
    found = centroids(X[seen])
    quartiles = [np.quantile(points, [0.25, 0.5, 0.75], axis=0) for points in (found, expected)]
    np.testing.assert_allclose(*quartiles, atol=0.35)


@pytest.mark.parametrize("place", [(0, 0), (7, -6)])
def test_e_bends_as_a_thin_plate_spline(place):
    steps = np.linspace(-14, 14, 4)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    spline = RBFInterpolator(points, np.eye(16), kernel="thin_plate_spline")
    rng = np.random.default_rng(0)
    scale, moves = rng.uniform(0.75, 1, (N, 1)), rng.normal(0, 1.5, (N, 16, 2))
    target = scale * place
    here = target
    for _ in range(10):  # output pixel whose source is the spot
        here = target - np.einsum("nk,nkc->nc", spline(here), moves)
    found = centroids(drawn("E", blob(*place, deviation=1.0)))
    np.testing.assert_allclose(found.mean(axis=0), here.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(found.std(axis=0), here.std(axis=0), rtol=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_bent_digits_are_distorted_as_others_are(kind):
    """A bend of (nearly) nothing draws the same distortions; a real one changes every digit."""
    digits = digits_of(50, np.float64)
    straight, nearly, bent = (
        distortion(kind, bend=bend).draw(digits, random_state=1) for bend in (0.0, 1e-9, 1.0)
    )
    np.testing.assert_allclose(nearly, straight, atol=1e-7)
    assert (np.abs(bent - straight).max(axis=(1, 2)) > 0.1).all()
    images = distortion(kind).place(digits)[..., None]
    changed = distortion(kind, bend=1.0)(images, np.random.default_rng(0))
    assert changed.shape == images.shape and (np.abs(changed - images).max(axis=(1, 2)) > 0.1).all()


@pytest.mark.parametrize("bend", [0.5, 2.0])
def test_a_bend_moves_places_by_its_deviation(bend):
    """A spot in the middle moves as the spline does there, whatever R turns it by."""
    spots = np.repeat(blob(0, 0)[None], N, axis=0)
    moved = centroids(DigitDistortion("R", bend=bend).draw(spots))
    steps = np.linspace(-14, 14, 4)
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    weights = RBFInterpolator(points, np.eye(16), kernel="thin_plate_spline")(np.zeros((1, 2)))
    expected = bend * np.sqrt((weights**2).sum())
    np.testing.assert_allclose(moved.std(axis=0), expected, rtol=0.08)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=4 * expected / np.sqrt(N))


def test_tc_places_the_digit_and_six_pieces_of_others():
    values = np.arange(1, 101, dtype=np.uint8)  # the clutter says from which digit it is
    clutter = np.broadcast_to(values[:, None, None], (100, 28, 28))
    digits = np.full((100, 28, 28), 255, np.uint8)
    X = np.concatenate(
        [distortion("TC", clutter=clutter).draw(digits, epoch=epoch) for epoch in range(30)]
    )
    white = X == 255
    assert (white.sum(axis=(1, 2)) == 28 * 28).all()
    places = centroids(white.astype(float))
    for axis in (0, 1):
        spread = places[:, axis] + np.random.default_rng(0).uniform(-0.5, 0.5, len(places))
        assert stats.kstest(spread, "uniform", (-16.5, 33)).pvalue > 0.01
        assert set(np.unique(places[:, axis])) == set(np.arange(-16.0, 17))
    pieces = np.where(white, 0, X)
    kinds = [np.setdiff1d(image, 0) for image in pieces]
    assert max(map(len, kinds)) == 6 and np.concatenate(kinds).min() == 1
    own = np.tile(values, 30)
    assert not any(mine in others for mine, others in zip(own, kinds, strict=True))
    counts = [np.bincount(image.ravel(), minlength=101)[1:] for image in pieces]
    assert max(count.max() for count in counts) <= 144  # pieces of one digit, rarely
    assert np.median([count[count > 0].max() for count in counts]) == 36


def test_tc_on_a_smaller_canvas():
    X = distortion("TC", side=40).draw(digits_of(3))
    assert X.shape == (3, 40, 40)
    assert distortion("RTS", side=28).draw(digits_of(3)).shape == (3, 28, 28)


@pytest.mark.parametrize("kind", KINDS)
def test_as_augment_it_draws_from_the_middle_of_the_canvas(kind):
    own, digits = distortion(kind), digits_of(6, np.float32)
    canvas = own.place(digits)
    margin = (KINDS[kind] - 28) // 2
    inner = slice(margin, margin + 28)
    np.testing.assert_array_equal(canvas[:, inner, inner], digits)
    assert canvas.sum() == pytest.approx(digits.sum())
    X = own(canvas[..., None], np.random.default_rng(0))
    assert X.shape == (6, *own.output_shape, 1) and X.dtype == np.float32
    again = own(canvas[..., None], np.random.default_rng(0))
    other = own(canvas[..., None], np.random.default_rng(1))
    np.testing.assert_array_equal(X, again)
    assert (X != other).any(axis=(1, 2, 3)).all()


def test_it_is_an_augment_of_an_estimator():
    own, y = distortion("TC"), np.arange(40) % 2
    digits = digits_of(40) * y[:, None, None].astype(np.uint8)  # one class is bright
    model = SpatialTransformerClassifier(head="mlp", max_iter=10, augment=own, random_state=0)
    assert model.fit(own.place(digits), y).score(own.draw(digits), y) > 0.9


DRAWN = distortion("TC").draw(digits_of(40)).astype(float)[..., None] / 255

BAD = [
    (lambda: DigitDistortion("X"), "one of R, RTS, P, E, TC"),
    (lambda: DigitDistortion("TC"), "clutter is missing"),
    (lambda: DigitDistortion("R", clutter=digits_of(2)), "clutter is given"),
    (lambda: DigitDistortion("TC", clutter=np.zeros((3, 5, 5))), "clutter have shape"),
    (lambda: DigitDistortion("TC", clutter=digits_of(0)), "clutter"),
    (lambda: DigitDistortion("R", side=40), "only RTS and TC"),
    (lambda: DigitDistortion("RTS", side=27), "at least 28"),
    (lambda: DigitDistortion("R", bend=-0.1), "bend is -0.1"),
    (lambda: DigitDistortion("R", bend=np.nan), "bend is nan"),
    (lambda: DigitDistortion("R", bend=28), "bend is 28"),
    (lambda: DigitDistortion("R", bend="1"), "bend is '1'"),
    (lambda: DigitDistortion("R", bend=True), "bend is True"),
    (lambda: DigitDistortion("R").draw(np.zeros((2, 28, 27))), "(n, 28, 28)"),
    (lambda: DigitDistortion("R").draw(np.zeros((2, 28, 28), int)), "int64"),
    (lambda: DigitDistortion("R").draw(digits_of(2), numbers=[1]), "for each of 2"),
    (lambda: DigitDistortion("R").draw(digits_of(2), numbers=[1.0, 2.0]), "float64"),
    (lambda: DigitDistortion("R").draw(digits_of(2), numbers=[1, -2]), "negative"),
    (lambda: DigitDistortion("R").draw(digits_of(2), random_state=-1), "negative"),
    (lambda: DigitDistortion("R").draw(digits_of(2), random_state=None), "random_state is None"),
    (lambda: DigitDistortion("R").draw(digits_of(2), epoch=1.5), "epoch 1.5"),
    (lambda: DigitDistortion(["R"]), "kind is ['R']"),
    (lambda: DigitDistortion("RTS", side="40"), "side is 40"),
    (lambda: DigitDistortion("TC", clutter=digits_of(2) * 1.0), "to 255"),
    (lambda: DigitDistortion("TC", clutter=digits_of(2)).draw(digits_of(2) * 1.0), "to 255"),
    (lambda: DigitDistortion("R").place(np.full((1, 28, 28), np.nan)), "nan"),
    (
        lambda: DigitDistortion("TC", clutter=digits_of(2))(np.full((1, 60, 60, 1), 255.0), None),
        "images reach from 255 to 255",
    ),
    (lambda: distortion("TC")(DRAWN, np.random.default_rng(0)), "not what was drawn already"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises((InvalidInputError, InvalidTypeError)) as caught:
        call()
    assert message in str(caught.value)


def test_real_digits_stay_readable(shared_data):
    """Most of the light of a digit is still there."""
    mnist = load_mnist(shared_data / "mnist" / "mnist.npz")
    digits = mnist.X_train[:1000].astype(float)
    for kind, least in {"R": 0.99, "RTS": 0.45, "P": 0.3, "E": 0.4, "TC": 0.99}.items():
        light = distortion(kind).draw(digits / 255).sum(axis=(1, 2)) / digits.sum(axis=(1, 2)) * 255
        assert np.quantile(light, 0.05) > least, kind
