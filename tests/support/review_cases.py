"""A run to review, and a client of its server without a browser."""

import http.client
import json
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import numpy as np

from stn_cv import rectify_folder
from stn_cv.opencv import write_image
from stn_cv.review import ReviewServer, ReviewSession
from support.folder_cases import fixed_model, tree
from support.picture_files import picture

MARKUP = "<img src=x onerror=document.title='run'>&amp;\"'.png"
NAMES = ["a.png", "sub/b.jpg", MARKUP, "c.webp", "d.png", "e.png"]
TURN = np.pi / 6
FRAME = [[8.0, 5.0], [33.5, 6.25], [31.0, 24.0], [7.0, 22.125]]  # in a photo of 40 x 30


def reviewed_run(folder, **options):
    """Photos, one of 16 bits, one that is broken, and their manifest."""
    photos = tree(folder / "in", NAMES)
    deep = picture(30, 40, seed=9).astype(np.uint16) * 257
    write_image(photos / "deep.tiff", deep)
    (photos / "broken.png").write_bytes(b"no image")
    model = fixed_model((np.log(0.7), TURN, 0.05, 0))
    options = {"manifest": folder / "m.jsonl", **options}
    rectify_folder(model, photos, folder / "out", **options)
    return model


@contextmanager
def serving(manifest, corrections=None):
    """A server on a thread."""
    with ReviewServer(ReviewSession(manifest, corrections)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def asked(address, path="", method="GET", body=None, **headers):
    """The status, headers and body of an answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        given.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, parts.path + path, data, given)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def told(address, path="", method="GET", body=None, **headers):
    """The status and the JSON of an answer."""
    status, _, content = asked(address, path, method, body, **headers)
    return status, json.loads(content)


def number_of(address, name):
    """Of the photo whose name ends so."""
    cards = told(address, "photos")[1]["cards"]
    return next(card["number"] for card in cards if card["name"].endswith(name))


def correct(address, number, corners, version=0):
    body = {"version": version, "mark": "corrected", "corners": corners}
    return told(address, f"photo/{number}", "POST", body)
