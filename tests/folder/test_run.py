"""A run over folders: threads, bad files, what cannot be written, Ctrl-C, memory."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from support.commands import environment
from support.folder_cases import (
    contents,
    files_below,
    fixed_model,
    one,
    put,
    rows_of,
    tree,
)
from support.paths import ROOT
from support.picture_files import (
    Image,
    bomb,
    lying,
    picture,
    saved,
)

import stn_cv
from stn_cv import atomic, iter_rectified, rectify_folder
from stn_cv.errors import InvalidInputError, InvalidTypeError
from stn_cv.folder import item
from stn_cv.folder.files import read_photo_file
from stn_cv.opencv import LARGEST_PICTURE, decode, encode

# --- results do not depend on how


def test_outputs_do_not_depend_on_the_number_of_threads(tmp_path):
    photos = tree(tmp_path / "in", [f"{number}.jpg" for number in range(20)])
    model = fixed_model((0.1, 0.4, 0.1, 0.05))
    orders = []
    for jobs in (1, 2, 5):
        out = tmp_path / str(jobs)
        orders.append([r.input for r in iter_rectified(model, photos, out, n_jobs=jobs)])
    assert contents(tmp_path / "1") == contents(tmp_path / "2") == contents(tmp_path / "5")
    assert orders[0] == orders[1] == orders[2] == sorted(orders[0])


def test_models_come_as_files_rectifiers_and_estimators(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    X = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    model = stn_cv.SpatialTransformer(head="linear", max_iter=1).fit(X, np.arange(20) % 2)
    stn_cv.save(model, tmp_path / "m.stn")
    for number, given in enumerate((model, model.rectifier_, str(tmp_path / "m.stn"))):
        rectify_folder(given, str(photos), tmp_path / str(number), manifest=tmp_path / "rows")
    assert contents(tmp_path / "0") == contents(tmp_path / "1") == contents(tmp_path / "2")
    assert len({row["model_sha256"] for row in rows_of(tmp_path / "rows")}) == 1


def test_existing_outputs_are_kept_or_replaced(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    put(tmp_path / "out" / "a.png", b"mine")
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").skipped == 1
    assert (tmp_path / "out" / "a.png").read_bytes() == b"mine"
    done = rectify_folder(fixed_model(), photos, tmp_path / "out", existing="overwrite").done
    assert done == 2 and (tmp_path / "out" / "a.png").read_bytes() != b"mine"


# --- one bad file costs one file


def poison(folder):
    """Files that are bad in many ways, and what is said of each."""
    whole = saved(picture(), ".png")
    bad = {
        "cut.png": (whole[:-20], "cut off"),
        "cut.jpg": (saved(picture(), ".jpg")[:-30], "cut off"),
        "empty.jpg": (b"", "begin as no image"),
        "text.tif": (b"this is no TIFF, only a text", "begin as no image"),
        "bomb.png": (bomb(), "megapixels"),
        "lie.jpg": (lying(".jpg", 60_000, 60_000), "megapixels"),
        "lab.tiff": (saved(Image.new("LAB", (8, 8)), ".tiff"), "colour model"),
        "nan.tiff": (encode(np.full((8, 8), np.nan, np.float32), ".tiff"), "white at 1"),
        "pages.tiff": (
            saved(
                Image.fromarray(picture()),
                ".tiff",
                save_all=True,
                append_images=[Image.fromarray(picture())],
            ),
            "--first-page",
        ),
        "noise.bmp": (b"BM" + bytes(range(200)), ""),
        "gif.png": (b"GIF89a" + bytes(50), "begin as no image"),
    }
    for name, (data, _) in bad.items():
        put(folder / name, data)
    return {name: said for name, (_, said) in bad.items()}


@pytest.mark.parametrize("jobs", [1, 3])
def test_bad_files_are_named_once_and_cost_no_other(tmp_path, jobs):
    photos = tree(tmp_path / "in", [f"good{number}.jpg" for number in range(30)])
    bad = poison(photos)
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", n_jobs=jobs)
    assert summary.done == 30 and summary.left == 0
    assert sorted(Path(path).name for path, _ in summary.failures) == sorted(bad)
    for path, reason in summary.failures:
        assert bad[Path(path).name] in reason, (path, reason)
    assert files_below(tmp_path / "out") == sorted(f"good{number}.jpg" for number in range(30))


def test_a_failure_nobody_thought_of_costs_one_file(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", ["a.png", "b.png", "c.png"])
    find, calls = item.find, []

    def fail_once(*arguments):
        calls.append(0)
        if len(calls) == 2:
            raise ZeroDivisionError("planted")
        return find(*arguments)

    monkeypatch.setattr(item, "find", fail_once)
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 2
    assert summary.failures == [(str(photos / "b.png"), "ZeroDivisionError: planted")]


def test_of_two_files_the_one_that_failed_is_named(tmp_path):
    photos = tree(tmp_path / "in", ["sub/a.png", "b.png"])
    put(tmp_path / "out" / "sub", b"a file where a folder should be")
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 1
    ((path, reason),) = summary.failures
    assert path == str(photos / "sub" / "a.png") and repr(str(tmp_path / "out" / "sub")) in reason


def test_a_photo_that_vanishes_or_is_forbidden_is_named(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    results = iter_rectified(fixed_model(), photos, tmp_path / "out")
    assert next(results).status == "done"
    (photos / "b.png").unlink()
    assert next(results).error == "No such file or directory"


def test_a_pipe_named_on_its_own_is_refused_without_waiting(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    results = iter_rectified(fixed_model(), photos, tmp_path / "out")
    next(results)
    (photos / "b.png").unlink()
    os.mkfifo(photos / "b.png")
    assert "no regular file" in next(results).error


# --- writing


def test_a_link_in_the_output_is_not_followed(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "sub/b.png", "sub/deep/c.png"])
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(outside)
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert summary.done == 1 and len(summary.failures) == 2
    assert all("link" in reason for _, reason in summary.failures)
    assert not files_below(outside) and not (outside / "deep").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no paths of open folders")
def test_a_link_that_comes_in_a_folder_s_place_during_the_run_is_not_followed(
    tmp_path, monkeypatch
):
    photos = tree(tmp_path / "in", ["sub/a.png", "sub/b.png"])
    out, outside, open_new, swaps = tmp_path / "out", tmp_path / "outside", os.open, []
    outside.mkdir()

    def swapped(path, *arguments, **options):
        opened = open_new(path, *arguments, **options)
        if path == "sub":  # at the latest moment: the folder was found to be no link, and is held
            swaps.append((out / "sub").rename(tmp_path / f"moved{len(swaps)}"))
            (out / "sub").symlink_to(outside)
        return opened

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", swapped)
        summary = rectify_folder(fixed_model(), photos, out, n_jobs=1)
    assert not files_below(outside) and len(swaps) == 1
    assert summary.done == 1 and "is a link" in summary.failures[0][1]
    assert files_below(tmp_path / "moved0") == ["a.png"]


def test_a_folder_that_cannot_be_written_is_found_before_any_work(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    put(tmp_path / "file", b"")
    with pytest.raises(InvalidInputError, match="cannot write to"):
        rectify_folder(fixed_model(), photos, tmp_path / "file" / "out")


def test_a_full_disk_stops_the_run_and_says_so(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", [f"{number}.png" for number in range(9)])
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(0)
        if len(calls) > 6:  # a file and its folder each
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        summary = rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert (summary.done, len(summary.failures), summary.left) == (3, 1, 5)
    assert summary.failures[0][1] == f"No space left on device: {str(tmp_path / 'out' / '3.png')!r}"
    assert files_below(tmp_path / "out") == ["0.png", "1.png", "2.png"]
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").done == 6


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_file_that_the_system_cuts_off_is_no_output(tmp_path):
    photos = tree(tmp_path / "in", ["big.png"], 200, 200)
    tree(photos, ["small.png"], 8, 8)
    stn_cv.save(fixed_model(), tmp_path / "m.stn")
    code = (
        "import resource, signal, sys; import stn_cv\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "model = stn_cv.load(sys.argv[1])\n"
        "stn_cv.rectify_folder(model, sys.argv[2], sys.argv[3] + '-before')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "print(stn_cv.rectify_folder(model, sys.argv[2], sys.argv[3]).failures)\n"
    )
    arguments = [str(tmp_path / name) for name in ("m.stn", "in", "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
    )
    assert "big.png" in done.stdout and "File too large" in done.stdout, done.stderr
    assert files_below(tmp_path / "out") == ["small.png"]


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    first = iter_rectified(fixed_model(), photos, tmp_path / "out")
    next(first)
    with pytest.raises(InvalidInputError, match="another run"):
        rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert next(first).status == "done"
    assert next(first, None) is None
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").skipped == 2


@pytest.mark.parametrize("existing", ["skip", "overwrite"])
@pytest.mark.parametrize("links", [True, False])
def test_an_output_that_came_into_being_during_the_run_is_kept(
    tmp_path, monkeypatch, existing, links
):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    if not links:
        monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError(errno.EPERM, "no")))
    results = iter_rectified(fixed_model(), photos, tmp_path / "out", existing=existing)
    next(results)
    put(tmp_path / "out" / "b.png", b"mine")
    assert "came into being" in next(results).error
    results.close()
    assert contents(tmp_path / "out")["b.png"] == b"mine" and len(contents(tmp_path / "out")) == 2


@pytest.fixture
def folding_disk(tmp_path):
    """A file system that takes upper and lower case for one, and knows no links."""
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir()
    image.write_bytes(bytes(2**23))
    device = None
    for make, mount in (("mkfs.exfat", "mount.exfat-fuse"), ("mkfs.vfat", "mount")):
        if shutil.which(make) and shutil.which(mount):
            subprocess.run([make, image], check=True, capture_output=True)
            find = ["losetup", "--find", "--show", image]
            device = subprocess.run(find, capture_output=True, text=True).stdout.strip() or None
            break
    if device is None:
        pytest.skip("a disk that folds case needs exfat-fuse and exfatprogs, and root (Linux)")
    try:
        subprocess.run([mount, device, folder], check=True, capture_output=True)
        yield folder
        subprocess.run(["umount", folder], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_names_that_a_disk_takes_for_one_are_refused(folding_disk, tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "A.png", "b.png"])
    with pytest.raises(InvalidInputError, match="for one"):
        rectify_folder(fixed_model(), photos, folding_disk / "out")
    assert not files_below(folding_disk)
    (photos / "A.png").unlink()
    out, manifest = folding_disk / "out", folding_disk / "m.jsonl"
    results = iter_rectified(fixed_model(), photos, out, manifest=manifest)
    next(results)
    put(out / "B.PNG", b"mine")
    assert "came into being" in next(results).error
    results.close()
    assert files_below(out) == ["B.PNG", "a.png"] and (out / "b.png").read_bytes() == b"mine"


def test_names_that_differ_in_case_are_refused_if_the_disk_says_so(tmp_path, monkeypatch):
    photos = tree(tmp_path / "in", ["a.png", "A.png", "b.png"])
    if len(files_below(photos)) < 3:
        pytest.skip("this disk takes them for one already")
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").done == 3
    lexists = os.path.lexists

    def as_that_disk(path):
        return lexists(path) or os.path.basename(path).startswith(".STN_CV-")

    monkeypatch.setattr(os.path, "lexists", as_that_disk)
    with pytest.raises(InvalidInputError, match="for one"):
        rectify_folder(fixed_model(), photos, tmp_path / "other")
    assert not files_below(tmp_path / "other")


def test_what_a_killed_run_left_half_written_is_cleared(tmp_path):
    pytest.importorskip("fcntl")
    photos = tree(tmp_path / "in", ["a.png", "sub/b.png"])
    for folder in ("out", "out/sub"):
        put(tmp_path / folder / ".stn_cv-0123456789abcdef.part", b"half")
    put(tmp_path / "out" / ".mine.part", b"mine")
    rectify_folder(fixed_model(), photos, tmp_path / "out")
    assert files_below(tmp_path / "out") == [".mine.part", "a.png", "sub/b.png"]


def test_what_another_run_is_writing_is_left_alone(tmp_path):
    """Two runs may share a folder of previews."""
    pytest.importorskip("fcntl")
    photos = tree(tmp_path / "in", ["a.png"])
    (tmp_path / "seen").mkdir()
    part, file = atomic._part_beside(tmp_path / "seen" / "b.jpg")
    with file:
        rectify_folder(fixed_model(), photos, tmp_path / "out", preview=tmp_path / "seen")
        assert part.exists()
    rectify_folder(
        fixed_model(), photos, tmp_path / "out", preview=tmp_path / "seen", existing="overwrite"
    )
    assert not part.exists()


def test_a_photo_that_was_mended_without_the_manifest_is_no_error_there(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    good = (photos / "b.png").read_bytes()
    put(photos / "b.png", b"\x89PNG\r\n\x1a\nbroken")
    manifest = tmp_path / "m.jsonl"
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    put(photos / "b.png", good)
    rectify_folder(fixed_model(), photos, tmp_path / "out")
    rectify_folder(fixed_model(), photos, tmp_path / "out", manifest=manifest)
    last = {row["output"][-5:]: row["status"] for row in rows_of(manifest)}
    assert last == {"a.png": "done", "b.png": "done"} and len(rows_of(manifest)) == 3


def test_labels_that_are_objects_are_in_the_manifest(tmp_path):
    model = fixed_model()
    model.classes = model.classes.astype(str).astype(object)
    path = put(tmp_path / "a.png", encode(picture(), ".png"))
    result = one(model, path, tmp_path / "out", manifest=tmp_path / "m.jsonl")
    assert result.status == "done" and result.label in model.classes


def test_a_folder_is_no_photo_and_costs_no_descriptor(tmp_path):
    for _ in range(3):
        with pytest.raises(InvalidInputError, match="no regular file"):
            read_photo_file(str(tmp_path), 10)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.close(descriptor)
    with pytest.raises(InvalidInputError, match="no regular file"):
        read_photo_file(str(tmp_path), 10)
    again = os.open(tmp_path, os.O_RDONLY)
    os.close(again)
    assert again == descriptor


@pytest.mark.skipif(sys.platform == "win32", reason="no sparse files without asking for them")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_of_a_file_far_longer_than_its_picture_only_the_start_is_read(tmp_path, suffix):
    path = put(tmp_path / f"a{suffix}", saved(picture(), suffix))
    assert read_photo_file(str(path), 10_000) == path.read_bytes()
    os.truncate(path, 2**30)
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="bytes are more than 3072 pixels need"):
        read_photo_file(str(path), LARGEST_PICTURE)
    with pytest.raises(InvalidInputError, match="megapixels"):
        read_photo_file(str(path), 3071)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_nothing_to_do_writes_nothing(tmp_path):
    (tmp_path / "in").mkdir()
    summary = rectify_folder(fixed_model(), tmp_path / "in", tmp_path / "out")
    assert (summary.done, summary.skipped, summary.left, summary.failures) == (0, 0, 0, [])
    assert not (tmp_path / "out").exists()


# --- Ctrl-C and threads


@pytest.fixture
def usual_ctrl_c():
    """Python's own meaning, which a shell's "&" switches off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_ctrl_c")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_finishes_what_is_under_way_and_the_manifest_knows(tmp_path, jobs):
    photos = tree(tmp_path / "in", [f"{number:02d}.png" for number in range(40)])
    manifest = tmp_path / "m.jsonl"
    told, before = [], signal.getsignal(signal.SIGINT)

    def interrupt(result, total):
        told.append(result)
        assert total == 40
        if len(told) >= 5:  # once more for each photo that is finished
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        rectify_folder(
            fixed_model(),
            photos,
            tmp_path / "out",
            listener=interrupt,
            n_jobs=jobs,
            manifest=manifest,
        )
    done = files_below(tmp_path / "out")
    assert 5 <= len(done) < 40
    assert [Path(row["output"]).name for row in rows_of(manifest)] == done
    assert signal.getsignal(signal.SIGINT) is before
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").done == 40 - len(done)


