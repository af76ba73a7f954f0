"""A plan carried out: on threads, in order, item by item into the manifest."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial

from ..model.rectifier import Rectifier
from ..opencv import quiet_and_serial
from ..threads import pinned_blas, run_stream
from .files import alone_in, check_writable
from .item import Job, Outcome, Result, rectify_item
from .manifest import Manifest
from .options import Options
from .plan import Item, Plan
from .preview import Sheet

__all__ = ["run_plan"]


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
            if sheet is not None and outcome.thumbnails is not None:
                sheet.add(outcome.thumbnails, outcome.result.label, outcome.result.confidence)
            yield outcome.result
    if sheet is not None and options.contact_sheet is not None:
        sheet.write(options.contact_sheet)


def _output_folders(target: str, options: Options) -> set[str]:
    """Where a run writes: photos, doubtful ones, previews, manifest and contact sheet."""
    files = [file for file in (options.manifest, options.contact_sheet) if file is not None]
    own = [os.fspath(f) for f in (options.preview, options.aside) if f is not None]
    return {target, *own, *(os.path.dirname(os.path.abspath(file)) for file in files)}


def _folders(items: Iterable[Item]) -> set[str]:
    """Where outputs, doubtful photos and previews go."""
    return {os.path.dirname(path) for item in items for path in item.written}


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
