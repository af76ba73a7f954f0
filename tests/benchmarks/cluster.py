"""What a run costs on two workers of a Dask cluster, and on a bucket, beside threads.

    python tests/benchmarks/cluster.py [--photos 2000] [--rounds 1]

Each way does the same JPEGs of 640 x 480 after a first pass over a tenth of them, in which
processes load what they need. Printed are photos a second, and milliseconds of the processor for
a photo: of threads, of the workers, their nannies, the scheduler and the process that asks, and of
the store's clients, without the store itself. What Dask takes by the second, busy or not, is
printed first. So `--rounds` times, since other work on the machine disturbs.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH = 480, 640


def generate(folder, count):
    """JPEGs of about 100 kB, no two alike."""
    import cv2

    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        noise = rng.integers(-8, 9, image.shape, dtype=np.int16)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def processor(pids):
    """Seconds of the processor that this process and others have taken."""
    import psutil

    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return time.process_time() + sum(found.user + found.system for found in times)


def measure(model, source, target, pids, **options):
    """(photos a second, milliseconds of the processor for a photo)."""
    from stn_cv import rectify_folder

    start, busy = time.perf_counter(), processor(pids)
    manifest = f"{target}.jsonl"
    summary = rectify_folder(model, source, target, manifest=manifest, quality=95, **options)
    assert not summary.failures, summary.failures[:3]
    seconds = time.perf_counter() - start
    return summary.done / seconds, 1000 * (processor(pids) - busy) / summary.done


def ways(model, folder, number, cluster, pids):
    """Measure each way, first on a tenth of the photos and then on all."""
    from stn_cv import DaskExecutor

    executor = DaskExecutor(cluster.address)
    on_bucket = {"source": "s3://bucket/in", "target": f"s3://bucket/out{number}"}
    for name, given, places in (
        ("threads, disk", {"n_jobs": 2}, {}),
        ("two workers, disk", {"executor": executor}, {}),
        ("threads, bucket", {"n_jobs": 2}, on_bucket),
        ("two workers, bucket", {"executor": executor}, on_bucket),
    ):
        source = places.get("source", str(folder / "in"))
        target = places.get("target", str(folder / f"out{number}"))
        target += "-" + "".join(filter(str.isalpha, name))
        others = pids if "executor" in given else []
        measure(model, source, f"{target}-first", others, glob=["*0.jpg"], **given)
        rate, busy = measure(model, source, target, others, **given)
        print(f"{name}: {rate:.1f} a second, {busy:.2f} ms of the processor each", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    from benchmarks.folder import model
    from distributed import Client
    from support.dask_cluster import Cluster
    from support.object_store import ObjectStore

    from stn_cv.storage import write_file

    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        generate(folder / "in", arguments.photos)
        (folder / "store").mkdir()
        with ObjectStore(folder / "store") as store:
            os.environ.update(store.environment)
            for path in (folder / "in").iterdir():
                write_file(f"s3://bucket/in/{path.name}", path.read_bytes())
            with Cluster(folder) as cluster, Client(cluster.address) as client:
                client.wait_for_workers(2)
                nannies = [worker.pid for worker in cluster.workers]
                pids = [cluster.scheduler.pid, *nannies, *client.run(os.getpid).values()]
                idle = processor(pids)
                time.sleep(5)
                print(f"Dask, idle: {1000 * (processor(pids) - idle) / 5:.0f} ms a second")
                for number in range(arguments.rounds):
                    ways(model(), folder, str(number), cluster, pids)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    main()
