"""A plan carried out: on threads, in order, item by item into the manifest."""

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..model.file import load, model_bytes
from ..model.rectifier import Rectifier
from ..opencv import quiet_and_serial
from ..threads import pinned_blas, run_stream
from .files import alone_in, check_writable
from .item import Job, Outcome, Result, rectify_item
from .manifest import Manifest
from .options import Options
from .plan import Item, Plan, make_plan
from .preview import Sheet

__all__ = ["Summary", "iter_rectified", "rectify_folder", "run_plan"]

PathLike = str | os.PathLike[str]
Sources = PathLike | Sequence[PathLike]


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    done, skipped : int
        Photos that were rectified, and whose output was there already.
    failures : list of (path, reason)
        Photos, and folders, that could not be read, warped or written.
    left : int
        Photos that were not tried, since there was no room for them.
    seconds : float
        Time of the whole run.
    """

    done: int = 0
    skipped: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    left: int = 0
    seconds: float = 0.0

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.status == "done":
            self.done += 1
        elif result.status == "skipped":
            self.skipped += 1
        else:
            self.failures.append((result.input, result.error or ""))


def as_paths(source: Sources) -> list[PathLike]:
    """One path or several, as a list."""
    return [source] if isinstance(source, (str, os.PathLike)) else list(source)


def model_of(model: Any) -> tuple[Rectifier, str]:
    """The Rectifier in a model file, an estimator, or itself; and the hash of its file."""
    if isinstance(model, (str, os.PathLike)):
        rectifier = load(model)
        return rectifier, hashlib.sha256(Path(model).read_bytes()).hexdigest()
    data = model_bytes(model)
    rectifier = model if isinstance(model, Rectifier) else model.rectifier_
    return rectifier, hashlib.sha256(data).hexdigest()


def iter_rectified(
    model: Any, source: Sources, target: PathLike, **options: Any
) -> Iterator[Result]:
    """Rectify photos one after the other, as the caller asks for them.

    Parameters
    ----------
    model : path-like, Rectifier or fitted estimator
        What rectifies.
    source : path-like or sequence of path-like
        Folders, which are searched with all below, and files.
    target : path-like
        Folder for the outputs; it mirrors the sources' trees.
    options : keyword arguments
        As in `rectify_folder`.

    Yields
    ------
    Result
        What became of each photo, in the order of the plan.

    Raises
    ------
    InvalidInputError
        As `rectify_folder`.
    ModelFileError
        If the model is refused.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``. Until the
    last photo has come, BLAS and OpenCV use one thread each, in the whole process.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> [result.status for result in stn_cv.iter_rectified(model, "photo.png", "upright")]
    ['done']
    """
    wanted = Options(**options)
    plan = make_plan(as_paths(source), target, wanted, model)
    yield from run_plan(plan, model_of(model), wanted, lambda: False)


def rectify_folder(
    model: Any,
    source: Sources,
    target: PathLike,
    *,
    listener: Callable[[Result, int], None] | None = None,
    **options: Any,
) -> Summary:
    """Rectify folders of photos, each photo at its own resolution.

    A photo is letterboxed to the model's proportions, never squashed; the transform found on
    the small copy warps the photo itself, in its own colours and depth. Each output is
    written whole or not at all, so a run that was stopped goes on with the same call.

    Parameters
    ----------
    model : path-like, Rectifier or fitted estimator
        What rectifies.
    source : path-like or sequence of path-like
        Folders, which are searched with all below, and files. Links are not followed.
    target : path-like
        Folder for the outputs, outside of the sources; it mirrors their trees.
    listener : callable or None, default None
        ``listener(result, total)``, called after each photo.
    options : keyword arguments
        ``size``: "native" (default; the model's proportions, a pixel for a pixel of the
        photo), "input" (the photo's own size) or (height, width).
        ``glob``, ``exclude``: patterns of names, or of paths below a source if with "/".
        ``existing``: "skip" (default), "overwrite" or "error".
        ``format``: such as "png"; None keeps each photo's. ``quality``: 1 to 100 for JPEG
        and WebP. ``n_jobs``: threads; None is 1, -1 all cores.
        ``limit``: rectify so many at most. ``max_pixels``: the largest photo decoded and the
        largest output. ``first_page``: take the first page or frame of several.
        ``preview``: folder for pictures of photo, frame and output side by side.
        ``manifest``: file for a line of JSON a photo. ``contact_sheet``: PNG file for the
        first photos and the least confident ones.

    Returns
    -------
    Summary
        How many were done, skipped, and failed for what reason.

    Raises
    ------
    InvalidInputError
        Before anything is written: an option makes no sense, the target lies among the
        sources or cannot be written to, two photos would have one output.
    ModelFileError
        If the model is refused.
    KeyboardInterrupt
        After Ctrl-C; photos under way are finished, and the manifest is complete so far.

    See Also
    --------
    iter_rectified : The same, photo by photo.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> stn_cv.rectify_folder(model, "photo.png", "straight", size="input").done
    1
    """
    start, summary = time.perf_counter(), Summary()
    wanted = Options(**options)
    plan = make_plan(as_paths(source), target, wanted, model)
    fitted = model_of(model)
    total = len(plan.items)
    tried = 0
    with orderly_interrupt() as interrupted:
        for result in run_plan(plan, fitted, wanted, interrupted):
            summary.add(result)
            tried += result.status != "skipped"
            if listener is not None:
                listener(result, total)
        if interrupted():
            raise KeyboardInterrupt
    summary.left = max(total + len(plan.unreadable) - tried, 0)
    summary.seconds = time.perf_counter() - start
    return summary


def run_plan(
    plan: Plan, model: tuple[Rectifier, str], options: Options, interrupted: Callable[[], bool]
) -> Iterator[Result]:
    """Results of a plan's items; each is in the manifest when it is yielded."""
    if not (plan.items or plan.skipped or plan.unreadable):
        return
    sheet = Sheet() if options.contact_sheet is not None else None
    job = Job(*model, plan.target, options)
    with ExitStack() as stack:
        for folder in _output_folders(plan.target, options):
            check_writable(folder)
        stack.enter_context(alone_in(plan.target, _folders(plan.items)))
        manifest = None
        if options.manifest is not None:
            manifest = Manifest(options.manifest)
            stack.callback(manifest.close)
        stack.enter_context(pinned_blas())
        stack.enter_context(quiet_and_serial())
        for outcome in stack.enter_context(closing(_outcomes(job, plan, interrupted))):
            if manifest is not None:
                manifest.add(outcome.result.row())
            if sheet is not None and outcome.cells is not None:
                sheet.add(outcome.cells, outcome.result.label, outcome.result.confidence)
            yield outcome.result
    if sheet is not None and options.contact_sheet is not None:
        sheet.write(options.contact_sheet)


def _output_folders(target: str, options: Options) -> set[str]:
    """Where a run writes: photos, previews, manifest and contact sheet."""
    files = [file for file in (options.manifest, options.contact_sheet) if file is not None]
    folders = {target, *(os.path.dirname(os.path.abspath(file)) for file in files)}
    return folders if options.preview is None else {*folders, os.fspath(options.preview)}


def _folders(items: Iterable[Item]) -> set[str]:
    """Where outputs and previews go."""
    paths = (path for item in items for path in (item.target, item.preview) if path is not None)
    return {os.path.dirname(path) for path in paths}


def _outcomes(
    job: Job, plan: Plan, interrupted: Callable[[], bool]
) -> Generator[Outcome, None, None]:
    """What became of everything in a plan; once the disk is full nothing more is begun."""
    for path, reason in plan.unreadable:
        yield Outcome(Result(path, "", "error", reason, model_sha256=job.model_sha256))
    for item in plan.skipped:
        yield Outcome(Result(item.source, item.target, "skipped", model_sha256=job.model_sha256))
    full = False

    def stop() -> bool:
        return full or interrupted()

    for outcome in run_stream(partial(rectify_item, job), plan.items, job.options.n_jobs, stop):
        full = full or outcome.no_more_room
        yield outcome


@contextmanager
def orderly_interrupt() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C only be remembered, the first time.

    Nothing changes off the main thread, and where Ctrl-C has a meaning of the caller's own.
    """
    asked = threading.Event()
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def remember(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        asked.set()

    signal.signal(signal.SIGINT, remember)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
