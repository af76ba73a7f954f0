"""``stn-cv doctor``: is everything here, and does it work."""

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import click

from .. import __version__
from .exit_codes import FAILED

__all__ = ["doctor"]

LIBRARIES = ("numpy", "numba", "scikit-learn", "safetensors", "threadpoolctl", "click", "rich")
WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
AVX2_ONLY = {"Haswell", "Zen"}  # OpenBLAS's names
AVX512 = {"X86_V4", "AVX512_SKX"}  # NumPy's, of 2.4 and before


@click.command()
def doctor() -> int:
    """Say what is installed here and whether it works; exits with 1 where something does not."""
    click.echo(f"stn_cv        {__version__}")
    click.echo(f"python        {platform.python_version()}, {sys.executable}")
    for library in LIBRARIES:
        click.echo(f"{library:13} {_version(library) or 'missing'}")
    healthy = all(_version(library) for library in LIBRARIES)
    for name, check in (
        ("opencv", _opencv),
        ("formats", _formats),
        ("kernel cache", _cache),
        ("warp", _warp),
        ("threads", _threads),
        ("blas", _blas),
    ):
        healthy &= _report(name, check)
    return 0 if healthy else FAILED


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _report(name: str, check: Callable[[], str]) -> bool:
    """Print what a check says; whether it passed."""
    try:
        click.echo(f"{name:13} {check()}")
    except Exception as error:  # a sick installation may raise anything
        click.echo(f"{name:13} PROBLEM: {error}")
        return False
    return True


def _opencv() -> str:
    from ..opencv import load_cv2

    flavours = [f"{name} {_version(name)}" for name in WHEELS if _version(name)]
    found = f"{load_cv2().__version__} from {', '.join(flavours) or 'no wheel'}"
    if len(flavours) > 1:
        raise RuntimeError(f"{found}: wheels of OpenCV overwrite each other; keep one.")
    return found


def _formats() -> str:
    import numpy as np

    from ..opencv import FORMATS, decode, encode

    image = np.zeros((8, 8, 3), np.uint8)
    suffixes = [format.suffix for format in FORMATS if format.is_written]
    for suffix in suffixes:
        if decode(encode(image, suffix)).shape != image.shape:
            raise RuntimeError(f"a {suffix} that was written here comes back otherwise.")
    return " ".join(suffix[1:] for suffix in suffixes)


def _cache() -> str:
    from ..kernels.cache import folders, processor

    said = [
        f"{folder.path.parents[1]}: {folder.count} for {processor()}"
        + ("" if folder.writable else ", read-only")
        for folder in folders()
        if folder.count or folder.writable
    ]
    return "; ".join(said) or (
        "none can be written: kernels are compiled anew by each process. Run stn-cv warmup as a "
        "user who may, or set NUMBA_CACHE_DIR"
    )


def _warp() -> str:
    import numpy as np

    from ..sampling import warp_affine

    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    if (warp_affine(image, [[-1, 0, 0], [0, 1, 0]]) != image[:, ::-1]).any():
        raise RuntimeError("the mirror image of a picture is wrong; clear the kernel cache.")
    return "works"


def _threads() -> str:
    from ..threads import effective_jobs

    return f"{effective_jobs(-1)} of {os.cpu_count()} cores"


def _blas() -> str:
    """Which BLAS there is; older OpenBLAS takes a new processor for one without AVX-512."""
    import numpy as np

    from ..threads import blas_pools

    pools = [pool for pool in blas_pools() if pool["user_api"] == "blas"]
    kinds = [pool.get("architecture", "any processor") for pool in pools]  # of MKL unknown
    names = sorted(
        f"{pool['internal_api']} {pool['version']} for {kind}, threads: {pool['num_threads']}"
        for pool, kind in zip(pools, kinds, strict=True)
    )
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    if AVX2_ONLY.intersection(kinds) and AVX512.intersection(found):
        names.append(
            "this processor has AVX-512: with OPENBLAS_CORETYPE=SkylakeX in the environment "
            "dense layers use it"
        )
    return "; ".join(names) or "none"
