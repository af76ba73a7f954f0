import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
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


if "NUMBA_CACHE_DIR" not in os.environ:  # before anything imports numba
    use_numba_cache(numba_cache_dir())

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # the first example compiles
COMMON = {"deadline": None, "suppress_health_check": SLOW}
settings.register_profile("default", max_examples=50, **COMMON)
settings.register_profile("ci", max_examples=50, derandomize=True, print_blob=True, **COMMON)
settings.register_profile("interpreted", max_examples=10, derandomize=True, **COMMON)
settings.register_profile("long", max_examples=2000, print_blob=True, **COMMON)


def hypothesis_profile(marker_expression):
    if INTERPRETED:
        return "interpreted"
    if "long" in marker_expression and "not long" not in marker_expression:
        return "long"
    return "ci" if os.environ.get("CI") else "default"


@pytest.fixture
def small_slices(monkeypatch):
    """Batches of 40 samples in at least three slices, so that the order of their sum matters."""
    monkeypatch.setattr("stn_cv.slices.SLICE", 8)
    monkeypatch.setattr("stn_cv.slices.SLICE_OF_PRODUCTS", 12)


def pytest_configure(config):
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile(hypothesis_profile(config.getoption("-m") or ""))
    if INTERPRETED:  # scalars wrap around or become NaN on purpose; compiled code does not warn
        for what in (
            "overflow encountered in scalar",
            "invalid value encountered in (scalar|cast)",
        ):
            config.addinivalue_line("filterwarnings", f"ignore:{what}:RuntimeWarning")


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data that is too large, or not ours, to ship."""
    path = Path(os.environ.get("STN_CV_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no real data at {path}; set STN_CV_DATA to the folder that holds it")
    return path
