"""Model files: what is saved comes back, and whatever is not just that is refused."""

import json
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.model_files import (
    HEAD,
    LOCALIZATION,
    SPEC,
    description_in,
    holders,
    images,
    rectifier,
    saved,
    signed,
)
from support.paths import ROOT

import stn_cv
from stn_cv import ImageSpec, ModelFileError, Rectifier
from stn_cv.errors import InvalidInputError, NonFiniteError
from stn_cv.families import FAMILIES
from stn_cv.nn import (
    AveragePool,
    Conv2D,
    Dense,
    Flatten,
    LeakyReLU,
    Parallel,
    ReLU,
    SpatialTransform,
    Standardize,
)
from stn_cv.nn.network import Network

safetensors = pytest.importorskip("safetensors.numpy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.stn"


# What is saved comes back


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loaded_model_does_the_same(path, family, dtype):
    model = rectifier(family=family, dtype=dtype)
    first = saved(path, model)
    loaded = stn_cv.load(path)
    for name in ("theta", "rectify", "predict_proba"):
        wanted, given = getattr(model, name)(images()), getattr(loaded, name)(images())
        assert wanted.dtype == given.dtype
        np.testing.assert_array_equal(given, wanted)
    assert loaded.network.layers == model.network.layers
    assert (loaded.image_spec, loaded.output_shape) == (SPEC, (3, 4))
    assert saved(path, loaded) == first
    assert saved(path, model) == first  # nothing of the time or the place is in it


CLASSES = [
    np.array([-3, 7]),
    np.array([2**64 - 1, 0], np.uint64),
    np.array([1, 2], np.int8),
    np.array([0.1, -np.pi]),
    np.array([0.1, 2], np.float32),
    np.array([False, True]),
    np.array(["", 'quote " and \\ and é and \U0001f600']),
    np.array(["a", "b"], "<U12"),
    np.array(["x", "yz"], object),
    np.array([1, 2], ">i4"),
]


@pytest.mark.parametrize("classes", CLASSES, ids=lambda classes: classes.dtype.str)
def test_classes_keep_their_values_and_dtype(path, classes):
    first = saved(path, rectifier(classes))
    loaded = stn_cv.load(path)
    assert loaded.classes.dtype == classes.dtype.newbyteorder("=")
    assert loaded.classes.tolist() == classes.tolist()
    assert [type(v) for v in loaded.classes.tolist()] == [type(v) for v in classes.tolist()]
    assert saved(path, loaded) == first


def test_a_leaky_relu_comes_back_with_its_slope(path):
    saved(path, rectifier(head=[LeakyReLU(0.25), *HEAD]))
    assert stn_cv.load(path).network.layers[1] == LeakyReLU(0.25)


def test_a_model_without_a_head_rectifies(path):
    model = rectifier(None, head=[])
    first = saved(path, model)
    loaded = stn_cv.load(path)
    assert loaded.classes is None and saved(path, loaded) == first
    np.testing.assert_array_equal(loaded.rectify(images()), model.rectify(images()))
    with pytest.raises(stn_cv.InvalidInputError, match="holds no head"):
        loaded.predict_proba(images())


def test_transforms_inside_of_transforms_come_back(path):
    inner = SpatialTransform([Flatten(), Dense(3)], "translation")
    layers = [
        SpatialTransform([inner, Flatten()], "affine"),
        Parallel([[Conv2D(2, 3, 1)], [inner]]),
        inner,
        inner,
        Flatten(),
        Dense(2),
    ]
    network = Network(layers, (1, 6, 8), np.random.default_rng(0), np.float64)
    network.vector += np.random.default_rng(1).normal(0, 0.1, network.vector.size)
    model = Rectifier(network, SPEC, [0, 1])
    saved(path, model)
    given = stn_cv.load(path).predict_proba(images())
    np.testing.assert_array_equal(given, model.predict_proba(images()))


def test_numbers_of_numpy_are_written_as_numbers(path):
    layers = [
        SpatialTransform([Flatten()], "affine", np.array([3, 4]), fill_value=np.float32(0.5)),
        Standardize(np.array([0.5]), [np.float32(0.25)]),
    ]
    network = Network(layers, (1, 6, 8), np.random.default_rng(0))
    saved(path, Rectifier(network, ImageSpec(np.int64(6), np.int32(8), 1, "float")))
    assert stn_cv.load(path).network.layers[1] == Standardize([0.5], [0.25])


def test_whatever_holds_a_rectifier_can_be_saved(path):
    class Estimator:
        rectifier_ = rectifier()

    assert saved(path, Estimator()) == saved(path, Estimator.rectifier_)


def test_the_file_is_what_safetensors_writes_and_reads(path):
    """The library's own bytes, of today's version; and the layout that files keep for good."""
    model = rectifier()
    data = saved(path, model)
    description = description_in(data)
    assert signed(description, model.network.vector) == data
    np.testing.assert_array_equal(safetensors.load(data)["parameters"], model.network.vector)
    assert description["format"] == [1, 3]
    assert description["library"] == f"stn_cv {stn_cv.__version__}"
    assert description["image_spec"] == {"height": 6, "width": 8, "channels": 1, "range": "float"}
    assert description["classes"] == {"dtype": "U2", "values": ["a", "bc"]}
    names = [layer["layer"] for layer in description["layers"]]
    assert names == ["SpatialTransform", *(type(layer).__name__ for layer in HEAD), "Dense"]
    assert description["layers"][0]["family"] == "similarity"
    assert len(description["layers"][0]["localization"]) == len(LOCALIZATION)


ADDED_SINCE_1_0 = ("antialias", "n_steps")


def as_format_1_0(value):
    """A description as the first version wrote it."""
    if isinstance(value, dict):
        new = ADDED_SINCE_1_0 if value.get("layer") == "SpatialTransform" else ()
        return {k: as_format_1_0(v) for k, v in value.items() if k not in new}
    return [as_format_1_0(item) for item in value] if isinstance(value, list) else value


def test_files_of_the_first_format_are_read(path):
    inner = SpatialTransform([Flatten()], "translation")
    network = Network([SpatialTransform([inner, Flatten()])], (1, 6, 8), np.random.default_rng(0))
    for model in (rectifier(), Rectifier(network, SPEC)):
        description = {**as_format_1_0(description_in(saved(path, model))), "format": [1, 0]}
        path.write_bytes(signed(description, model.network.vector))
        loaded = stn_cv.load(path)
        assert loaded.network.layers == model.network.layers
        np.testing.assert_array_equal(loaded.rectify(images()), model.rectify(images()))
        path.write_bytes(signed({**description, "format": [1, 1]}, model.network.vector))
        with pytest.raises(ModelFileError, match=r"lacks \['antialias', 'n_steps'\]"):
            stn_cv.load(path)


def test_what_a_transform_may_do_comes_back(path):
    layers = [SpatialTransform(LOCALIZATION, "affine", (2, 2), antialias=True, n_steps=2)]
    network = Network(layers, (1, 6, 8), np.random.default_rng(0))
    model = Rectifier(network, SPEC)
    saved(path, model)
    assert stn_cv.load(path).network.layers == network.layers
    np.testing.assert_array_equal(stn_cv.load(path).rectify(images()), model.rectify(images()))


# What is damaged is refused


PADDING = b"}}" + b" " * 7  # its bits are among those that are flipped


def test_every_flip_of_every_bit_is_refused(path):
    labels = (("a", "b" * length) for length in range(1, 9))
    data = next(data for data in (saved(path, rectifier(two)) for two in labels) if PADDING in data)
    accepted = []
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            stn_cv.load(path)
            accepted.append(bit)
        except ModelFileError:
            pass
    assert not accepted and len(data) > 1000


def test_every_cut_and_every_addition_is_refused(path):
    data = saved(path)
    damaged = [data[:length] for length in range(len(data))]
    damaged += [data + b"\0", data + b" ", data + data, b"\0" + data, b"", b"PK\3\4" + data]
    for other in damaged:
        path.write_bytes(other)
        with pytest.raises(ModelFileError, match="Save|save|being written"):
            stn_cv.load(path)


edits = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.binary(max_size=4)), min_size=1
)


