"""The command where standard streams are closed, as under cron and in daemons."""

import os
import subprocess
import sys

import pytest
from support.folder_cases import COMMAND, environment, fixed_model, rows_of, tree

from stn_cv import save


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the streams")
@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_lose_nothing(tmp_path, closed):
    save(fixed_model(), tmp_path / "m.stn")
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    broken = (photos / "a.png").read_bytes()
    (photos / "c.png").write_bytes(broken[:-30] + b"\0" * 10 + broken[-20:])  # libpng complains
    arguments = ["rectify", "m.stn", "in", "-o", "out", "--manifest", "m.jsonl"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(),
    )
    assert done.returncode == 1
    statuses = {row["input"][-5:]: row["status"] for row in rows_of(tmp_path / "m.jsonl")}
    assert statuses == {"a.png": "done", "b.png": "done", "c.png": "error"}
