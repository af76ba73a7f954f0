"""A Dask scheduler and workers in processes of their own, over TCP."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import distributed

from support.commands import environment
from support.paths import ROOT

# As `pipelines/cluster/dask_cluster.sh` has them: without, all processes look at themselves 50 to
# 100 times a second, which is a tenth of a core with two workers, busy or not.
SETTINGS = {
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
}


class Cluster:
    """A scheduler and workers of one thread, each with a nanny that starts it anew where it dies.

    `preload` is a file of `support/preloads` that workers load.
    """

    def __init__(self, folder, workers=2, preload=None):
        self.folder, self.count, self.preload = folder, workers, preload
        self.address, self.scheduler, self.workers = None, None, []

    def __enter__(self):
        self.start_scheduler()
        for _ in range(self.count):
            self.start_worker()
        self.wait()
        return self

    def wait(self):
        """Until all workers have come."""
        with distributed.Client(self.address, set_as_default=False) as client:
            if self.workers:
                client.wait_for_workers(len(self.workers))

    def __exit__(self, *error):
        for process in [*self.workers, self.scheduler]:
            kill(process)

    @property
    def deaths(self):
        """How many processes a lethal photo has ended."""
        path = self.folder / "deaths"
        return len(path.read_text()) if path.exists() else 0

    def start_scheduler(self):
        """Start it, at the address of the one before if there was one."""
        port = "0" if self.address is None else self.address.rpartition(":")[2]
        arguments = ["--host", "127.0.0.1", "--port", port, "--no-dashboard"]
        self.scheduler = self._started("distributed.cli.dask_scheduler", *arguments)
        for line in self.scheduler.stderr:
            if "Scheduler at:" in line:
                self.address = line.split()[-1]
                break
        _drain(self.scheduler)

    def start_worker(self):
        arguments = ["--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
        arguments += ["--local-directory", str(self.folder)]
        if self.preload is not None:
            path = ROOT / "tests" / "support" / "preloads" / self.preload
            arguments += ["--preload", str(path)]
        worker = self._started("distributed.cli.dask_worker", self.address, *arguments)
        _drain(worker)
        self.workers.append(worker)

    def replace(self, worker):
        """Kill a worker and its nanny, and start another."""
        kill(worker)
        self.workers.remove(worker)
        self.start_worker()

    def _started(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=environment(**SETTINGS, OMP_NUM_THREADS="1", DEATHS=str(self.folder / "deaths")),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def kill(process):
    """Kill a process, and all that it started, without a word."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.reader.join()


def _drain(process):
    """Read what it says, so that it never waits for a reader."""

    def read():
        with process.stderr as pipe:
            pipe.read()

    process.reader = threading.Thread(target=read, daemon=True)
    process.reader.start()
