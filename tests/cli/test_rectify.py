"""`stn-cv rectify`: exit codes, lines, resuming, kills, Ctrl-C."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from support.commands import COMMAND, on_a_terminal, stn_cv, stn_cv_process, stn_cv_started
from support.folder_cases import contents, files_below, fixed_model, rows_of, tree
from support.picture_files import Image, picture, saved

import stn_cv as library
from stn_cv.cli.fit import fit
from stn_cv.cli.rectify import rectify
from stn_cv.families import FAMILIES
from stn_cv.folder import rectify_folder
from stn_cv.folder.options import Existing, Options
from stn_cv.opencv import FORMATS, LARGEST_PICTURE, decode, encode, read_image
from stn_cv.opencv.jpeg import DEFAULT_QUALITY

JpegImagePlugin = pytest.importorskip("PIL.JpegImagePlugin")
HEAVY = ("sklearn", "scipy.sparse", "rich", "matplotlib", "pandas")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.stn"
    library.save(fixed_model((0.1, 0.4, 0.05, 0)), path)
    return path


@pytest.fixture
def photos(tmp_path):
    return tree(tmp_path / "in", ["a.jpg", "sub/b.png", "c.jpg"])


def loaded_by(*arguments):
    report = f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    code = f"import atexit, sys; atexit.register(lambda: {report})\n{COMMAND}"
    return stn_cv_process(*arguments, code=code)


# --- exit codes


def test_0_done(model, photos, tmp_path):
    done = stn_cv("rectify", model, photos, "-o", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.startswith("3 rectified, 0 skipped, 0 failed in ")
    assert files_below(tmp_path / "out") == ["a.jpg", "c.jpg", "sub/b.png"]
    again = stn_cv("rectify", model, photos, "-o", tmp_path / "out")
    assert again.returncode == 0 and again.stdout.startswith("0 rectified, 3 skipped, 0 failed")


def test_1_some_failed_and_are_named(model, photos, tmp_path):
    (photos / "sub" / "bad.jpg").write_bytes(b"\xff\xd8\xff but no more")
    manifest = tmp_path / "m.jsonl"
    done = stn_cv("rectify", model, photos, "-o", tmp_path / "out", "--manifest", manifest)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"stn-cv: {photos / 'sub' / 'bad.jpg'}: ")
    assert "3 rectified, 0 skipped, 1 failed" in done.stdout
    assert [row["status"] for row in rows_of(manifest)].count("error") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--size", "12"], "480x640"),
        (["--size", "0x12"], "480x640"),
        (["--size", "99999x99999"], "size is"),
        (["--jobs", "0"], "--jobs"),
        (["--quality", "0"], "--quality"),
        (["--format", "gif"], "--format"),
        (["--existing", "keep"], "--existing"),
        (["--limit", "0"], "--limit"),
        (["--max-pixels", "0"], "--max-pixels"),
        (["-o", "{in}"], "lies inside the input"),
        (["-o", "{in}/sub/new"], "lies inside the input"),
        (["--preview", "{in}/look"], "lies inside the input"),
        (["--format", "jpg", "{in}/a.jpg"], "would both be written"),
        (["--existing", "error", "-o", "{there}"], "exist already"),
        (["{in}/absent"], "absent"),
        (["--no-such-option"], "--no-such-option"),
        (["--manifest", "{there}/a.jpg"], "no manifest"),
        (["--manifest", "{in}/a.jpg"], "is read, and would be written over"),
        (["{there}/z.png", "--contact-sheet", "{there}/z.png"], "is read, and would be written"),
        (["--contact-sheet", "{model}"], "is read, and would be written over"),
        (["{there}/z.png", "--contact-sheet", "{there}/z.png", "--dry-run"], "is read, and"),
        (["-o", "{there}/a.jpg/out"], "cannot write to"),
    ],
)
def test_2_usage_before_anything_is_written(model, photos, tmp_path, arguments, word):
    there = tree(tmp_path / "there", ["a.jpg", "z.png"])
    before, bytes_of_model = contents(tmp_path), model.read_bytes()
    arguments = [
        text.format(**{"in": photos, "there": there, "model": model}) for text in arguments
    ]
    done = stn_cv("rectify", model, photos, "-o", tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr and "Traceback" not in done.stderr and not done.stdout
    assert contents(tmp_path) == before and model.read_bytes() == bytes_of_model


def test_3_a_model_that_is_refused(photos, model, tmp_path):
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.stn").write_bytes(data)
    for command in (["rectify", "-o", tmp_path / "out"], ["predict"], ["rectify", "--dry-run"]):
        out = [] if "-o" in command or command == ["predict"] else ["-o", tmp_path / "out"]
        done = stn_cv(*command, *out, tmp_path / "damaged.stn", photos)
        assert done.returncode == 3 and "damaged" in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert stn_cv("info", photos / "a.jpg").returncode == 3
    assert stn_cv("rectify", tmp_path / "absent.stn", photos, "-o", "x").returncode == 2
    assert not (tmp_path / "out").exists()


def test_4_nothing_matched(model, photos, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments in (
        [tmp_path / "empty"],
        [photos, "--glob", "*.tif"],
        [photos, "--exclude", "*"],
    ):
        for more in ([], ["--dry-run"]):
            done = stn_cv("rectify", model, "-o", tmp_path / "out", *arguments, *more)
            assert done.returncode == 4 and "no photo found" in done.stderr
            assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()
    assert stn_cv("predict", model, tmp_path / "empty").returncode == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to another process")
def test_130_interrupted_with_a_manifest_complete_up_to_there(model, tmp_path):
    photos = tree(tmp_path / "in", [f"{number:03d}.png" for number in range(300)], 60, 80)
    arguments = ["--manifest", tmp_path / "m.jsonl", "--jobs", "2", "-v"]
    command = ["rectify", model, photos, "-o", tmp_path / "out", *arguments]
    process = stn_cv_started(*command, code=f"import signal\n{HANDLER}\n{COMMAND}")
    for _ in range(10):
        assert process.stderr.readline().startswith("done: ")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=50)
    assert process.returncode == 130 and "Traceback" not in stderr and not stdout
    assert "stn-cv: interrupted; the same command goes on from here.\n" in stderr
    done = files_below(tmp_path / "out")
    assert 10 <= len(done) < 300
    assert [Path(row["output"]).name for row in rows_of(tmp_path / "m.jsonl")] == done
    again = stn_cv(*command)
    assert (
        again.returncode == 0
        and f"{300 - len(done)} rectified, {len(done)} skipped" in again.stdout
    )
    assert len(rows_of(tmp_path / "m.jsonl")) == 300


HANDLER = (
    "signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's "&" switches it off
)


# --- killed at any moment


def killed_and_resumed(model, folder, kills, photos_each, seed):
    """Kill a run at random moments until it is done; every file that is seen is whole."""
    names = [f"{number:04d}.{suffix}" for number in range(photos_each) for suffix in ("jpg", "png")]
    photos = tree(folder / "in", names, 90, 120)
    wanted = folder / "wanted"
    assert stn_cv("rectify", model, photos, "-o", wanted).returncode == 0
    whole = contents(wanted)
    rng, done, landed = random.Random(seed), 0, 0
    while done < kills:
        out, manifest = folder / f"out{done}", folder / f"{done}.jsonl"
        command = ["rectify", model, photos, "-o", out, "--manifest", manifest, "--jobs", "2", "-v"]
        while done < kills:
            process = stn_cv_started(*command)
            for _ in range(rng.randrange(1, photos_each)):  # the kill shall fall among the writes
                process.stderr.readline()
            process.kill()
            process.communicate()
            done += 1
            seen = {name: data for name, data in contents(out).items() if not name.startswith(".")}
            assert all(data == whole[name] for name, data in seen.items())
            landed += 0 < len(seen) < len(whole)
            if len(seen) == len(whole):
                break
        finished = stn_cv(*command)
        assert finished.returncode == 0 and contents(out) == whole, finished.stderr
        rows = {Path(row["output"]).name for row in rows_of(manifest)}
        assert rows == set(whole)
        last = {row["output"]: row for row in rows_of(manifest)}.values()
        assert all(row["theta"] and row["label"] and row["input_sha256"] for row in last)
    return landed


@pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL to stop a run with"
)
def test_kills_leave_no_partial_output_and_a_resumed_run_gives_the_same(model, tmp_path):
    assert killed_and_resumed(model, tmp_path, 4, 40, seed=0) >= 2


DIES_WRITING = """
import os, signal, sys
import stn_cv.atomic

