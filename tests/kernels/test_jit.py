"""The promises of `kernels/jit.py`, each in processes of their own, on two small kernels."""

import os
import shutil
import subprocess
import sys

import pytest
from support.numba_cache import INTERPRETED
from support.paths import ROOT

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
from small.jit import cache_folder
from small.shelf.loop import twice

print(twice(40), sum(twice.stats.cache_hits.values()), cache_folder() is not None)
"""
FULL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"


@pytest.fixture
def run(tmp_path):
    """Runs the call in a new process: its (result, kernels read from the cache, has a folder)."""
    shelf = tmp_path / "small" / "shelf"
    shelf.mkdir(parents=True)
    for folder in (shelf.parent, shelf):
        (folder / "__init__.py").touch()
    shutil.copy(ROOT / "stn_cv" / "kernels" / "jit.py", shelf.parent)
    (shelf / "helper.py").write_text(HELPER)
    (shelf / "loop.py").write_text(KERNEL)

    def run(before="", **changed):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), **changed}
        done = subprocess.run(
            [sys.executable, "-B", "-c", before + CALL],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        result, hits, folder = done.stdout.split()
        return int(result), int(hits), folder == "True"

    return run


def test_what_was_compiled_is_read_by_the_next_process(run):
    assert run() == (42, 0, True)
    assert run() == (42, 1, True)


def test_an_edited_helper_in_another_file_of_a_subfolder_is_compiled_again(run, tmp_path):
    run()
    (tmp_path / "small" / "shelf" / "helper.py").write_text(HELPER.replace("x + 1", "x + 2"))
    assert run() == (44, 0, True)


@pytest.mark.parametrize(
    ("suffix", "damage"), [("nbi", lambda data: b"no pickle"), ("nbc", lambda data: data[:-9])]
)
def test_a_damaged_cache_is_compiled_anew_and_mended(run, tmp_path, suffix, damage):
    run()
    damaged = list((tmp_path / "cache").rglob(f"*.{suffix}"))
    assert damaged
    for path in damaged:
        path.write_bytes(damage(path.read_bytes()))
    assert run()[0] == 42
    assert run() == (42, 1, True)


def test_without_a_folder_to_write_to_each_process_compiles(run, tmp_path):
    """Nobody, not even the superuser, can make a folder below a file."""
    file = tmp_path / "file"
    file.touch()
    (tmp_path / "small" / "shelf" / "__pycache__").touch()
    (tmp_path / "small" / "__pycache__").touch()
    nowhere = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), str(file / "below"))
    for _ in range(2):
        assert run(**nowhere) == (42, 0, False)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_a_full_disk_is_no_error_and_leaves_nothing_half_written(run):
    assert run(FULL_DISK) == (42, 0, True)
    assert run() == (42, 0, True)
    assert run() == (42, 1, True)
