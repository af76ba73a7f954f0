"""Runs on a Dask cluster: a real scheduler, workers that die, what is said when they are gone."""

import os
import signal

import pytest
from support.archives import samples, tar_of
from support.commands import COMMAND, stn_cv, stn_cv_started
from support.folder_cases import contents, fixed_model, put, rows_of, tree
from support.picture_files import picture, saved

import stn_cv as library
from stn_cv import DaskExecutor, rectify_folder
from stn_cv.errors import ClusterError, ModelFileError
from stn_cv.folder import plan
from stn_cv.folder.dask_worker import check_environment, environment

distributed = pytest.importorskip("distributed", reason="distributed (extra dask) is missing")
dask_cluster = pytest.importorskip("support.dask_cluster")

MODEL = fixed_model((0.1, 0.4, 0.05, 0))
SMALL_SHARDS = "import stn_cv.folder.plan\nstn_cv.folder.plan.SHARD = 4\n"


@pytest.fixture(autouse=True)
def shards_of_four(monkeypatch):
    monkeypatch.setattr(plan, "SHARD", 4)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with dask_cluster.Cluster(tmp_path_factory.mktemp("cluster"), preload="lethal.py") as cluster:
        yield cluster


@pytest.fixture
def executor(cluster):
    return DaskExecutor(cluster.address)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    names = [f"{folder}{n:02d}.png" for folder in ("", "a/", "a-/") for n in range(14)]
    folder = tree(tmp_path_factory.mktemp("photos") / "in", names, 12, 16)
    put(folder / "a" / "bad.png", b"\x89PNG\r\n\x1a\nbroken")
    return folder


def found(folder):
    """Outputs, and rows less their times and the name of the folder."""
    rows = rows_of(folder / "m.jsonl")
    for row in rows:
        del row["milliseconds"]
        row["output"] = os.path.relpath(row["output"], folder)
    return contents(folder / "out"), rows


@pytest.fixture(scope="module")
def local(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    rectify_folder(MODEL, photos, folder / "out", manifest=folder / "m.jsonl")
    return found(folder)


def run(photos, folder, **options):
    return rectify_folder(MODEL, photos, folder / "out", manifest=folder / "m.jsonl", **options)


def test_a_cluster_gives_what_this_machine_gives(photos, local, executor, tmp_path):
    seen = []
    summary = run(
        photos,
        tmp_path,
        executor=executor,
        listener=lambda result, total: seen.append(result.input),
    )
    assert (summary.done, len(summary.failures), summary.left) == (42, 1, 0), summary.failures[:2]
    assert found(tmp_path) == local and seen == [row["input"] for row in local[1]]
    assert sorted(os.listdir(tmp_path)) == ["m.jsonl", "out"]
    again = run(photos, tmp_path, executor=executor)
    assert (again.done, again.skipped) == (0, 42)


def test_shards_are_begun_in_their_order(photos, tmp_path):
    """Else the first one is waited for while workers have nothing to do."""
    with dask_cluster.Cluster(tmp_path, workers=1) as cluster:
        executor = DaskExecutor(cluster.address)
        run(photos, tmp_path, executor=executor, shard=(1, 1))
    parts = sorted((tmp_path / "m.jsonl.parts").iterdir())
    times = [part.stat().st_mtime_ns for part in parts]
    assert len(parts) > 8 and times == sorted(times)


def test_paths_are_those_of_the_process_that_asks(photos, local, executor, tmp_path, monkeypatch):
    monkeypatch.chdir(photos.parent)
    result = rectify_folder(MODEL, "in", os.path.relpath(tmp_path / "out"), executor=executor)
    assert result.done == 42 and contents(tmp_path / "out") == local[0]
    assert result.failures[0][0] == os.path.join("in", "a", "bad.png")


def test_a_cluster_writes_tars(photos, cluster, tmp_path, monkeypatch):
    names = [f"a/{n:02d}.png" for n in range(14)]
    for number in range(3):
        tar_of(tmp_path / "in" / f"s-{number}.tar", samples(photos, names))
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "local", tar=True)
    monkeypatch.chdir(tmp_path)  # workers are elsewhere
    executor = DaskExecutor(cluster.address)
    summary = rectify_folder(MODEL, "in", "out", tar=True, manifest="m.jsonl", executor=executor)
    assert summary.done == 42, summary.failures[:2]
    assert contents("out") == contents("local")
    assert rows_of("m.jsonl")[14]["output"] == "out/s-1.tar/a/00.png"


