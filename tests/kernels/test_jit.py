"""The promises of `kernels/jit.py` and `cache.py`, each in processes of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from support.mutations import mutated
from support.numba_cache import INTERPRETED
from support.paths import ROOT

from stn_cv.kernels.cache import _whole

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(INTERPRETED, reason="there is no compiler, so no cache"),
]

HELPER = """
from ..jit import inner

@inner
def step(x):
    return x + 1
"""
KERNEL = """
from ..jit import kernel
from .helper import step

@kernel
def twice(x):
    return step(step(x))
"""
CALL = """
from small.cache import folders
from small.shelf.loop import twice

print(twice(40), sum(twice.stats.cache_hits.values()), any(f.writable for f in folders()))
"""
FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
OTHER_USER = """
import os, numba
numba.njit(lambda x: x + 1)(1)  # what another user could not import comes first
if os.geteuid() == 0: os.setuid(65534)
"""


@pytest.fixture
def room():
    """A folder that other users may look into."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def furnish(room):
    """A small package with the cache and a kernel, whose helper is in another file."""
    shelf = room / "small" / "shelf"
    shelf.mkdir(parents=True)
    for folder in (shelf.parent, shelf):
        (folder / "__init__.py").touch()
    for file in ("jit.py", "cache.py"):
        shutil.copy(ROOT / "stn_cv" / "kernels" / file, shelf.parent)
    (shelf / "helper.py").write_text(HELPER)
    (shelf / "loop.py").write_text(KERNEL)


def called(room, before="", **changed):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(room / "cache"), **changed}
    done = subprocess.run(
        [sys.executable, "-B", "-c", before + CALL],
        cwd=room, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def start(room):
    """Runs the call in a new process: what came of it, ended."""
    furnish(room)
    return partial(called, room)


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    room = tmp_path_factory.mktemp("compiled")
    furnish(room)
    called(room)
    return room / "cache"


@pytest.fixture
def compiled(room, compiled_once):
    """The file of the kernel, as a process before has left it."""
    shutil.copytree(compiled_once, room / "cache")
    (path,) = kernels_in(room)
    return path


@pytest.fixture
def run(start):
    """Runs the call in a new process: its (result, kernels read from the cache, may it write)."""

    def run(before="", **changed):
        result, hits, writable = start(before, **changed).stdout.split()
        return int(result), int(hits), writable == "True"

    return run


def kernels_in(room, function="twice"):
    return sorted((room / "cache").rglob(f"*.{function}-*.nbc"))


def test_what_was_compiled_is_read_by_the_next_process(run):
    assert run() == (42, 0, True)
    assert run() == (42, 1, True)


def test_an_edited_helper_in_another_file_of_a_subfolder_is_compiled_again(run, room, compiled):
    (room / "small" / "shelf" / "helper.py").write_text(HELPER.replace("x + 1", "x + 2"))
    assert run() == (44, 0, True)


def flipped(data):
    """Three bits of the machine code, in which it may be anything, changed."""
    changed = bytearray(data)
    for place in (len(data) // 3, len(data) // 2, len(data) - 9):
        changed[place] ^= 16
    return bytes(changed)


@pytest.mark.parametrize("damage", [lambda data: b"none", lambda data: data[:-9], flipped])
def test_a_damaged_kernel_is_compiled_anew_and_mended(run, compiled, damage):
    compiled.write_bytes(damage(compiled.read_bytes()))
    assert _whole(compiled) is None
    assert run() == (42, 0, True)
    assert _whole(compiled) is not None
    assert run() == (42, 1, True)


def test_every_flipped_bit_is_noticed(compiled):
    data = compiled.read_bytes()
    assert _whole(compiled) == data[32:]
    for place in range(0, len(data), 101):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        compiled.write_bytes(changed)
        assert _whole(compiled) is None, place


def fuzzed(compiled, run, files, processes):
    """Damage a kernel's file so many times: seen by its hash, and never run."""
    data = compiled.read_bytes()
    for seed in range(files):
        other = mutated(data, [seed, 3])
        compiled.write_bytes(other)
        assert other == data or _whole(compiled) is None, seed
        if seed < processes:
            assert run() == (42, int(other == data), True), seed


def test_damage_is_noticed_and_no_process_dies_of_it(compiled, run):
    fuzzed(compiled, run, files=300, processes=3)


@pytest.mark.long
def test_damage_is_noticed_and_no_process_dies_of_it_in_full_count(compiled, run):
    fuzzed(compiled, run, files=20_000, processes=100)


def test_without_a_folder_to_write_to_each_process_compiles_and_says_so(start, run, room):
    """Nobody, not even the superuser, can make a folder below a file."""
    file = room / "file"
    file.touch()
    (room / "small" / "__pycache__").touch()
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME"), str(file / "below"))
    for cache in ("", str(file / "below")):
        assert run(NUMBA_CACHE_DIR=cache, **nowhere) == (42, 0, False)
    said = start(NUMBA_CACHE_DIR=cache, **nowhere).stderr
    assert "compiled anew by each process" in said and str(file / "below") in said


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no users to change to")
@pytest.mark.parametrize("folder", ["", "cache"])
def test_what_one_user_compiled_another_reads_where_nothing_can_be_written(start, room, folder):
    """Beside the installed kernels, or in a folder that was named; without a home."""
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME"), str(room / "small" / "__init__.py"))
    changed = {"NUMBA_CACHE_DIR": folder and str(room / folder), **nowhere}
    start(**changed)
    for path in (room, *room.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = start(OTHER_USER, **changed)
    for path in (room, *room.rglob("*")):
        path.chmod(0o755)
    assert done.stdout.split() == ["42", "1", "False"] and not done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_a_full_disk_is_no_error_and_leaves_nothing_half_written(run, room):
    assert run(FULL_DISK) == (42, 0, True)
    assert not list((room / "cache").rglob("*.*"))
    assert run() == (42, 0, True)
    assert run() == (42, 1, True)


def test_kernels_of_another_processor_are_left_and_said(start, room, compiled):
    said = start(NUMBA_CPU_NAME="x86-64", NUMBA_CPU_FEATURES="+sse2")
    assert said.stdout.split()[:2] == ["42", "0"]
    assert compiled.parent.name.rpartition("-")[0] in said.stderr and "x86-64" in said.stderr
    assert len(kernels_in(room)) == 2
    for changed in ({}, {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2"}):
        again = start(**changed)
        assert again.stdout.split()[:2] == ["42", "1"] and not again.stderr


def test_code_with_checked_bounds_is_kept_apart(run):
    run(NUMBA_BOUNDSCHECK="0")
    assert run(NUMBA_BOUNDSCHECK="1") == (42, 0, True)
    assert run(NUMBA_BOUNDSCHECK="0") == (42, 1, True)


def test_what_is_there_is_loaded_without_the_compiler_s_half_of_numba(start, compiled):
    before = "import sys, atexit\natexit.register(lambda: print('scipy.linalg' in sys.modules))\n"
    assert start(before).stdout.split()[-1] == "False"
