"""Photos, outputs and manifests in Azure's store, az://, on a real server."""

import base64
import json

import pytest
from support import azure_store
from support.archives import samples, tar_of
from support.folder_cases import contents, fixed_model, rows_of, tree

from stn_cv import iter_rectified, rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder import plan
from stn_cv.storage import exists, objects, read_file, write_file

pytest.importorskip("obstore", reason="obstore (extra cloud) is missing")
if azure_store.azurite() is None:
    pytest.skip("az:// needs Azurite: npm install -g azurite", allow_module_level=True)
MODEL = fixed_model((0.1, 0.4, 0.05, 0))
NAMES = [f"{folder}{n}.png" for folder in ("", "a/", "a-/") for n in range(4)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tree(tmp_path_factory.mktemp("photos") / "in", NAMES, 12, 16)


@pytest.fixture(scope="module")
def store():
    with azure_store.AzureStore() as store:
        store.make_container("bucket")
        yield store


@pytest.fixture
def bucket(request, store, photos, monkeypatch):
    """A folder of the test's own in a bucket with the photos."""
    monkeypatch.setattr(plan, "SHARD", 4)
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    objects._store.cache_clear()
    own = f"az://bucket/{request.node.name}"
    for name in NAMES:
        write_file(f"{own}/in/{name}", (photos / name).read_bytes())
    yield own
    objects._store.cache_clear()


def same(bucket, photos, folder):
    """Whether outputs and rows are those of a run on the disk."""
    rectify_folder(MODEL, photos, folder / "out", manifest=folder / "m.jsonl")
    rows = [json.loads(line) for line in read_file(f"{bucket}/m.jsonl").splitlines()]
    theta = [row["theta"] for row in rows_of(folder / "m.jsonl")]
    outputs = {name: read_file(f"{bucket}/out/{name}") for name in NAMES}
    assert [row["theta"] for row in rows] == theta
    return outputs == contents(folder / "out")


def test_a_run_stops_and_goes_on(bucket, photos, tmp_path):
    places = f"{bucket}/in", f"{bucket}/out"
    results = iter_rectified(MODEL, *places, manifest=f"{bucket}/m.jsonl")
    for _ in range(6):
        next(results)
    results.close()
    assert not exists(f"{bucket}/m.jsonl") and exists(f"{bucket}/m.jsonl.parts")
    summary = rectify_folder(MODEL, *places, manifest=f"{bucket}/m.jsonl")
    assert summary.skipped + summary.done == 12 and summary.skipped >= 4
    assert not exists(f"{bucket}/m.jsonl.parts") and same(bucket, photos, tmp_path)
    assert rectify_folder(MODEL, *places, manifest=f"{bucket}/m.jsonl").skipped == 12


def test_shards_and_tars(bucket, photos, tmp_path):
    for number in (1, 2):
        tar = tar_of(tmp_path / "in" / f"{number}.tar", samples(photos, NAMES))
        write_file(f"{bucket}/tars/{number}.tar", tar.read_bytes())
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", tar=True)
    for index in (2, 1):
        rectify_folder(MODEL, f"{bucket}/tars", f"{bucket}/out", tar=True, shard=(index, 2))
    written = {name: read_file(f"{bucket}/out/{name}") for name in ("1.tar", "2.tar")}
    assert written == contents(tmp_path / "out")


def test_what_is_not_there_is_said(bucket, tmp_path):
    with pytest.raises(InvalidInputError, match="no such bucket"):
        rectify_folder(MODEL, "az://absent/in", tmp_path / "out")
    with pytest.raises(InvalidInputError, match="neither a folder nor a file"):
        rectify_folder(MODEL, f"{bucket}/absent", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_object_of_somebody_else_is_kept(bucket):
    write_file(f"{bucket}/x", b"mine")
    with pytest.raises(FileExistsError):
        write_file(f"{bucket}/x", b"other", may_replace=False)
    assert read_file(f"{bucket}/x") == b"mine"


def test_no_access_is_said(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"wrong").decode())
    objects._store.cache_clear()
    with pytest.raises(InvalidInputError, match="access denied"):
        rectify_folder(MODEL, f"{bucket}/in", tmp_path / "out")