@given(edits)
def test_random_edits_are_refused(tmp_path_factory, edits):
    path = tmp_path_factory.mktemp("fuzz") / "model.stn"
    data = saved(path)
    other = data
    for place, removed, added in edits:
        place %= len(data)
        other = other[:place] + added + other[place + removed :]
    path.write_bytes(other)
    if other == data:
        stn_cv.load(path)
    else:
        with pytest.raises(ModelFileError):
            stn_cv.load(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    ),
    st.data(),
)
def test_any_value_anywhere_in_a_signed_description_is_refused_or_right(
    tmp_path_factory, value, data
):
    """Whoever can compute the hash gets no further: a ModelFileError, no other error."""
    path = tmp_path_factory.mktemp("fuzz") / "model.stn"
    description = description_in(saved(path))
    places = [
        (holder, key)
        for holder in holders(description)
        for key in (holder if isinstance(holder, dict) else range(len(holder)))
    ]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = value
    path.write_bytes(signed(description, rectifier().network.vector))
    try:
        with np.errstate(all="ignore"):
            stn_cv.load(path).predict_proba(images())
    except (ModelFileError, stn_cv.InvalidInputError):
        pass


def edit(place, value):
    """An edit of a description: the value at a place such as 'layers 0 family'."""

    def apply(description):
        *way, last = [int(key) if key.isdecimal() else key for key in place.split()]
        holder = description
        for key in way:
            holder = holder[key]
        holder[last] = value

    return apply


