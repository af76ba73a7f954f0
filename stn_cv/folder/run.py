"""A plan carried out: on threads, in order, item by item into the manifest."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing

from ..model.rectifier import Rectifier
from ..opencv import quiet_and_serial
from ..threads import pinned_blas, run_stream
from .files import alone_in, check_writable
from .item import Job, Outcome, Result, rectify_item
from .manifest import Manifest
from .options import Options
from .plan import Item, Plan, check_names_apart
from .preview import Sheet

__all__ = ["run_plan"]


def run_plan(
    plan: Plan, model: tuple[Rectifier, str], options: Options, interrupted: Callable[[], bool]
) -> Iterator[Result]:
    """Results of a plan's items; each is in the manifest when it is yielded."""
    if not len(plan):
        return
    sheet = Sheet() if options.contact_sheet is not None else None
    job = Job(*model, plan.target, options)
    finished: dict[str, Result] = {}  # by output, until a row tells of it
    with ExitStack() as stack:
        folders = _output_folders(plan.target, options)
        for folder in folders:
            check_writable(folder)
        check_names_apart(plan.items, folders)
        stack.enter_context(alone_in(plan.target, _folders(plan.items)))
        manifest = None
        if options.manifest is not None:
            manifest = Manifest(options.manifest)
            stack.callback(manifest.close)
            stack.callback(_add_all, manifest, finished)
        stack.enter_context(pinned_blas())
        stack.enter_context(quiet_and_serial())
        for outcome in stack.enter_context(closing(_outcomes(job, plan, interrupted, finished))):
            finished.pop(outcome.result.output, None)
            if manifest is not None:
                manifest.add(outcome.result.row())
            if sheet is not None and outcome.thumbnails is not None:
                sheet.add(outcome.thumbnails, outcome.result.label, outcome.result.confidence)
            yield outcome.result
    if sheet is not None and options.contact_sheet is not None:
        sheet.write(options.contact_sheet)


def _add_all(manifest: Manifest, finished: dict[str, Result]) -> None:
    """Rows of what was finished while nobody asked for results any more."""
    for result in finished.values():
        manifest.add(result.row())


def _output_folders(target: str, options: Options) -> set[str]:
    """Where a run writes: photos, doubtful ones, previews, manifest, contact sheet, report."""
    reports = options.manifest, options.contact_sheet, options.report
    files = [file for file in reports if file is not None]
    own = [os.fspath(f) for f in (options.preview, options.aside) if f is not None]
    return {target, *own, *(os.path.dirname(os.path.abspath(file)) for file in files)}


def _folders(items: Iterable[Item]) -> set[str]:
    """Where outputs, doubtful photos and previews go."""
    return {os.path.dirname(path) for item in items for path in item.written}


def _outcomes(
    job: Job, plan: Plan, interrupted: Callable[[], bool], finished: dict[str, Result]
) -> Generator[Outcome, None, None]:
    """What became of everything in a plan; once the disk is full nothing more is begun."""
    for path, reason in plan.unreadable:
        yield Outcome(Result(path, "", "error", reason, model_sha256=job.model_sha256))
    for item in plan.skipped:
        yield Outcome(Result(item.source, item.target, "skipped", model_sha256=job.model_sha256))
    full = False

    def rectify(item: Item) -> Outcome:
        outcome = rectify_item(job, item)
        finished[outcome.result.output] = outcome.result
        return outcome

    def stop() -> bool:
        return full or interrupted()

    items = [*plan.untold, *plan.items]
    for outcome in run_stream(rectify, items, job.options.n_jobs, stop):
        full = full or outcome.no_more_room
        yield outcome