left = int(sys.argv.pop(1))

def dying_open(path, mode):
    global left
    left -= 1
    file = open(path, mode)
    if left == 0:
        class Dying:
            def __enter__(self):
                return self
            def __exit__(self, *error):
                pass
            def fileno(self):
                return file.fileno()
            def write(self, data):
                file.write(data[: len(data) // 2])
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        return Dying()
    return file

stn_cv.atomic.open = dying_open
"""


@pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL to stop a run with"
)
def test_a_kill_in_the_middle_of_a_write_leaves_no_part_of_a_photo(model, tmp_path):
    photos = tree(tmp_path / "in", [f"{number}.png" for number in range(6)])
    assert stn_cv("rectify", model, photos, "-o", tmp_path / "wanted").returncode == 0
    whole = contents(tmp_path / "wanted")
    command = ["rectify", model, photos, "-o", tmp_path / "out", "--jobs", "1"]
    for done in (0, 2, 4):  # each run dies in its second or third write
        killed = stn_cv_process(str(3 if done else 1), *command, code=DIES_WRITING + COMMAND)
        assert killed.returncode == -signal.SIGKILL
        names = os.listdir(tmp_path / "out")
        seen = [name for name in names if not name.startswith(".")]
        assert len(seen) == done and len(names) == done + 1
        assert all((tmp_path / "out" / name).read_bytes() == whole[name] for name in seen)
    assert stn_cv(*command).returncode == 0
    assert contents(tmp_path / "out") == whole


@pytest.mark.long
@pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL to stop a run with"
)
def test_two_hundred_kills(model, tmp_path):
    assert killed_and_resumed(model, tmp_path, 200, 200, seed=1) >= 150


# --- disks


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of a quarter megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk that can be filled needs the right to mount a tmpfs (Linux, root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_runs_full_is_said_and_everything_on_it_is_whole(model, tiny_disk, tmp_path):
    photos = tree(tmp_path / "in", [f"{number:02d}.png" for number in range(20)], 100, 100)
    manifest = tmp_path / "m.jsonl"
    command = ["rectify", model, photos, "--jobs", "2", "--manifest", manifest]
    done = stn_cv_process(*command, "-o", tiny_disk / "out")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr and "make room" in done.stderr
    outputs = contents(tiny_disk)
    assert 0 < len(outputs) < 20 and all(decode(data) is not None for data in outputs.values())
    rows = rows_of(manifest)
    assert {Path(r["output"]).name for r in rows if r["status"] == "done"} == {
        Path(name).name for name in outputs
    }


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has no users to change to")
def test_a_folder_that_is_read_only_is_said_before_any_work(model, tmp_path):
    with tempfile.TemporaryDirectory() as folder:
        photos, out = tree(Path(folder) / "in", ["a.png"]), Path(folder) / "out"
        (Path(folder) / "model.stn").write_bytes(model.read_bytes())
        out.mkdir()
        os.chmod(folder, 0o755)
        os.chmod(out, 0o555)
        drop = (  # root may write everywhere; what another user could not import comes first
            "import difflib, os, random, tempfile, click._textwrap, safetensors.numpy\n"
            "import stn_cv.folder, stn_cv.cli.progress\n"
            "if os.geteuid() == 0: os.seteuid(65534)\n"
        )
        done = stn_cv_process(
            "rectify", Path(folder) / "model.stn", photos, "-o", out, code=drop + COMMAND
        )
        os.chmod(out, 0o755)
        assert done.returncode == 2 and "Permission denied" in done.stderr, done.stderr
        assert not files_below(out)


# --- what is said


def test_a_dry_run_writes_nothing(model, photos, tmp_path):
    before = contents(tmp_path)
    tree(tmp_path / "out", ["c.jpg"])
    before = contents(tmp_path)
    done = stn_cv("rectify", model, photos, "-o", tmp_path / "out", "--dry-run", "--limit", "1")
    assert done.returncode == 0 and contents(tmp_path) == before
    assert done.stdout.splitlines() == [
        f"{photos / 'a.jpg'} -> {tmp_path / 'out' / 'a.jpg'}",
        f"{photos / 'c.jpg'} is done: {tmp_path / 'out' / 'c.jpg'}",
        "1 to rectify, 1 to skip.",
    ]


def test_quiet_and_verbose(model, photos, tmp_path):
    (photos / "bad.png").write_bytes(b"bad")
    quiet = stn_cv("rectify", model, photos, "-o", tmp_path / "1", "-q")
    assert not quiet.stdout and quiet.stderr.count("\n") == 1
    verbose = stn_cv("rectify", model, photos, "-o", tmp_path / "2", "-v")
    lines = verbose.stderr.splitlines()
    assert len(lines) == 4 and lines[0].startswith(f"done: {photos / 'a.jpg'} (")
    assert lines[1].startswith("stn-cv: ")


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux allows file names that are not Unicode"
)
def test_names_cannot_steer_the_terminal(model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"\x1b[2J.jpg", b"caf\xe9.jpg", b"two\nlines.jpg"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"bad")
    done = stn_cv("rectify", model, folder, "-o", tmp_path / "out")
    assert done.returncode == 1 and done.stderr.count("\n") == 3
    assert "\x1b" not in done.stderr and "\\x1b[2J.jpg" in done.stderr
    assert "caf\\udce9.jpg" in done.stderr and "two\\nlines.jpg" in done.stderr


def test_all_options_together(model, photos, tmp_path):
    done = stn_cv(
        *("rectify", model, photos, photos / "c.jpg", "-o", tmp_path / "out"),
        *("--size", "30x20", "--glob", "*.jpg", "--exclude", "a*", "--existing", "overwrite"),
        *("--format", "png", "--limit", "5", "--max-pixels", "100000", "--first-page"),
        *("--jobs", "2", "--preview", tmp_path / "look", "--manifest", tmp_path / "m.jsonl"),
        *("--contact-sheet", tmp_path / "sheet.png"),
    )
    assert done.returncode == 2 and "would both be written" in done.stderr
    done = stn_cv(
        *("rectify", model, photos, "-o", tmp_path / "out", "--quality", "50"),
        *("--size", "30x20", "--glob", "*.jpg", "--exclude", "a*", "--existing", "overwrite"),
        *("--format", "png", "--limit", "5", "--max-pixels", "100000", "--first-page"),
        *("--jobs", "2", "--preview", tmp_path / "look", "--manifest", tmp_path / "m.jsonl"),
        *("--contact-sheet", tmp_path / "sheet.png"),
    )
    assert done.returncode == 0, done.stderr
    assert files_below(tmp_path / "out") == ["c.png"]
    assert read_image(tmp_path / "out" / "c.png").shape == (30, 20, 3)
    assert files_below(tmp_path / "look") == ["c.png.jpg"]
    assert read_image(tmp_path / "sheet.png").ndim == 3 and len(rows_of(tmp_path / "m.jsonl")) == 1


def test_damaged_photos_are_kept_if_wanted_and_the_manifest_says_what_is_lost(model, tmp_path):
    photos = tree(tmp_path / "in", ["whole.jpg"])
    data = saved(picture(), ".jpg")
    (photos / "cut.jpg").write_bytes(data[: len(data) // 2])
    arguments = ["rectify", model, photos, "-o", tmp_path / "out"]
    refused = stn_cv(*arguments, "--manifest", tmp_path / "1.jsonl")
    assert refused.returncode == 1 and "--damaged keep" in refused.stderr
    rows = {Path(row["input"]).name: row for row in rows_of(tmp_path / "1.jsonl")}
    assert rows["cut.jpg"]["status"] == "error" and rows["cut.jpg"]["theta"] is None
    kept = stn_cv(*arguments, "--manifest", tmp_path / "2.jsonl", "--damaged", "keep")
    assert kept.returncode == 0 and not kept.stderr
    assert files_below(tmp_path / "out") == ["cut.jpg", "whole.jpg"]
    rows = {Path(row["input"]).name: row for row in rows_of(tmp_path / "2.jsonl")}
    assert "its end is missing" in rows["cut.jpg"]["damage"] and rows["cut.jpg"]["theta"]
    assert rows["whole.jpg"]["damage"] is None


@pytest.mark.parametrize(
    ("photo", "option", "wanted"), [(0, None, 0), (2, None, 2), (2, "444", 0), (0, "422", 1)]
)
def test_the_sampling_of_colours_is_kept_or_chosen(model, tmp_path, photo, option, wanted):
    (tmp_path / "a.jpg").write_bytes(saved(picture(), ".jpg", subsampling=photo))
    given = [] if option is None else ["--sampling", option]
    done = stn_cv("rectify", model, tmp_path / "a.jpg", "-o", tmp_path / "out", *given)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out" / "a.jpg") as written:
        assert JpegImagePlugin.get_sampling(written) == wanted


def test_the_help_names_what_the_library_knows():
    options = {option.name: option for option in rectify.params}
    assert options["max_pixels"].default == LARGEST_PICTURE
    assert f"of JPEG {DEFAULT_QUALITY}." in options["quality"].help
    for function in (rectify_folder, encode):
        assert f"for JPEG (None: {DEFAULT_QUALITY})" in function.__doc__
    written = {format.suffix for format in FORMATS if format.is_written}
    assert {f".{name}" for name in options["format"].type.choices} == written
    assert set(options["existing"].type.choices) == set(get_args(Existing))
    others = {"model", "sources", "out", "jobs", "dry_run", "quiet", "verbose", "scheduler"}
    others |= {"config", "save_config"}
    given = set(options) - others
    assert given == {field.name for field in fields(Options)} - {"n_jobs"}
    assert set({option.name: option for option in fit.params}["family"].type.choices) == set(
        FAMILIES
    )


# --- what is loaded


def test_rectify_loads_neither_scikit_learn_nor_the_progress_bar(model, photos, tmp_path):
    done = loaded_by("rectify", model, photos, "-o", tmp_path / "out")
    assert done.returncode == 0 and not done.stderr.strip()
    done = loaded_by("predict", model, photos)
    assert done.returncode == 0 and not done.stderr.strip()
    assert not loaded_by("info", model).stderr.strip()


def test_a_bar_on_a_terminal(model, photos, tmp_path):
    (photos / "bad.jpg").write_bytes(b"bad")
    code, shown = on_a_terminal("rectify", model, photos, "-o", tmp_path / "out")
    assert code == 1 and "4/4" in shown and "100%" in shown and shown.count("bad.jpg") == 1