REFUSED = [
    (edit("format", [2, 0]), r"format 2.0; this version reads 1.x. Install a newer"),
    (edit("format", [0, 9]), r"format 0.9"),
    (edit("format", "1.0"), "wanted two numbers"),
    (edit("layers 0 layer", "Sequential"), r"layers\[0\] is a 'Sequential'; this version knows"),
    (edit("layers 0 localization 0 layer", "os.system"), r"localization\[0\] is a 'os.system'"),
    (edit("layers 0 layer", ["Dense"]), "this version knows"),
    (edit("layers 0 family", "warp"), "family is 'warp'; wanted one of translation"),
    (edit("layers 0 padding_mode", "wrap"), "padding_mode is 'wrap'; wanted one of zeros"),
    (edit("layers 0 sharpen", 2), r"unknown entries \['sharpen'\]"),
    (edit("layers 0 n_steps", 2**20), "n_steps is 1048576; wanted 16 at most"),
    (edit("layers 0 n_steps", True), "n_steps is 'True'; wanted <class 'int'>"),
    (edit("layers 0 antialias", 1), "antialias is '1'; wanted <class 'bool'>"),
    (edit("layers 0 fill_value", 1e301), "fill_value"),
    (edit("layers 0 fill_value", True), "fill_value is 'True'"),
    (edit("layers 0 output_shape", [0, 4]), "output_shape"),
    (edit("layers 0 output_shape", [2**20, 2**20]), "output_shape"),
    (edit("layers 0 localization", {}), "wanted a list of layers"),
    (edit("layers 2", {"layer": "Parallel", "branches": 3}), "branches is '3'; wanted a list of"),
    (edit("layers 2", {"layer": "Parallel", "branches": [3]}), r"branches\[0\] is '3'; wanted"),
    (edit("layers 2", {"layer": "Parallel", "branches": [[3]]}), r"branches\[0\]\[0\] is a"),
    (edit("layers 2", {"layer": "Parallel", "branches": []}), "list of lists of layers"),
    (edit("layers 1 mean", [0.5, 0.5]), "1 finite figures"),
    (edit("layers 1 scale", [0]), "scales above 0"),
    (edit("layers 2 filters", 3), "54 weights came; its layers want"),
    (edit("layers 2 filters", 10**8), "54 weights came; its layers want"),
    (edit("layers 2 filters", 10**100), "filters"),
    (edit("layers 2 kernel_size", 2**27), "Conv2D"),
    (edit("layers 2 padding", -1), "padding"),
    (edit("layers 2 padding", 1.0), "padding is '1.0'"),
    (edit("layers 3 size", 99), "leaves nothing"),
    (edit("layers 5 rate", 1), "wanted 0 to below 1"),
    (edit("layers 6 initialization", "uniform"), "initialization"),
    (edit("layers", []), "no transform"),
    (edit("layers", None), "wanted a list"),
    (edit("image_spec height", 0), "wanted sizes from 1"),
    (edit("image_spec width", 2**30), "wanted sizes from 1"),
    (edit("image_spec range", "int8"), "a range of uint8"),
    (edit("image_spec", [6, 8, 1]), "wanted an object"),
    (edit("classes values", ["a", "bcd"]), "no U2"),
    (edit("classes values", ["a"]), "1 classes, but its network gives"),
    (edit("classes", {"dtype": "i8", "values": [3, 3]}), "some of them twice"),
    (edit("classes values", ["a", 1]), "no U2"),
    (edit("classes values", ["a", ["b"]]), "no such labels"),
    (edit("classes", {"dtype": "i1", "values": [1, 300]}), "no i1"),
    (edit("classes", {"dtype": "i8", "values": [1, 2.5]}), "no i8"),
    (edit("classes", {"dtype": "b1", "values": [0, 1]}), "no b1"),
    (edit("classes dtype", "U99999999"), "more than can be"),
    (edit("classes dtype", "V8"), "no such labels"),
    (edit("classes dtype", "i8,i8"), "no such labels"),
    (edit("extra", 1), r"unknown entries \['extra'\]"),
]


