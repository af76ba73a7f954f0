"""`stn-cv review` as a process: what it says, what it refuses, and what `kill -9` leaves."""

import re
import signal

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
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, said


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
    assert "in-upright/a.png" in files_below(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.jsonl"], "does not exist"),
        (["in/a.png"], "is no manifest"),
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


def killed_between(tmp_path, n_kills, n_saves):
    """Save frames, kill the server at random points, and hold its file against what it said."""
    save(fixed_model(), tmp_path / "model.stn")
    tree(tmp_path / "in", [f"{number}.png" for number in range(5)])
    rng = np.random.default_rng(0)
    kept: dict[int, list] = {}
    for _ in range(n_kills):
        process, address = started(tmp_path / "model.stn", tmp_path / "in")
        versions = dict.fromkeys(range(5), 0)
        names = {card["number"]: card["name"] for card in told(address, "photos")[1]["cards"]}
        last = int(rng.integers(1, 2 * n_saves // n_kills))
        sent = None
        for count in range(last + 1):
            number = int(rng.integers(5))
            frame = (np.array(FRAME) + rng.uniform(-1, 1, (4, 2))).tolist()
            sent = names[number], frame
            if count == last:  # the kill comes while this one is under way
                killer = process.kill
                try:
                    from threading import Timer

                    Timer(float(rng.uniform(0, 0.01)), killer).start()
                    status, _ = correct(address, number, frame, versions[number])
                except OSError:
                    break
            else:
                status, _ = correct(address, number, frame, versions[number])
            assert status == 200
            versions[number] += 1
            kept[names[number]] = frame
        process.kill()
        process.communicate()
        rows = {
            row.path.rpartition("/")[2]: row.corners.tolist()
            for row in known_corners(tmp_path / "corrections.csv")
        }
        for name, frame in kept.items():
            allowed = [frame] + ([sent[1]] if sent[0] == name else [])
            assert rows[name.rpartition("/")[2]] in allowed
        kept = {name: rows[name.rpartition("/")[2]] for name in kept}


def test_what_was_saved_is_there_after_kill_9(tmp_path):
    killed_between(tmp_path, 2, 20)


@pytest.mark.long
def test_what_was_saved_is_there_after_kill_9_in_200_saves(tmp_path):
    killed_between(tmp_path, 25, 200)
