"""The distorted digits: what is promised of the data that the demo and the notebooks show."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from stn_cv.datasets import digits as digits_module
from stn_cv.datasets import load_cluttered_digits, load_distorted_digits, load_upright_digits
from stn_cv.errors import InvalidInputError, InvalidTypeError

SCANS = load_digits().data.reshape(-1, 8, 8) / 16
LABELS = load_digits().target
COPIES = 3


@pytest.fixture(scope="module")
def digits():
    return load_distorted_digits(n_copies=COPIES, random_state=0)


def by_scan(images, copies):
    return images.reshape(-1, copies, *images.shape[1:])


def test_shapes_types_and_range(digits):
    n_train, n_test = 1347 * COPIES, 450 * COPIES
    assert digits.X_train.shape == (n_train, 32, 32) and digits.X_test.shape == (n_test, 32, 32)
    assert digits.y_train.shape == digits.groups_train.shape == (n_train,)
    assert digits.y_test.shape == (n_test,)
    for images in (digits.X_train, digits.X_test):
        assert images.dtype == np.float32
        assert images.min() == 0 and 0.9 < images.max() <= 1
        assert (images.max(axis=(1, 2)) > 0.3).all()  # none is empty
    for y in (digits.y_train, digits.y_test):
        assert y.dtype.kind == "i" and np.array_equal(np.unique(y), range(10))


def test_four_copies_and_a_quarter_for_the_test_by_default():
    digits = load_distorted_digits()
    assert len(digits.y_train) == 4 * 1347 and len(digits.y_test) == 4 * 450
    shares = np.bincount(digits.y_test) / np.bincount(LABELS) / 4
    np.testing.assert_allclose(shares, 0.25, atol=0.01)  # of each class alike


def test_groups_name_the_scan_of_each_copy(digits):
    groups = by_scan(digits.groups_train, COPIES)
    assert (groups == groups[:, :1]).all()
    assert len(np.unique(groups)) == len(groups)
    assert np.array_equal(LABELS[digits.groups_train], digits.y_train)


def test_no_scan_is_in_both_parts(monkeypatch):
    """Without distortion each image tells which scan it is; all 1,797 differ."""
    straight = np.eye(2, 3) * 2
    monkeypatch.setattr(digits_module, "_distortion", lambda rng: straight)
    plain = load_distorted_digits(n_copies=2)
    parts = [{image.tobytes() for image in part} for part in (plain.X_train, plain.X_test)]
    assert [len(part) for part in parts] == [1347, 450]
    assert not parts[0] & parts[1]


def test_more_copies_leave_the_first_as_they_are(digits):
    more = load_distorted_digits(n_copies=COPIES + 2, random_state=0)
    for few, many in ((digits.X_train, more.X_train), (digits.X_test, more.X_test)):
        np.testing.assert_array_equal(
            by_scan(few, COPIES), by_scan(many, COPIES + 2)[:, :COPIES], strict=True
        )


def of_scans(part):
    """The copies of each training scan by its number."""
    scans = by_scan(part.groups_train, COPIES)[:, 0]
    return dict(zip(scans, by_scan(part.X_train, COPIES), strict=True))


def test_a_copy_does_not_depend_on_the_split(digits):
    other = load_distorted_digits(n_copies=COPIES, test_size=0.5, random_state=0)
    mine, theirs = of_scans(digits), of_scans(other)
    both = mine.keys() & theirs.keys()
    assert 100 < len(both) < len(mine)
    assert all(np.array_equal(mine[scan], theirs[scan]) for scan in both)


def test_the_same_seed_gives_the_same_digits(digits):
    again = load_distorted_digits(n_copies=COPIES, random_state=0)
    for name, values in digits._asdict().items():
        np.testing.assert_array_equal(getattr(again, name), values, err_msg=name)


def test_another_seed_gives_another_split_and_other_copies(digits):
    mine = of_scans(digits)
    theirs = of_scans(load_distorted_digits(n_copies=COPIES, random_state=1))
    assert mine.keys() != theirs.keys()
    for scan in mine.keys() & theirs.keys():
        images = np.concatenate([mine[scan], theirs[scan]])
        assert len(np.unique(images, axis=0)) == 2 * COPIES  # the copies of a seed differ too


def read(theta):
    """Angle, scale and shift in canvas pixels of the warp from digit to canvas."""
    inverse = np.linalg.inv(np.vstack([theta, [0, 0, 1]]))  # canvas of 32, digit of 16 pixels
    linear, shift = inverse[:2, :2] * 2, inverse[:2, 2] * 16
    scale = np.sqrt(np.linalg.det(linear))
    np.testing.assert_allclose(linear @ linear.T, np.eye(2) * scale**2, atol=1e-12)
    return np.degrees(np.arctan2(linear[1, 0], linear[0, 0])), scale, *shift


def test_distortions_fill_their_bounds_and_keep_within():
    drawn = [
        digits_module._distortion(np.random.default_rng([0, scan, copy]))
        for scan in range(500)
        for copy in range(4)
    ]
    values = np.array([read(theta) for theta in drawn])
    low, high = np.array([[-60, 0.7, -6, -6], [60, 1.3, 6, 6]])
    places = (values - low) / (high - low)  # uniform in [0, 1]
    assert places.min() >= 0 and places.max() <= 1
    quarters = np.array([0, 0.25, 0.5, 0.75, 1])
    for place in places.T:
        np.testing.assert_allclose(np.quantile(place, quarters), quarters, atol=0.05)
    assert np.abs(np.corrcoef(values.T) - np.eye(4)).max() < 0.1  # drawn one by one


@pytest.mark.parametrize("index", [0, 1, 100, 4000])
def test_an_image_is_its_scan_turned_scaled_and_shifted(digits, index):
    """Against scipy, from angle, scale and shift in pixels (y, x)."""
    scan, copy = digits.groups_train[index], index % COPIES
    angle, scale, x, y = read(digits_module._distortion(np.random.default_rng([0, scan, copy])))
    enlarge = ndimage.affine_transform(
        SCANS[scan], np.eye(2) / 2, -0.25, (16, 16), order=1, mode="nearest"
    )
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    back = np.array([[cos, -sin], [sin, cos]]) / scale  # canvas to digit, on (y, x)
    offset = np.full(2, 7.5) - back @ (np.full(2, 15.5) + [y, x])
    wanted = ndimage.affine_transform(
        enlarge, back, offset, (32, 32), order=1, mode="grid-constant"
    )
    np.testing.assert_allclose(digits.X_train[index], wanted, atol=1e-5)


@pytest.mark.parametrize("n_copies", [0, -1])
def test_a_number_of_copies_below_one_is_refused(n_copies):
    with pytest.raises(InvalidInputError, match="n_copies"):
        load_distorted_digits(n_copies=n_copies)


@pytest.mark.parametrize("name", ["n_copies", "random_state"])
@pytest.mark.parametrize("value", [None, 1.5, "4"])
def test_what_is_no_whole_number_is_refused(name, value):
    with pytest.raises(InvalidTypeError, match=name):
        load_distorted_digits(**{name: value})


@pytest.mark.parametrize("bad", [{"test_size": 2.0}, {"random_state": -1}])
def test_other_bad_values_are_value_errors(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        load_distorted_digits(**bad)


def test_a_digit_among_others_lies_nearest_to_the_middle():
    alone = load_distorted_digits(n_copies=1)
    among = load_cluttered_digits(n_copies=1)
    assert among.X_test.shape == alone.X_test.shape and (among.y_test == alone.y_test).all()
    assert among.X_test.dtype == np.float32 and among.X_test.max() <= 1
    assert among.X_test.sum() > 1.5 * alone.X_test.sum()  # more than one digit is seen
    ring = np.hypot(*(np.indices((32, 32)) - 15.5)) < 3
    middle, rim = (among.X_test[:, part].mean() for part in (ring, ~ring))
    assert middle > rim
    again = load_cluttered_digits(n_copies=1)
    assert (again.X_train == among.X_train).all()
    assert (load_cluttered_digits(n_copies=1, random_state=1).X_train != among.X_train).any()


def test_upright_digits_are_undistorted_ones_of_the_training_part(monkeypatch):
    monkeypatch.setattr(digits_module, "_distortion", lambda rng: np.eye(2, 3) * 2)
    plain = load_distorted_digits(n_copies=1)
    train = {image.tobytes() for image in plain.X_train}
    upright = load_upright_digits(50)
    assert len({image.tobytes() for image in upright}) == 50
    assert all(image.tobytes() in train for image in upright)
    for n, error in ((0, InvalidInputError), (9999, InvalidInputError), (1.5, InvalidTypeError)):
        with pytest.raises(error, match="n is"):
            load_upright_digits(n)