@pytest.mark.parametrize(("apply", "reason"), REFUSED)
def test_a_description_that_cannot_be_is_refused_with_the_reason(path, apply, reason):
    """Signed anew, so that no hash helps: each check must stand by itself."""
    description = description_in(saved(path))
    apply(description)
    path.write_bytes(signed(description, rectifier().network.vector))
    with pytest.raises(ModelFileError, match=reason) as raised:
        stn_cv.load(path)
    assert "model.stn" in str(raised.value)


@pytest.mark.parametrize("place", ["layers 2 filters", "layers 0 localization 2 units"])
def test_nothing_is_allocated_for_weights_that_are_not_there(path, place):
    description = description_in(saved(path))
    edit(place, 2**27)(description)
    path.write_bytes(signed(description, rectifier().network.vector))
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="54 weights came; its layers want [0-9]+ of them"):
        stn_cv.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_what_costs_gigabytes_is_refused_at_no_cost(path):
    """A description of a few bytes that pools to little at last, with the weights it wants."""
    model = rectifier(head=[AveragePool(2), Flatten()], classes=None)
    description = description_in(saved(path, model))
    edit("layers 0 output_shape", [2**14, 2**13])(description)
    path.write_bytes(signed(description, model.network.vector))
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="for one image its layers make"):
        stn_cv.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def nested(depth):
    """Transforms in the localizations of transforms, 16 looks each."""
    chain = [AveragePool(2), Flatten()]
    for _ in range(depth):
        chain = [SpatialTransform(chain, "attention", n_steps=16), AveragePool(2), Flatten()]
    network = Network([SpatialTransform(chain, "attention", n_steps=16)], (1, 64, 64))
    network.bind(np.zeros(network.n_parameters, np.float32))
    return Rectifier(network, ImageSpec(64, 64, 1, "float"))


def test_steps_within_steps_are_bounded(path):
    saved(path, nested(1))
    stn_cv.load(path)
    with pytest.raises(InvalidInputError, match="for one image its layers make"):
        stn_cv.save(nested(5), path)


def test_results_that_are_not_finite_are_an_error(path):
    model = rectifier()
    model.network.vector[:] = 3e38
    saved(path, model)
    loaded = stn_cv.load(path)
    for method in (loaded.theta, loaded.predict_proba, loaded.find, loaded.rectify):
        with pytest.raises(NonFiniteError, match="weights are too large"):
            method(images())


def test_a_newer_minor_format_is_read(path):
    description = description_in(saved(path))
    description["format"] = [1, 7]
    path.write_bytes(signed(description, rectifier().network.vector))
    stn_cv.load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(path, value):
    model = rectifier()
    data = saved(path, model)
    model.network.vector[7] = value
    with pytest.raises(stn_cv.InvalidInputError, match="1 weights are NaN or infinite"):
        stn_cv.save(model, path)
    assert path.read_bytes() == data
    path.write_bytes(signed(description_in(data), model.network.vector))
    with pytest.raises(ModelFileError, match="1 weights are NaN or infinite"):
        stn_cv.load(path)


@pytest.mark.parametrize(
    "tensors",
    [
        lambda v: {"parameters": v.reshape(2, -1)},
        lambda v: {"parameters": v.astype(np.float16)},
        lambda v: {"parameters": v.view(np.int32)},
        lambda v: {"weights": v},
        lambda v: {"parameters": v, "more": v},
        lambda v: {},
    ],
)
def test_other_tensors_are_refused(path, tensors):
    model = rectifier()
    text = json.dumps(description_in(saved(path, model)))
    path.write_bytes(safetensors.save(tensors(model.network.vector), {"stn_cv": text}))
    with pytest.raises(ModelFileError, match="its tensors are"):
        stn_cv.load(path)