def test_a_meaning_of_ctrl_c_that_the_caller_gave_stays(tmp_path):
    photos = tree(tmp_path / "in", ["a.png", "b.png"])
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append(0))
    try:
        summary = rectify_folder(
            fixed_model(),
            photos,
            tmp_path / "out",
            listener=lambda *_: signal.raise_signal(signal.SIGINT),
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert summary.done == 2 and len(calls) == 2


def test_it_works_off_the_main_thread(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    summaries = []
    thread = threading.Thread(
        target=lambda: summaries.append(rectify_folder(fixed_model(), photos, tmp_path / "out"))
    )
    thread.start()
    thread.join()
    assert summaries[0].done == 1


def test_stopping_to_ask_for_results_leaves_everything_in_order(tmp_path):
    photos = tree(tmp_path / "in", [f"{number}.png" for number in range(9)])
    results = iter_rectified(fixed_model(), photos, tmp_path / "out", n_jobs=2)
    next(results)
    results.close()
    assert all(decode(data) is not None for data in contents(tmp_path / "out").values())
    assert rectify_folder(fixed_model(), photos, tmp_path / "out").left == 0


# --- memory

GROWTH = """
import gc, json, os, sys
import stn_cv
from pathlib import Path

def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGESIZE')

few, many, step = int(sys.argv[4]), int(sys.argv[5]), 0
model = stn_cv.load(sys.argv[1])
sizes = {}

def listener(result, total):
    global step
    assert result.status == 'done', result.error
    step += 1
    if step in (few, many):
        gc.collect()
        sizes[step] = resident()

stn_cv.rectify_folder(model, sys.argv[2], sys.argv[3], n_jobs=2, listener=listener,
                      manifest=sys.argv[3] + '.jsonl', contact_sheet=sys.argv[3] + '.png')
print(json.dumps([sizes[few], sizes[many]]))
"""


def memory_growth(tmp_path, few, many):
    """Bytes by which a process grows from its first `few` photos to `many`."""
    photos = tmp_path / "in"
    photos.mkdir()
    first = encode(picture(240, 320), ".jpg")
    (photos / "0.jpg").write_bytes(first)
    for number in range(1, many):
        os.link(photos / "0.jpg", photos / f"{number}.jpg")
    stn_cv.save(fixed_model((0.1, 0.4, 0, 0)), tmp_path / "m.stn")
    arguments = [tmp_path / "m.stn", photos, tmp_path / "out", few, many]
    command = [sys.executable, "-c", GROWTH, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    return after - before


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="this system does not tell its memory in /proc"
)
def test_memory_stays_flat(tmp_path):
    assert memory_growth(tmp_path, 250, 500) <= 16 * 2**20


@pytest.mark.long
@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="this system does not tell its memory in /proc"
)
def test_memory_stays_flat_over_ten_thousand_photos(tmp_path):
    assert memory_growth(tmp_path, 500, 10_000) <= 16 * 2**20


@pytest.mark.long
def test_fifty_bad_among_ten_thousand(tmp_path):
    photos = tree(tmp_path / "in", ["0.jpg"], 24, 32)
    for number in range(1, 10_000):
        if number % 200:
            os.link(photos / "0.jpg", photos / f"{number}.jpg")
        else:
            put(photos / f"{number}.jpg", saved(picture(seed=number), ".jpg")[: number // 10])
    put(photos / "1.jpg.new", b"")
    os.replace(photos / "1.jpg.new", photos / "1.jpg")  # not through the link
    summary = rectify_folder(fixed_model(), photos, tmp_path / "out", n_jobs=2)
    assert summary.done == 9950 and len(summary.failures) == 50
    assert len({path for path, _ in summary.failures}) == 50
    assert len(files_below(tmp_path / "out")) == 9950


def test_what_is_no_model_is_called_so(tmp_path):
    photos = tree(tmp_path / "in", ["a.png"])
    with pytest.raises(InvalidTypeError, match="model is of type int; wanted a model file"):
        rectify_folder(3, photos, tmp_path / "out")
    with pytest.raises(InvalidInputError, match="not fitted"):
        rectify_folder(stn_cv.SpatialTransformer(), photos, tmp_path / "out")
    with pytest.raises(InvalidTypeError, match="cannot be loaded from int"):
        stn_cv.load(3)
