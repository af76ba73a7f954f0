"""One cache of compiled kernels for all tests, new for other sources and other flags."""

import hashlib
import os
import shutil
import time

from support.paths import ROOT

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
JIT_FLAGS = ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK")
DAY = 24 * 3600


def numba_cache_dir(**changed):
    """A cache of compiled kernels that is new for other sources and for other flags.

    Numba's own key knows neither the flags nor the helpers in other files.
    """
    flags = {**os.environ, **changed}
    key = hashlib.sha256(repr([flags.get(flag) for flag in JIT_FLAGS]).encode())
    for path in sorted((ROOT / "stn_cv" / "kernels").glob("**/*.py")):
        key.update(path.read_bytes())
    return ROOT / ".numba_cache" / key.hexdigest()[:16]


def use_numba_cache(path):
    for old in path.parent.glob("*"):
        if old != path and time.time() - old.stat().st_mtime > DAY:
            shutil.rmtree(old, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    os.utime(path)
    os.environ["NUMBA_CACHE_DIR"] = str(path)