def test_wrong_counts_of_weights_are_refused_also_when_signed(path):
    model = rectifier()
    description = description_in(saved(path, model))
    for vector in (model.network.vector[:-1], np.append(model.network.vector, np.float32(0))):
        path.write_bytes(signed(description, vector))
        with pytest.raises(ModelFileError, match=f"{len(vector)} weights came; its layers want"):
            stn_cv.load(path)


def with_header(data, change):
    """The file with another header, its length kept true."""
    length = int.from_bytes(data[:8], "little")
    header = change(data[8 : 8 + length])
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h + b" " * 8,
        lambda h: h.rstrip() + b"\n" * (len(h) - len(h.rstrip())),
        lambda h: b" " * 8 + h,
        lambda h: h.replace(b'"dtype"', b'"dtype":"F64","dtype"'),
        lambda h: h.replace(b'{\\"classes', b'{\\"classes\\":null,\\"classes'),
        lambda h: h.replace(b'{"stn_cv"', b'{"author":"x","stn_cv"'),
        lambda h: h.replace(b'\\"rate\\":0.25', b'\\"rate\\":0.250'),
        lambda h: h.replace(b'\\"a\\"', b'\\"\\\\u0061\\"'),
        lambda h: h.replace(b'\\"rate\\":0.25', b'\\"rate\\":NaN'),
        lambda h: h.replace(b'\\"units\\":2', b'\\"units\\":' + b"9" * 5000),
        lambda h: h.replace(b'\\"units\\":2', b'\\"units\\":' + b"[" * 50_000),
        lambda h: b"[" * 90_000,
        lambda h: b"{}",
        lambda h: b'{"__metadata__":[]}',
        lambda h: b'{"__metadata__":{"stn_cv":"[]"}}',
        lambda h: b'{"__metadata__":{"stn_cv":"7"}}',
        lambda h: b'{"__metadata__":{"stn_cv":{}}}',
        lambda h: b"\xff\xfe" * 20,
    ],
)
def test_another_way_to_say_the_same_is_refused(path, change):
    data = saved(path)
    other = with_header(data, change)
    assert other != data
    path.write_bytes(other)
    with pytest.raises(ModelFileError):
        stn_cv.load(path)


@pytest.mark.parametrize("length", [0, 1, 1_000_001, 2**32, 2**63, 2**64 - 1])
def test_the_header_is_measured_before_it_is_read(path, length, monkeypatch):
    with open(path, "wb") as file:  # a sparse file: large, and nothing in it
        file.write(length.to_bytes(8, "little"))
        file.truncate(2**28)
    asked = watch_reads(monkeypatch)
    with pytest.raises(ModelFileError, match="not a model file: its"):
        stn_cv.load(path)
    assert asked == [8]


def test_a_file_too_large_to_be_a_model_is_not_read(path, monkeypatch):
    with open(path, "wb") as file:
        file.truncate(2**28 + 1)
    asked = watch_reads(monkeypatch)
    with pytest.raises(ModelFileError, match="a model file has"):
        stn_cv.load(path)
    assert asked == []


def test_weights_that_the_header_does_not_know_are_not_read(path, monkeypatch):
    data = saved(path)
    length = int.from_bytes(data[:8], "little")
    os.truncate(path, 2**28)  # zeros behind the model
    asked = watch_reads(monkeypatch)
    with pytest.raises(ModelFileError, match="bytes of weights are there, its header says 216"):
        stn_cv.load(path)
    assert asked == [8, length]


def watch_reads(monkeypatch):
    """Sizes of all reads from the model file."""
    from stn_cv.model import source as module

    asked = []

    class Watched:
        def __init__(self, *arguments):
            self.file = open(*arguments)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def fileno(self):
            return self.file.fileno()

        def read(self, size):
            asked.append(size)
            return self.file.read(size)

    monkeypatch.setattr(module, "open", Watched, raising=False)
    return asked


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="not a regular file"):
        stn_cv.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        stn_cv.load(tmp_path / "none.stn")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelFileError, match="not a regular file"):
            stn_cv.load(tmp_path / "pipe")


def test_a_pickle_is_refused_and_not_run(path):
    import pickle

    class Trap:
        def __reduce__(self):
            return (path.with_name("sprung").touch, ())

    for data in (pickle.dumps(Trap()), pickle.dumps(rectifier())):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match="not a model file"):
            stn_cv.load(path)
    assert not path.with_name("sprung").exists()


