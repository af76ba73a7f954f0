"""Compiled kernels on disk: a file each, in a folder for each processor and set of sources.

In place of Numba's own cache, which asks for a folder that it can write to even where
everything is compiled already, imports half of Numba and SciPy to load what is there, and runs
damaged files. Here folders are read whether they can be written to or not; a file begins with the
hash of its content, and one that is damaged is compiled again; what was compiled for another
processor, another Numba or other sources lies in other folders, whose names say so.
"""

import contextlib
import hashlib
import logging
import os
import pickle
import secrets
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

__all__ = ["Folder", "KernelCache", "folders", "processor"]

HERE = Path(__file__).parent
HASH_BYTES, SHORT = 32, 12  # of a file; characters of a folder's name

logger = logging.getLogger("stn_cv")


@dataclass(frozen=True)
class Folder:
    """A place for compiled kernels: `path` holds those for this processor and these sources."""

    path: Path

    @property
    def writable(self) -> bool:
        """Whether kernels can be added."""
        there = next(path for path in (self.path, *self.path.parents) if path.exists())
        return there.is_dir() and os.access(there, os.W_OK)

    @property
    def count(self) -> int:
        """How many kernels it holds."""
        return len(list(self.path.glob("*.nbc")))

    @property
    def others(self) -> list[str]:
        """Processors whose kernels lie beside it, of the same sources."""
        beside = (path for path in self.path.parent.glob("*-*") if path != self.path)
        return sorted({path.name.rpartition("-")[0] for path in beside if any(path.glob("*.nbc"))})


@cache
def _sources() -> str:
    """The text of all kernels: an edited helper in another file makes everything stale."""
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:SHORT]


@cache
def _processor(target: tuple[str, ...]) -> tuple[str, str]:
    """Its name, and a hash of all that compiled code depends on but the sources."""
    python = sys.implementation.cache_tag, getattr(sys, "abiflags", "")
    versions = numba.__version__, python, bool(config.BOUNDSCHECK)
    return target[1], hashlib.sha256(repr((target, versions)).encode()).hexdigest()[:SHORT]


def processor() -> str:
    """The name of the processor that kernels are compiled for."""
    return _target()[1]


@cache
def _target() -> tuple[str, ...]:
    from numba.core.registry import cpu_target

    return cpu_target.target_context.codegen().magic_tuple()


@cache
def folders() -> tuple[Folder, ...]:
    """Where compiled kernels are looked for, and put into the first that can be written to.

    ``NUMBA_CACHE_DIR``, if it is set; if not, a folder beside the kernels and one of the user's.
    """
    if config.CACHE_DIR:
        roots = [Path(config.CACHE_DIR)]
    else:
        user = AppDirs(appname="stn_cv", appauthor=False).user_cache_dir
        roots = [HERE / "__pycache__", Path(user)]
    name = "-".join(_processor(_target()))
    return tuple(Folder(root / f"kernels-{_sources()}" / name) for root in roots)


class KernelCache:
    """What Numba asks for the code of one function, and gives it to."""

    # Kernels of all functions that this process gave to a folder, and that none could be given.
    saved = 0
    unsaved = 0
    _said = False

    def __init__(self, function: Any) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"

    @property
    def cache_path(self) -> str:
        """Where code is looked for first."""
        return str(folders()[0].path)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The function compiled for a signature; None where no folder has it whole."""
        for folder in folders():
            data = _whole(folder.path / self._file_name(signature))
            if data is not None:
                rtsys.initialize(target_context)
                return CompileResult._rebuild(target_context, *pickle.loads(data))
        self._say_once()
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, in the first folder that can be written to."""
        if compiled.lifted or compiled.library.has_dynamic_globals:
            return  # it holds addresses of this process
        data = dumps(compiled._reduce())
        name = self._file_name(signature)
        if any(_written(folder.path / name, data) for folder in folders()):
            KernelCache.saved += 1
        else:
            KernelCache.unsaved += 1
            _warn_of_no_folder()

    def _file_name(self, signature: Any) -> str:
        return f"{self.name}-{hashlib.sha256(repr(signature).encode()).hexdigest()[:SHORT]}.nbc"

    @staticmethod
    def _say_once() -> None:
        if KernelCache._said:
            return
        KernelCache._said = True
        others = {name for folder in folders() if not folder.count for name in folder.others}
        if others:
            logger.warning(
                "Compiling the kernels, though there are compiled ones for %s: this processor is "
                "%s, or has other features. NUMBA_CPU_NAME and NUMBA_CPU_FEATURES say what to "
                "compile for.", ", ".join(sorted(others)), processor(),
            )  # fmt: skip
        else:
            logger.info("Compiling the kernels, once on this machine (some seconds) ...")


def _whole(path: Path) -> bytes | None:
    """A file's content behind its hash, if it has that hash."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    content = data[HASH_BYTES:]
    return content if hashlib.sha256(content).digest() == data[:HASH_BYTES] else None


def _written(path: Path, content: bytes) -> bool:
    """Whether a file could be written, whole: at its name there is no other at any moment."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(content).digest() + content)
        os.replace(part, path)
    except OSError:  # no right to write there, or a full disk
        with contextlib.suppress(OSError):
            part.unlink()
        return False
    return True


@cache
def _warn_of_no_folder() -> None:
    places = " and ".join(str(folder.path.parents[1]) for folder in folders())
    logger.warning(
        "Kernels are compiled anew by each process: nothing can be written to %s. Run stn-cv "
        "warmup as a user who may, or set NUMBA_CACHE_DIR.", places,
    )  # fmt: skip
