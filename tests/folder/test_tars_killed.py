"""Runs that write tars and are killed: each tar is whole or absent, and the run goes on."""

import os
import signal

import pytest
from support.archives import members_of, samples, tar_of
from support.commands import COMMAND, stn_cv, stn_cv_started
from support.folder_cases import contents, fixed_model, rows_of, tree
from support.picture_files import picture, saved

import stn_cv as library
from stn_cv import DaskExecutor, rectify_folder

MODEL = fixed_model((0.1, 0.4, 0.05, 0))
NAMES = [f"{n:02d}.png" for n in range(10)]


@pytest.fixture
def tars(tmp_path):
    photos = tree(tmp_path / "photos", NAMES, 12, 16)
    for number in range(4):
        tar_of(tmp_path / "in" / f"{number}.tar", samples(photos, NAMES))
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "wanted", tar=True)
    library.save(MODEL, tmp_path / "m.stn")
    return tmp_path


def command(folder):
    run = ["rectify", folder / "m.stn", folder / "in", "-o", folder / "out", "--tar", "-v"]
    return [*run, "--manifest", folder / "m.jsonl", "--jobs", "1"]


def below(folder):
    """What is there under the names of outputs."""
    found = contents(folder) if folder.exists() else {}
    return {name: data for name, data in found.items() if name.endswith(".tar")}


@pytest.mark.parametrize("lines", [1, 11, 25])
def test_a_killed_command_leaves_whole_tars_and_goes_on(tars, lines):
    process = stn_cv_started(*command(tars), code=COMMAND)
    for _ in range(lines):
        process.stderr.readline()
    process.kill()
    process.communicate()
    wanted, seen = contents(tars / "wanted"), below(tars / "out")
    assert all(wanted[name] == data for name, data in seen.items())
    assert stn_cv(*command(tars)).returncode == 0
    assert contents(tars / "out") == wanted
    last = {row["input"]: row for row in rows_of(tars / "m.jsonl")}
    assert len([row for row in last.values() if row["output"]]) == 40


def test_a_photo_that_ends_its_process_leaves_whole_tars(tars):
    photo = saved(picture(), ".png")
    tar_of(tars / "in" / "2.tar", [("a.png", photo), ("b.png", photo + b"LETHAL")])
    code = (
        "import os, signal\nfrom stn_cv.folder import item\nown = item.decode_photo\n"
        "def decode(data, *more):\n"
        "    data.endswith(b'LETHAL') and os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return own(data, *more)\n"
        "item.decode_photo = decode\n" + COMMAND
    )
    for _ in range(2):
        process = stn_cv_started(*command(tars), code=code)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    wanted = contents(tars / "wanted")
    assert below(tars / "out") == {name: wanted[name] for name in ("0.tar", "1.tar")}
    again = stn_cv(*command(tars), "--exclude", "b.png")
    assert again.returncode == 0, again.stderr
    assert set(below(tars / "out")) == set(wanted)
    assert [name for name, _ in members_of(tars / "out" / "2.tar")] == ["a.png"]


def test_a_cluster_names_it_and_writes_the_rest_of_its_tar(tars):
    pytest.importorskip("distributed", reason="distributed (extra dask) is missing")
    from support.dask_cluster import Cluster

    photo = saved(picture(), ".png")
    tar_of(tars / "in" / "2.tar", [("a.png", photo), ("b.png", photo + b"LETHAL")])
    with Cluster(tars, preload="lethal.py") as cluster:
        run = {"manifest": tars / "m.jsonl", "executor": DaskExecutor(cluster.address)}
        summary = rectify_folder(MODEL, tars / "in", tars / "out", tar=True, **run)
        assert 2 <= cluster.deaths <= 3
    assert [os.path.basename(path) for path, _ in summary.failures] == ["b.png"]
    wanted, found = contents(tars / "wanted"), below(tars / "out")
    assert summary.done == 31 and set(found) == set(wanted)
    assert all(found[name] == wanted[name] for name in ("0.tar", "1.tar", "3.tar"))
    assert [name for name, _ in members_of(tars / "out" / "2.tar")] == ["a.png"]
