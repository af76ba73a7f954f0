"""``stn-cv warmup``: kernels compiled ahead of their first use."""

import time
from pathlib import Path

import click

from .exit_codes import FAILED
from .options import printable

__all__ = ["warmup"]


@click.command()
@click.argument(
    "model", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def warmup(model: Path | None) -> int:
    """Compile all kernels, or those that MODEL needs to rectify and predict.

    So that no later process has to, of this user or another, even where nothing can be written.
    They go beside the installed library or, where that may not be written to, into the user's
    cache; NUMBA_CACHE_DIR in the environment, then and later, names another folder.
    """
    from ..kernels.cache import KernelCache, folders, processor
    from ..model.file import load
    from .workloads import everything, of_model, quietly

    start = time.perf_counter()
    before = KernelCache.saved  # others may fill the folders meanwhile
    for work in everything() if model is None else of_model(load(model)):
        quietly(work)
    seconds = time.perf_counter() - start
    for folder in folders():
        if folder.count:
            place = printable(str(folder.path))
            click.echo(f"{place}: {folder.count} kernels for {processor()}.")
    click.echo(f"{KernelCache.saved - before} of them were compiled now, in {seconds:.0f} s.")
    if KernelCache.unsaved:
        places = " and ".join(str(folder.path.parents[1]) for folder in folders())
        click.echo(f"stn-cv: nothing could be kept: {places} cannot be written to.", err=True)
        return FAILED
    return 0
