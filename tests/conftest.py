import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.numba_cache import INTERPRETED, numba_cache_dir, use_numba_cache
from support.paths import ROOT
from threadpoolctl import threadpool_limits

if "NUMBA_CACHE_DIR" not in os.environ:  # before anything imports numba
    use_numba_cache(numba_cache_dir())
# Threads of BLAS wait for each other at full speed wherever another process has their core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before anything imports NumPy

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
def blas_in_threads():
    """BLAS on two threads, whose sums differ: for what must not depend on their number."""
    import numpy.linalg  # noqa: F401  (its BLAS must be loaded to be found)

    with threadpool_limits(2, "blas"):
        yield


@pytest.fixture
def small_slices(monkeypatch, blas_in_threads):
    """Batches of 40 samples in at least three slices, so that the order of their sum matters."""
    monkeypatch.setattr("stn_cv.threads.SLICE", 8)
    monkeypatch.setattr("stn_cv.threads.SLICE_OF_PRODUCTS", 12)


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