def test_a_lethal_photo_costs_itself_and_is_named(cluster, executor, tmp_path):
    photos = tree(tmp_path / "in", [f"{n}.png" for n in range(12)], 12, 16)
    put(photos / "5.png", saved(picture(), ".png") + b"LETHAL")
    before = cluster.deaths
    summary = run(photos, tmp_path, executor=executor)
    assert summary.done == 11
    ((path, reason),) = summary.failures
    assert path == str(photos / "5.png") and "ended its process" in reason
    assert 2 <= cluster.deaths - before <= 3
    rows = rows_of(tmp_path / "m.jsonl")
    assert [row["input"] for row in rows] == sorted(row["input"] for row in rows)
    assert len(rows) == 12 and [row["status"] for row in rows].count("error") == 1


def test_a_worker_that_is_killed_costs_nothing(cluster, photos, local, tmp_path):
    """Its nanny starts it anew; shards that were under way are done again."""
    with distributed.Client(cluster.address, set_as_default=False) as client:
        came = []

        def listener(result, total):
            came.append(result)
            if len(came) in (6, 20):
                pids = list(client.run(os.getpid).values())
                os.kill(pids[0], signal.SIGKILL)

        summary = run(photos, tmp_path, executor=DaskExecutor(client), listener=listener)
    _, rows = found(tmp_path)
    assert run(photos, tmp_path).skipped == summary.done == 42  # removes what was half written
    outputs, _ = found(tmp_path)
    assert (outputs, rows) == local


def test_no_worker_is_an_error_and_no_wait(photos, tmp_path):
    with dask_cluster.Cluster(tmp_path, workers=0) as empty:
        with pytest.raises(ClusterError, match="no worker is left"):
            run(photos, tmp_path, executor=DaskExecutor(empty.address, patience=1))


def test_a_scheduler_that_dies_is_an_error_and_the_run_goes_on_later(photos, local, tmp_path):
    with dask_cluster.Cluster(tmp_path / "..", workers=1) as cluster:

        def listener(result, total):
            if cluster.scheduler.poll() is None and len(contents(tmp_path / "out")) > 4:
                dask_cluster.kill(cluster.scheduler)

        executor = DaskExecutor(cluster.address, patience=1)
        with pytest.raises(ClusterError, match="does not answer any more|no worker is left"):
            run(photos, tmp_path, executor=executor, listener=listener)
    assert run(photos, tmp_path).done
    assert found(tmp_path) == local


def test_no_scheduler_is_said(photos, tmp_path):
    said = stn_cv("rectify", "absent", photos, "-o", tmp_path / "out", "--scheduler", "tcp://x:1")
    assert said.returncode == 2
    with pytest.raises(ClusterError, match="no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        run(photos, tmp_path, executor=DaskExecutor("tcp://127.0.0.1:9", patience=1))
    assert not contents(tmp_path / "out")


def test_a_model_that_a_worker_cannot_read_is_said(executor, photos, tmp_path):
    model = fixed_model((0.1, 0.4, 0.05, 0), classes=("a", "unreadable"))
    with pytest.raises(ModelFileError, match="this worker cannot read it"):
        rectify_folder(model, photos, tmp_path / "out", executor=executor)
    assert not contents(tmp_path / "out")


def test_a_worker_of_another_python_is_refused():
    ours = environment()
    theirs = (("Python", "3.9"), *ours[1:])
    with pytest.raises(ClusterError, match=r"the worker tcp://x:1 has Python 3\.9, this process 3"):
        check_environment(theirs, ours, "tcp://x:1")


def test_a_worker_of_another_version_is_refused(photos, tmp_path):
    with dask_cluster.Cluster(tmp_path, workers=1, preload="older.py") as cluster:
        with distributed.Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(1)
            with pytest.raises(ClusterError, match=r"stn_cv 0\.0\.1, this process"):
                run(photos, tmp_path, executor=DaskExecutor(client))
    assert not contents(tmp_path / "out")


# --- the command, killed and interrupted


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.stn"
    library.save(MODEL, path)
    return path


def started(model, photos, folder, cluster):
    command = ["rectify", model, photos, "-o", folder / "out", "--manifest", folder / "m.jsonl"]
    code = SMALL_SHARDS + "import signal\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + COMMAND
    return stn_cv_started(*command, "-v", "--scheduler", cluster.address, code=code)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_the_command_is_stopped_and_goes_on(model, cluster, photos, local, tmp_path, sent):
    process = started(model, photos, tmp_path, cluster)
    for _ in range(5):
        process.stderr.readline()
    process.send_signal(sent)
    process.communicate(timeout=100)
    assert process.returncode == (130 if sent == signal.SIGINT else -sent)
    process = started(model, photos, tmp_path, cluster)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 1 and "1 failed" in out
    rows = [{**row, "model_sha256": ""} for row in found(tmp_path)[1]]
    wanted = [{**row, "model_sha256": ""} for row in local[1]]
    last = {row["input"]: row for row in rows}
    assert found(tmp_path)[0] == local[0] and list(last.values()) == wanted
