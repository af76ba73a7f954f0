"""The command where standard streams are closed, as under cron and in daemons."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import COMMAND, environment, stn_cv_process
from support.folder_cases import fixed_model, rows_of, tree
from support.picture_files import Image, picture, saved

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


def test_names_that_the_terminal_cannot_show_are_spelled_out(tmp_path):
    save(fixed_model(), tmp_path / "m.stn")
    tree(tmp_path / "in", ["żółw 猫.png"])
    arguments = ["rectify", "m.stn", "in", "-o", "out", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(PYTHONIOENCODING="latin-1"),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u732b.png -> " in done.stdout and b"1 to rectify" in done.stdout


def test_a_reader_that_went_away_ends_no_run(tmp_path):
    save(fixed_model(), tmp_path / "m.stn")
    tree(tmp_path / "in", [f"{number}.png" for number in range(8)])
    arguments = ["rectify", "m.stn", "in", "-o", "out", "-v", "--manifest", "m.jsonl"]
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=writer,
    )
    os.close(writer)
    assert [row["status"] for row in rows_of(tmp_path / "m.jsonl")] == ["done"] * 8


def test_no_line_of_a_c_library_is_said_and_every_failure_is_named(tmp_path):
    """libtiff says "Using code not yet in table", libpng "CRC error", and neither of what."""
    save(fixed_model(), tmp_path / "m.stn")
    photos = tree(tmp_path / "in", ["a.png", "b.jpg"])
    for name, options in (("lzw.tiff", {"compression": "tiff_lzw"}), ("a.png", {}), ("b.jpg", {})):
        data = bytearray(saved(picture(), Path(name).suffix, **options))
        data[len(data) // 2 : len(data) // 2 + 40] = b"\xff\x41" * 20
        (photos / name).write_bytes(data)
    for damaged in ("refuse", "keep"):
        arguments = ["rectify", tmp_path / "m.stn", photos, "-o", tmp_path / damaged, "--jobs", "1"]
        done = stn_cv_process(*arguments, "--damaged", damaged)
        failed = 3 if damaged == "refuse" else 1  # what a PNG loses is not known
        assert done.returncode == 1 and f"{failed} failed" in done.stdout
        how_far = re.compile(r"\d+ of \d+, ")  # said every few seconds
        lines = [line for line in done.stderr.splitlines() if not how_far.match(line)]
        assert len(lines) == failed and all(line.startswith("stn-cv: /") for line in lines), lines


def test_warnings_of_pillow_that_name_no_photo_are_not_shown(tmp_path):
    save(fixed_model(), tmp_path / "m.stn")
    tree(tmp_path / "in", ["a.png"])
    inks = Image.fromarray(picture()).convert("CMYK")
    data = bytearray(saved(inks, ".tiff", tiffinfo={305: "so and so" * 9}))
    struct.pack_into("<I", data, data.index(struct.pack("<HH", 305, 2)) + 8, 2**31 - 1)
    (tmp_path / "in" / "b.tif").write_bytes(data)
    with pytest.warns(UserWarning), Image.open(tmp_path / "in" / "b.tif") as image:
        image.load()
    done = stn_cv_process("rectify", tmp_path / "m.stn", tmp_path / "in", "-o", tmp_path / "out")
    assert done.returncode == 0 and "2 rectified" in done.stdout
    assert not done.stderr