# What cannot be saved


@pytest.mark.parametrize(
    ("model", "error", "reason"),
    [
        (stn_cv.SpatialTransformer(), stn_cv.InvalidInputError, "call fit before save"),
        (stn_cv.SpatialTransformer, stn_cv.InvalidTypeError, "cannot save a type"),
        (stn_cv.HOG(), stn_cv.InvalidTypeError, "cannot save a HOG"),
        (type("Search", (), {"fit": None})(), stn_cv.InvalidTypeError, "of a search best_estim"),
        (type("Pipeline", (), {"fit": None, "steps": []})(), stn_cv.InvalidTypeError, "save the s"),
        ("a model", stn_cv.InvalidTypeError, "cannot save a str; wanted a fitted estimator"),
        (None, stn_cv.InvalidTypeError, "cannot save a NoneType"),
    ],
)
def test_what_is_no_fitted_model_is_not_saved(path, model, error, reason):
    with pytest.raises(error, match=reason):
        stn_cv.save(model, path)
    assert not path.exists()


class Twice(ReLU):
    """A layer of a user's own."""


@pytest.mark.parametrize(
    "model",
    [
        lambda: rectifier(head=[Flatten(), Twice()]),
        lambda: rectifier((b"a", b"b")),
        lambda: rectifier(np.array([1, "a"], object)),
        lambda: rectifier(np.array([1, np.nan])),
        lambda: rectifier(np.array([1, 2], np.longdouble)),
        lambda: rectifier(np.array(["2024", "2025"], "datetime64[Y]")),
    ],
)
def test_what_a_file_cannot_hold_is_not_saved(path, model):
    with pytest.raises(stn_cv.InvalidTypeError, match="a model file cannot hold"):
        stn_cv.save(model(), path)
    assert not path.exists()


def test_a_user_s_own_layer_inside_a_localization_is_not_saved(path):
    network = Network([SpatialTransform([Twice(), Flatten()])], (1, 6, 8), np.random.default_rng(0))
    with pytest.raises(stn_cv.InvalidTypeError, match="Twice"):
        stn_cv.save(Rectifier(network, SPEC), path)


# How it is written


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("there", [False, True])
def test_a_save_that_fails_loses_nothing(path, monkeypatch, step, error, there):
    if there:
        before = saved(path)

    def fail(*_):
        raise error("planted")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(error, match="planted"):
            stn_cv.save(rectifier(classes=(1, 2, 3)), path)
    assert os.listdir(path.parent) == [path.name] * there
    assert not there or path.read_bytes() == before


def test_a_save_over_an_older_file_replaces_it(path):
    first = saved(path)
    assert saved(path, rectifier(classes=(1, 2, 3))) != first
    assert os.listdir(path.parent) == [path.name]
    stn_cv.load(str(path))


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        stn_cv.save(rectifier(), tmp_path / "none" / "model.stn")


# Where it is used


def test_loading_needs_neither_scikit_learn_nor_pickle(path):
    """Pickle is made unusable; Numba's cache, which is one, is looked at only by the warp."""
    stn_cv.save(rectifier(), path)
    code = f"""
import sys, pickle, _pickle, builtins
def planted(*_): raise AssertionError("code was loaded")
real = pickle.loads, pickle.load, pickle.Unpickler, builtins.eval
import stn_cv, numpy as np
import stn_cv.model.file, safetensors.numpy
for module in (pickle, _pickle):
    module.loads = module.load = module.Unpickler = planted
builtins.eval = planted
model = stn_cv.load({str(path)!r})
for module in (pickle, _pickle):
    module.loads, module.load, module.Unpickler, builtins.eval = real
model.rectify(np.zeros((2, 6, 8))), model.predict_proba(np.zeros((6, 8)))
print(*(name for name in ("sklearn", "cv2", "torch") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_threads_share_a_loaded_model(path):
    stn_cv.save(rectifier(), path)
    model = stn_cv.load(path)
    batches = [images(40, seed) for seed in range(8)]

    def use(batch):
        return model.theta(batch), model.rectify(batch), model.predict_proba(batch)

    wanted = [use(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for given in pool.map(lambda _: list(map(use, batches)), range(8)):
            for one, other in zip(given, wanted, strict=True):
                for a, b in zip(one, other, strict=True):
                    np.testing.assert_array_equal(a, b)
