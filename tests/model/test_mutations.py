"""Model files damaged at random, and files that lie with a right hash: refused, or harmless."""

import copy
import time

import numpy as np
import pytest
from support.model_files import description_in, holders, rectifier, saved, signed
from support.mutations import NUMBERS, mutated

import stn_cv
from stn_cv.errors import ModelFileError, StnError

safetensors = pytest.importorskip("safetensors.numpy")
DAMAGED, LYING = 300, 300  # files in the usual run
MANY = 10_500  # of each in the long one
SLOWEST = 10.0  # seconds of CPU to load one
ROOM = 8  # shapes and counts may be so many times larger, or smaller
WORDS = ("", "affine", "Dense", "layers", "\ud800", "x" * 5000)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.stn"


def refused(path):
    """Whether a file is refused; what is loaded works, or says in words why it cannot."""
    start = time.process_time()
    try:
        model = stn_cv.load(path)
    except ModelFileError as error:
        assert str(error).strip()
        return True
    finally:
        assert time.process_time() - start < SLOWEST
    try:
        spec = model.image_spec
        shape = (1, spec.height, spec.width, spec.channels)[: 3 if spec.channels == 1 else 4]
        assert np.isfinite(model.theta(np.zeros(shape))).all()
        if model.classes is not None:
            assert np.isfinite(model.predict_proba(np.zeros(shape))).all()
    except StnError as error:
        assert str(error).strip()
    return False


def damaged(path, count):
    data = saved(path)
    assert not refused(path)
    for seed in range(count):
        other = mutated(data, [seed, 1])
        path.write_bytes(other)
        assert refused(path) or other == data, seed


def any_value(rng, value):
    """What stands there, changed a little; or something else."""
    if isinstance(value, int | float) and rng.random() < 0.5:
        return type(value)(value * rng.choice([-1, 0, 0.5, 2, ROOM])) + int(rng.integers(-1, 2))
    deep = []
    for _ in range(int(rng.choice([1, 50, 200]))):
        deep = [deep]
    number = NUMBERS[int(rng.integers(len(NUMBERS)))]
    others = [None, True, -1, number, -number, 0.5, 1e38, np.inf, np.nan, [], {}, deep, [1, 2]]
    others += WORDS
    return others[int(rng.integers(len(others)))]


def lie(rng, description):
    """One place left out, repeated, or given another value."""
    places = [
        (holder, key)
        for holder in holders(description)
        for key in (holder if isinstance(holder, dict) else range(len(holder)))
    ]
    holder, key = places[int(rng.integers(len(places)))]
    way = rng.random()
    if way < 0.1:
        del holder[key]
    elif way < 0.2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[key] = any_value(rng, holder[key])


def lying(path, count):
    description, vector = description_in(saved(path)), rectifier().network.vector
    loaded = 0
    for seed in range(count):
        rng = np.random.default_rng([seed, 2])
        other, weights = copy.deepcopy(description), vector.copy()
        for _ in range(int(rng.integers(1, 4))):
            lie(rng, other)
        if rng.random() < 0.2:
            weights *= np.float32(rng.choice([0, -1, 1e30, 3e37]))
        path.write_bytes(signed(other, weights))
        loaded += not refused(path)
    assert 0 < loaded < count


def test_damage_is_refused(path):
    damaged(path, DAMAGED)


def test_lies_with_a_right_hash_are_refused_or_harmless(path):
    lying(path, LYING)


@pytest.mark.long
def test_damage_is_refused_in_full_count(path):
    damaged(path, MANY)


@pytest.mark.long
def test_lies_with_a_right_hash_are_refused_or_harmless_in_full_count(path):
    lying(path, MANY)


@pytest.mark.parametrize("depth", [10, 500, *range(980, 1001), 100_000])
def test_a_description_nested_however_deep_is_refused(path, depth):
    text = "[" * depth + "]" * depth
    path.write_bytes(safetensors.save({"parameters": np.ones(3, np.float32)}, {"stn_cv": text}))
    assert refused(path)
