"""The recipes for clusters, run as they stand where one machine can stand for many."""

import os
import shutil
import subprocess
import sys

import pytest
from support.commands import COMMAND, environment
from support.folder_cases import contents, fixed_model, rows_of, tree
from support.paths import ROOT

import stn_cv as library
from stn_cv import rectify_folder

RECIPES = ROOT / "pipelines" / "cluster"
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="the recipes are for bash"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model, photos, what becomes of them, and a folder with the command and this Python."""
    folder = tmp_path_factory.mktemp("recipes")
    library.save(fixed_model((0.1, 0.4, 0.05, 0)), folder / "model.stn")
    tree(folder / "photos", [f"{n:03d}.png" for n in range(200)], 12, 16)
    rectify_folder(folder / "model.stn", folder / "photos", folder / "wanted")
    (folder / "bin").mkdir()
    for name, code in (("stn-cv", f"-c '{COMMAND.replace(chr(39), chr(34))}'"), ("python", "")):
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {sys.executable} {code} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    return folder


def run(place, *command, **variables):
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=place,
        env=environment(PATH=path, **variables),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(place, out):
    assert contents(place / out) == contents(place / "wanted")
    rows = [row["input"] for row in rows_of(place / f"{out}.jsonl")]
    assert rows == [f"photos/{n:03d}.png" for n in range(200)]
    assert not (place / f"{out}.jsonl.parts").exists()


def test_a_slurm_array(place):
    arguments = [RECIPES / "slurm.sh", "model.stn", "photos", "slurm"]
    for index in (3, 1, 2):
        task = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_TASK_COUNT": "3"}
        run(place, *arguments, **task)
        assert (place / "slurm.jsonl.parts").is_dir() and not (place / "slurm.jsonl").exists()
    run(place, *arguments, "join")
    check(place, "slurm")


def test_processes_of_one_machine(place):
    run(place, RECIPES / "parallel.sh", 2, "model.stn", "photos", "parallel")
    check(place, "parallel")


def test_a_dask_cluster(place):
    pytest.importorskip("distributed", reason="distributed (extra dask) is missing")
    from support.object_store import free_ports

    (port,) = free_ports(1)
    run(place, RECIPES / "dask_cluster.sh", 2, "model.stn", "photos", "dask", PORT=str(port))
    check(place, "dask")


def test_a_kubernetes_job_takes_each_share_once(place):
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with distributed (extra dask)")
    job, join = yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    count = job["spec"]["completions"]
    echo = container["args"][0].replace("exec stn-cv", "echo")
    said = [
        subprocess.run(
            [*container["command"], echo],
            env={**os.environ, "JOB_COMPLETION_INDEX": str(index)},
            capture_output=True,
            text=True,
        ).stdout.split()
        for index in (0, count - 1)
    ]
    assert [words[-1] for words in said] == [f"1/{count}", f"{count}/{count}"]
    (joining,) = join["spec"]["template"]["spec"]["containers"]
    assert [*joining["command"][1:], *joining["args"]] == said[0][:-2]
