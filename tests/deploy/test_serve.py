"""The HTTP service, over real HTTP: right answers to many clients, bounds, a graceful stop."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from support.export_cases import made_up
from support.paths import ROOT

import stn_cv

pytest.importorskip("uvicorn", reason="the recipe is served by uvicorn, which is not needed else")

CLIENTS, PHOTOS = 8, 6
LARGEST = 200_000


@pytest.fixture(scope="module")
def rectifier():
    return made_up(gain=0.3)


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    return [cv2.resize(rng.integers(0, 256, (6, 5, 3), np.uint8), (60, 70)) for _ in range(PHOTOS)]


@pytest.fixture(scope="module")
def start(rectifier, tmp_path_factory):
    """Starts a service: its process and port."""
    model, running = tmp_path_factory.mktemp("model") / "model.stn", []
    stn_cv.save(rectifier, model)

    def start(*options):
        command = [sys.executable, str(ROOT / "pipelines" / "deploy" / "serve.py"), str(model)]
        process = subprocess.Popen(
            [*command, "--port", "0", "--largest", str(LARGEST), *options],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        running.append(process)
        for line in process.stderr:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                break
        assert process.poll() is None
        return process, int(found[1])

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(scope="module")
def port(start):
    return start()[1]


def asked(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.getheader("content-type"), data


def png(photo):
    return cv2.imencode(".png", photo)[1].tobytes()


def check_clients(port, rectifier, photos, rounds):
    """Clients at once, each of whom must get its own photo."""
    wanted = [rectifier.rectify_photo(photo[..., ::-1].copy()) for photo in photos]

    def client(number):
        for i in range(rounds):
            k = (number + i) % PHOTOS
            status, kind, data = asked(port, "POST", "/rectify", png(photos[k]))
            assert (status, kind) == (200, "image/png"), data
            came = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1]
            assert np.array_equal(came, wanted[k])

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))


def test_every_client_gets_its_own_photo(port, rectifier, photos):
    check_clients(port, rectifier, photos, 6)


@pytest.mark.long
def test_for_minutes_no_answer_is_wrong_and_memory_stays_flat(start, rectifier, photos):
    process, port = start()

    def memory():
        with open(f"/proc/{process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    check_clients(port, rectifier, photos, 200)
    before, end = memory(), time.monotonic() + 600
    while time.monotonic() < end:
        check_clients(port, rectifier, photos, 200)
    assert memory() - before < 16 * 2**20


def test_what_is_no_photo_costs_no_other(port, photos):
    assert asked(port, "GET", "/health")[0] == 200
    for body in (b"", b"none", png(photos[0])[:-40]):
        assert asked(port, "POST", "/rectify", body)[0] == 400
    assert asked(port, "GET", "/rectify")[0] == asked(port, "POST", "/other", b"")[0] == 404
    assert asked(port, "POST", "/rectify", bytes(LARGEST + 1))[0] == 413
    assert asked(port, "POST", "/rectify", iter([bytes(LARGEST), b"1"]))[0] == 413  # unannounced
    assert asked(port, "POST", "/rectify", png(photos[0]))[0] == 200


def sent_in_part(port):
    """A connection with a request whose body has not arrived."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"POST /rectify HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nabc")
    return connection


def answer_to(connection):
    with connection:
        return connection.makefile("rb").readline().split()[1]


def test_who_sends_nothing_is_not_waited_for(start):
    assert answer_to(sent_in_part(start("--seconds", "0.2")[1])) == b"408"


def test_who_comes_when_the_queue_is_full_is_told_so(start, photos):
    _, port = start("--threads", "1", "--queue", "1")
    waiting = [sent_in_part(port) for _ in range(2)]
    status = 200
    while status == 200:  # until both have arrived
        status = asked(port, "POST", "/rectify", png(photos[0]))[0]
    assert status == 503
    for connection in waiting:
        connection.sendall(bytes(97))
        assert answer_to(connection) == b"400"
    assert asked(port, "POST", "/rectify", png(photos[0]))[0] == 200


def test_it_ends_what_was_begun(start, photos):
    process, port = start()
    connection = sent_in_part(port)
    assert asked(port, "POST", "/rectify", png(photos[0]))[0] == 200  # so the other has arrived
    process.send_signal(signal.SIGTERM)
    ended = threading.Event()
    threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
    for line in process.stderr:
        if "Waiting for connections to close" in line or "Shutting down" in line:
            break
    connection.sendall(bytes(97))
    assert answer_to(connection) == b"400"
    assert ended.wait(60)
