"""Ctrl-C during a run, in a process of its own: what is written is told."""

import os
import signal
from pathlib import Path

import pytest
from support.commands import stn_cv_started
from support.folder_cases import files_below, fixed_model, rows_of, tree

from stn_cv import rectify_folder, save

NAMES = [f"{number:03d}.png" for number in range(60)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to another process")
@pytest.mark.parametrize("times", [1, 2, 50])
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_every_output_has_its_row_however_often_ctrl_c_is_pressed(tmp_path, times, jobs):
    save(fixed_model(), tmp_path / "m.stn")
    photos, out = tree(tmp_path / "in", NAMES, 300, 400), tmp_path / "out"
    manifest = tmp_path / "m.jsonl"
    options = ["--jobs", jobs, "--manifest", manifest, "-v"]
    with stn_cv_started("rectify", tmp_path / "m.stn", photos, "-o", out, *options) as process:
        try:
            said = process.stderr.readline()
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            said += process.communicate(timeout=120)[1]
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "the same command goes on from here" in said and "Traceback" not in said
    told = {Path(row["output"]).name for row in rows_of(manifest)}
    written = files_below(out)
    assert set(written) == told and 0 < len(written) < len(NAMES)
    rest = rectify_folder(tmp_path / "m.stn", photos, out, manifest=manifest)
    assert (rest.done, rest.skipped) == (len(NAMES) - len(written), len(written))
    assert len(rows_of(manifest)) == len(NAMES)
