"""The HTTP service of `pipelines/deploy/serve.py` under load: latencies, memory, wrong answers.

``python tests/benchmarks/serve.py --seconds 600`` starts the service with a made-up model, and
lets clients ask for photos one after another, each of which it compares with what the model
gives here. It ends with 1 if an answer was wrong or the service did not stop when told to.
"""

import argparse
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
from deploy import default_model

import stn_cv

SERVICE = Path(__file__).parents[2] / "pipelines" / "deploy" / "serve.py"
SIZES = [(480, 640), (768, 1024), (1080, 810), (300, 300)]
PARTS = 10  # of the time, of each of which a line is printed


def questions_of(rectifier):
    """Photos as JPEG, and the files that are to come back."""
    rng, questions = np.random.default_rng(0), []
    for height, width in SIZES:
        smooth = cv2.resize(rng.integers(0, 256, (6, 5, 3), np.uint8), (width, height))
        body = jpeg(smooth)
        photo = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
        questions.append((body, jpeg(rectifier.rectify_photo(photo))))
    return questions


def jpeg(photo):
    return cv2.imencode(".jpg", photo[..., ::-1])[1].tobytes()


def started(model, options):
    """The service's process and port."""
    command = [sys.executable, str(SERVICE), str(model), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            # What it says from now on is read, so that it never waits for us.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, int(found[1])
    raise SystemExit(f"the service did not start:\n{said}")


class Client(threading.Thread):
    """Asks for one photo after another over one connection, until it is time."""

    def __init__(self, number, port, questions, end):
        super().__init__()
        self.number, self.port, self.questions, self.end = number, port, questions, end
        self.answers, self.wrong = [], []  # (when it was given, seconds it took); what was amiss

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        asked = self.number
        while (began := time.perf_counter()) < self.end:
            body, wanted = self.questions[asked % len(self.questions)]
            asked += 1
            try:
                connection.request("POST", "/rectify", body)
                answer = connection.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
                continue
            now = time.perf_counter()
            self.answers.append((now, now - began))
            if answer.status != 200 or data != wanted:
                self.wrong.append(f"{answer.status}: {data[:80]!r}")
        connection.close()


def memory(process):
    """Megabytes that lie in memory."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def load(process, port, questions, count, seconds):
    """Clients at once; a line for each part of the time. Returns what was wrong."""
    start = time.perf_counter()
    clients = [Client(i, port, questions, start + seconds) for i in range(count)]
    for client in clients:
        client.start()
    print("| until, s | answers | a second | p50, ms | p99, ms | most, ms | memory, MB | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for part in range(1, PARTS + 1):
        time.sleep(max(start + part * seconds / PARTS - time.perf_counter(), 0))
        row(clients, start, (part - 1) * seconds / PARTS, part * seconds / PARTS, process)
    for client in clients:
        client.join()
    row(clients, start, 0, seconds, process)
    return [one for client in clients for one in client.wrong]


def row(clients, start, begin, end, process):
    """What was answered between two moments."""
    given = [
        took
        for client in clients
        for when, took in list(client.answers)
        if begin <= when - start < end
    ]
    p50, p99, most = 1e3 * np.percentile(given, (50, 99, 100))
    wrong = sum(len(client.wrong) for client in clients)
    print(
        f"| {begin:.0f} to {end:.0f} | {len(given)} | {len(given) / (end - begin):.0f} "
        f"| {p50:.1f} | {p99:.1f} | {most:.0f} | {memory(process):.0f} | {wrong} |", flush=True,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the service")
    given = parser.parse_args()
    rectifier = default_model(channels=3)
    questions = questions_of(rectifier)
    with tempfile.TemporaryDirectory() as folder:
        stn_cv.save(rectifier, Path(folder) / "model.stn")
        process, port = started(Path(folder) / "model.stn", ["--threads", str(given.threads)])
        try:
            wrong = load(process, port, questions, given.clients, given.seconds)
            process.send_signal(signal.SIGTERM)
            stopped = process.wait(60)
        finally:
            process.kill()
    print(f"{len(wrong)} wrong answers; the service stopped with {stopped}.", *wrong[:5], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
