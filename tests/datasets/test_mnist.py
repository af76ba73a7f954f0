"""MNIST read from every kind of file it comes in, and files that are not it."""

import gzip
import struct
import zipfile
from urllib.error import URLError

import numpy as np
import pytest

from stn_cv.datasets import load_mnist
from stn_cv.datasets import mnist as module
from stn_cv.errors import InvalidInputError

RNG = np.random.default_rng(0)
PARTS = {
    "X_train": RNG.integers(0, 256, (6, 28, 28), np.uint8),
    "y_train": RNG.integers(0, 10, 6, np.uint8),
    "X_test": RNG.integers(0, 256, (4, 28, 28), np.uint8),
    "y_test": RNG.integers(0, 10, 4, np.uint8),
}
IDX_NAMES = dict(zip(("X_train", "y_train", "X_test", "y_test"), module.IDX_FILES, strict=True))


def idx(array):
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def as_npz(folder, **changes):
    np.savez_compressed(folder / "mnist.npz", **{**PARTS, **changes})
    return folder / "mnist.npz"


def as_keras_npz(folder):
    np.savez(folder / "mnist.npz", **{name.lower(): array for name, array in PARTS.items()})
    return str(folder / "mnist.npz")


def as_idx(folder):
    for name, array in PARTS.items():
        (folder / IDX_NAMES[name]).write_bytes(idx(array))
    return folder


def as_dotted_idx_gz(folder):
    for name, array in PARTS.items():
        file = folder / (IDX_NAMES[name].replace("-idx", ".idx") + ".gz")
        file.write_bytes(gzip.compress(idx(array)))
    return folder


@pytest.mark.parametrize("write", [as_npz, as_keras_npz, as_idx, as_dotted_idx_gz])
def test_every_kind_of_file_gives_the_same(tmp_path, write):
    mnist = load_mnist(write(tmp_path))
    for name, array in PARTS.items():
        read = getattr(mnist, name)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == (np.uint8 if name[0] == "X" else np.int64)
        assert read.flags.writeable


def test_openml_is_split_as_the_files_are(monkeypatch):
    X = np.repeat(np.arange(10), 784).reshape(10, 784).astype(float)
    monkeypatch.setattr(module, "N_TRAIN", 6)
    asked = {}

    def fetch(name, **options):
        asked.update(options, name=name)
        return X, np.arange(10).astype(str)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    mnist = load_mnist()
    assert asked["name"] == "mnist_784" and asked["version"] == 1
    np.testing.assert_array_equal(mnist.y_train, range(6))
    np.testing.assert_array_equal(mnist.X_test[:, 5, 5], range(6, 10))
    assert mnist.X_train.shape == (6, 28, 28) and mnist.X_train.dtype == np.uint8


def test_openml_is_read_without_pandas_and_says_what_to_do_without_a_network(monkeypatch):
    asked = []

    def fetch(name, parser, **options):
        asked.append(parser)
        raise URLError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    for found, parser in ((None, "liac-arff"), (True, "pandas")):
        monkeypatch.setattr(module, "find_spec", lambda name, found=found: found)
        with pytest.raises(InvalidInputError, match="no network.*give the path"):
            load_mnist()
        assert asked[-1] == parser


def cut(folder):
    path = as_npz(folder)
    path.write_bytes(path.read_bytes()[:-30])
    return path, "mnist.npz"


def flipped(folder):
    """Compressed data that cannot be what it was."""
    path = as_npz(folder)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    start = first.header_offset + 30 + len(first.filename) + data[first.header_offset + 28]
    data[start] = 0b111  # of a block of no known kind
    path.write_bytes(data)
    return path, "mnist.npz"


def text(folder):
    (folder / "mnist.npz").write_text("<html>not found</html>")
    return folder / "mnist.npz", "mnist.npz"


def pickled(folder):
    return as_npz(folder, X_train=np.array([{}, []], dtype=object)), "mnist.npz"


def one_array(folder):
    np.savez(folder / "other.npz", a=np.zeros(3))
    return folder / "other.npz", "other.npz"


def bare_array(folder):
    np.save(folder / "mnist.npy", np.zeros(3))
    return folder / "mnist.npy", "mnist.npy"


def other_images(folder):
    return as_npz(folder, X_test=np.zeros((4, 32, 32), np.uint8)), "(4, 32, 32)"


def floats(folder):
    return as_npz(folder, X_train=PARTS["X_train"] / 255), "float64"


def too_few_labels(folder):
    return as_npz(folder, y_train=np.zeros(5, np.uint8)), "(5,)"


def missing_file(folder):
    (as_idx(folder) / IDX_NAMES["y_test"]).unlink()
    return folder, IDX_NAMES["y_test"]


def short_idx(folder):
    file = as_idx(folder) / IDX_NAMES["X_train"]
    file.write_bytes(file.read_bytes()[:-1])
    return folder, IDX_NAMES["X_train"]


def idx_of_floats(folder):
    file = as_idx(folder) / IDX_NAMES["X_test"]
    file.write_bytes(b"\0\0\x0d" + file.read_bytes()[3:])
    return folder, IDX_NAMES["X_test"]


def idx_of_no_array(folder):
    sides = struct.pack(">3I", 2**32 - 1, 2**32 - 1, 0)
    (as_idx(folder) / IDX_NAMES["X_test"]).write_bytes(b"\0\0\x08\3" + sides)
    return folder, IDX_NAMES["X_test"]


def empty_idx(folder):
    (as_idx(folder) / IDX_NAMES["X_test"]).write_bytes(b"")
    return folder, IDX_NAMES["X_test"]


def cut_gz(folder):
    file = as_dotted_idx_gz(folder) / (IDX_NAMES["y_train"].replace("-idx", ".idx") + ".gz")
    file.write_bytes(file.read_bytes()[:-4])
    return folder, file.name


def nothing(folder):
    return folder / "mnist", "no such file or folder"


BAD = [
    cut,
    flipped,
    text,
    pickled,
    one_array,
    bare_array,
    other_images,
    floats,
    too_few_labels,
    missing_file,
    short_idx,
    idx_of_floats,
    idx_of_no_array,
    empty_idx,
    cut_gz,
    nothing,
]


@pytest.mark.parametrize("write", BAD)
def test_what_is_not_mnist_is_refused_by_name(tmp_path, write):
    path, named = write(tmp_path)
    with pytest.raises(InvalidInputError) as caught:
        load_mnist(path)
    assert str(tmp_path) in str(caught.value) and named in str(caught.value)


def test_the_real_digits(shared_data):
    mnist = load_mnist(shared_data / "mnist" / "mnist.npz")
    assert mnist.X_train.shape == (60_000, 28, 28) and mnist.X_test.shape == (10_000, 28, 28)
    assert round(mnist.X_train.mean() / 255, 4) == 0.1307
    assert np.bincount(mnist.y_train).tolist()[:3] == [5923, 6742, 5958]
