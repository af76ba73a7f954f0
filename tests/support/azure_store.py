"""An Azure Blob Storage server of its own (Azurite, `npm install azurite`), on loopback."""

import base64
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import os
import shutil
import signal
import subprocess

from support.object_store import free_ports

ACCOUNT = "account"
KEY = base64.b64encode(b"the key of the tests").decode()


def azurite():
    """The program's path, or None where it is not installed."""
    return shutil.which("azurite-blob")


class AzureStore:
    """The server, while it is entered; `environment` is what clients need."""

    def __enter__(self):
        (self.port,) = free_ports(1)
        options = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--inMemoryPersistence"]
        self.process = subprocess.Popen(
            [azurite(), *options, "--skipApiVersionCheck", "--disableTelemetry", "--silent"],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for line in self.process.stdout:
            if "successfully listens" in line:
                break
        return self

    def __exit__(self, *error):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def make_container(self, name):
        """Make one; clients of this library cannot."""
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        signed = "PUT" + "\n" * 12 + "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
        signed += f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        mac = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("PUT", f"/{ACCOUNT}/{name}?restype=container", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        connection.close()

    @property
    def environment(self):
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{self.port}/{ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
        }
