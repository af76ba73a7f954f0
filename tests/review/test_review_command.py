"""`stn-cv review` as a process: what it says, what it refuses, and what `kill -9` leaves."""

import http.client
import re
import shlex
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from support.commands import stn_cv, stn_cv_started
from support.folder_cases import files_below, fixed_model, rows_of, tree
from support.review_cases import FRAME, correct, told

from stn_cv import save
from stn_cv.folder.corner_files import known_corners


def started(*arguments):
    """The process, and the address that it prints."""
    process = stn_cv_started("review", *arguments, "--no-browser")
    for line in process.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", line)
        if found:
            return process, found[0]
    raise AssertionError(process.stderr.read())


def ended(process):
    process.send_signal(signal.SIGINT)
    try:
        printed, said = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, said + printed


def test_a_model_runs_first_and_one_review_has_a_manifest(tmp_path):
    save(fixed_model(), tmp_path / "model.stn")
    tree(tmp_path / "in", ["a.png", "b.png"])
    process, address = started(tmp_path / "model.stn", tmp_path / "in")
    try:
        assert told(address, "photos")[1]["total"] == 2
        assert correct(address, 0, FRAME)[0] == 200
        manifest = tmp_path / "in-upright.jsonl"
        assert len(rows_of(manifest)) == 2 and len(known_corners(tmp_path / "corrections.csv")) == 1
        second = stn_cv("review", manifest, "--no-browser")
        assert second.returncode == 2 and "another review" in " ".join(second.stderr.split())
    finally:
        code, said = ended(process)
    assert code == 0 and "all changes are saved" in said
    words = shlex.split(said.partition("Next: ")[2])
    again = stn_cv(*words[1:])
    assert again.returncode == 0 and "1 rectified" in again.stdout, again.stderr
    assert "in-upright/a.png" in files_below(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.jsonl"], "does not exist"),
        (["in/a.png"], "is no manifest"),
        (["model.stn"], "a MODEL goes with IN"),
        (["m.jsonl", "-o", "out"], "--out goes with MODEL"),
        (["m.jsonl", "--corrections", "in/a.png/c.csv"], "cannot write to"),
        (["m.jsonl", "--corrections", "in/a.png"], "in/a.png"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    save(fixed_model(), "model.stn")
    tree("in", ["a.png"])
    assert (
        stn_cv("rectify", "model.stn", "in", "-o", "out", "--manifest", "m.jsonl").returncode == 0
    )
    before = files_below(tmp_path)
    done = stn_cv("review", *arguments, "--no-browser")
    assert done.returncode == 2 and reason in " ".join(done.stderr.split()), done.stderr
    assert files_below(tmp_path) == before


def test_a_folder_without_photos_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(fixed_model(), "model.stn")
    Path("in").mkdir()
    Path("in/a.txt").write_text("no photo")
    done = stn_cv("review", "model.stn", "in", "--no-browser")
    assert done.returncode == 4
    assert "1 .txt" in done.stderr and "no photo found in in" in done.stderr


class Killed:
    """Frames saved by servers that are killed, and what the file holds after each of them."""

    def __init__(self, folder):
        save(fixed_model(), folder / "model.stn")
        tree(folder / "in", [f"{number}.png" for number in range(5)])
        self.folder, self.rng = folder, np.random.default_rng(0)
        self.saved = {}  # what the last server that answered said it had saved
        self.count = 0

    def serve_and_kill(self, n_saves):
        """Save so many frames; the last is under way when the kill comes."""
        process, address = started(self.folder / "model.stn", self.folder / "in")
        names = {card["number"]: card["name"] for card in told(address, "photos")[1]["cards"]}
        versions, under_way = dict.fromkeys(names, 0), None
        for left in reversed(range(n_saves)):
            number = int(self.rng.integers(len(names)))
            frame = (np.array(FRAME) + self.rng.uniform(-1, 1, (4, 2))).tolist()
            if left == 0:
                under_way = names[number], frame
                threading.Timer(float(self.rng.uniform(0, 0.01)), process.kill).start()
            try:
                status, _ = correct(address, number, frame, versions[number])
            except (OSError, http.client.HTTPException):
                assert left == 0
                break
            assert status == 200
            versions[number] += 1
            self.saved[names[number]] = frame
            self.count += 1
        process.kill()
        process.communicate()
        self.check(*under_way)

    def check(self, name_under_way, frame_under_way):
        """The file is whole and holds all that was said to be saved."""
        rows = known_corners(self.folder / "corrections.csv")
        held = {str(self.folder / "in" / Path(row.path).name): row.corners.tolist() for row in rows}
        for name, frame in self.saved.items():
            allowed = [frame, frame_under_way] if name == name_under_way else [frame]
            assert held[name] in allowed
        self.saved = held


def killed_until(folder, n_saves, most):
    killed = Killed(folder)
    while killed.count < n_saves:
        killed.serve_and_kill(int(killed.rng.integers(2, most)))


def test_what_was_saved_is_there_after_kill_9(tmp_path):
    killed_until(tmp_path, 15, 10)


@pytest.mark.long
def test_what_was_saved_is_there_after_kill_9_in_200_saves(tmp_path):
    killed_until(tmp_path, 200, 16)
