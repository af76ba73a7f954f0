"""Models are saved to and loaded from paths, bytes and open files."""

import io

import numpy as np
import pytest
from support.folder_cases import quarter_turn

import stn_cv
from stn_cv.model import source as module

X = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def data():
    buffer = io.BytesIO()
    stn_cv.save(quarter_turn(), buffer)
    return buffer.getvalue()


class Slow(io.RawIOBase):
    """Gives few bytes at a time, as sockets do."""

    def __init__(self, data):
        self.rest = data

    def read(self, size=-1):
        part, self.rest = self.rest[: min(size, 100)], self.rest[min(size, 100) :]
        return part


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO, Slow])
def test_all_forms_give_the_same_model(data, kind):
    theta = stn_cv.load(kind(data)).theta(X)
    np.testing.assert_array_equal(theta, quarter_turn().theta(X))


def test_files_that_are_open(data, tmp_path):
    path = tmp_path / "model.stn"
    with open(path, "wb") as file:
        stn_cv.save(quarter_turn(), file)
    assert path.read_bytes() == data
    with open(path, "rb") as file:
        assert stn_cv.load(file).output_shape == (16, 16)
    with open(path, "a+b") as file:
        stn_cv.save(quarter_turn(), file)
        file.seek(len(data))
        assert stn_cv.load(file).output_shape == (16, 16)  # from where it stands to its end
        file.seek(0)
        with pytest.raises(stn_cv.ModelFileError):
            stn_cv.load(file)


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: b"", None])
def test_damage_is_refused_without_a_name(data, damage):
    bad = damage(data) if damage else data[:40] + bytes([data[40] ^ 1]) + data[41:]
    for form in (bad, io.BytesIO(bad)):
        with pytest.raises(stn_cv.ModelFileError):
            stn_cv.load(form)


def test_no_more_is_read_than_a_model_can_have(data, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_FILE", 1000)
    file = io.BytesIO(bytes(5000))
    for form in (file, bytes(5000)):
        with pytest.raises(stn_cv.ModelFileError, match="1000 at most"):
            stn_cv.load(form)
    assert file.tell() == 1001


def test_files_of_text_are_refused(data, tmp_path):
    with open(tmp_path / "a.txt", "w+") as file:
        with pytest.raises(stn_cv.InvalidTypeError, match="'wb'"):
            stn_cv.save(quarter_turn(), file)
        with pytest.raises(stn_cv.InvalidTypeError, match="'rb'"):
            stn_cv.load(file)
