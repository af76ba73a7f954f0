"""A plan carried out: shards handed to an executor, its results told in order."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain

from ..model.rectifier import Rectifier
from ..storage import absolute, is_address, remove_folder
from .executors import Executor
from .files import alone_in, check_writable, clear_unfinished, folds_names
from .item import Job, Outcome
from .manifest import PASSED_OVER, Manifest, Row, StoredManifest, parts_of
from .options import Options, PathLike
from .plan import Plan
from .preview import Sheet
from .progress import Progress
from .result import Result
from .shard import Shard

__all__ = ["run_plan"]

REMEMBERED = 4096  # folders, so that not all of them are looked into again and again


def run_plan(
    plan: Plan,
    model: tuple[Rectifier, str],
    executor: Executor,
    interrupted: Callable[[], bool],
    progress: Progress,
) -> Iterator[Result]:
    """Results of a plan's photos; each is in the manifest when it is yielded.

    The rows of one shard of several are in its part of the manifest, when the shard is done.
    """
    options = plan.options
    shards = progress.counted(plan.shards())
    first = next(shards, None)
    if first is None or not first.items:
        return
    parts = None if options.manifest is None else parts_of(options.manifest)
    stored = options.manifest is not None and is_address(os.fspath(options.manifest))
    apart = executor.needs_parts or stored or options.shard is not None
    job = Job(*model, plan.target, options, parts if apart else None)
    full = False

    def stop() -> bool:
        return full or interrupted()

    with ExitStack() as stack:
        alone = stack.enter_context(_ready(plan))
        record = stack.enter_context(closing(_Record(options, executor)))
        begun: Iterator[Shard] = chain([first], shards)
        begun = _cleared(begun) if alone else begun
        for outcome in stack.enter_context(closing(executor.outcomes(job, begun, stop))):
            full = full or outcome.no_more_room
            record.add(outcome)
            progress.came += 1
            yield outcome.result
        if interrupted():
            return
        for _ in shards:  # what was not begun is counted
            pass
        record.finish(progress.passed_over)
    if options.shard is None and parts is not None and progress.came == progress.planned:
        remove_folder(parts)  # all that they told is in the manifest


class _Record:
    """Where it is told what became of photos: the manifest, and the contact sheet."""

    def __init__(self, options: Options, executor: Executor) -> None:
        self.options, self.executor = options, executor
        self.sheet = Sheet() if options.contact_sheet is not None else None
        whole = options.manifest is not None and options.shard is None
        self.manifest = _manifest(options.manifest) if whole and options.manifest else None
        self.has_new_rows = False

    def add(self, outcome: Outcome) -> None:
        """Tell of one photo."""
        self._add_row(outcome)
        if self.sheet is not None and outcome.thumbnails is not None:
            result = outcome.result
            self.sheet.add(outcome.thumbnails, result.label, result.confidence)

    def _add_row(self, outcome: Outcome) -> None:
        if self.manifest is not None and outcome.row is not None:
            self.manifest.add(outcome.row)
            self.has_new_rows = True

    def close(self) -> None:
        """Add what was finished while nobody asked for results any more; nothing follows."""
        if self.manifest is not None:
            with closing(self.manifest):
                for outcome in self.executor.untold():
                    self._add_row(outcome)

    def finish(self, passed_over: Counter[str]) -> None:
        """Write what tells of a whole run: what is no photo, a manifest in a store, the sheet."""
        if self.manifest is not None:
            if self.has_new_rows and passed_over:
                self.manifest.add(_row_of(passed_over))
            self.manifest.finish()
        if self.sheet is not None and self.options.contact_sheet is not None:
            self.sheet.write(self.options.contact_sheet)


def _row_of(passed_over: Counter[str]) -> Row:
    """The row of what is no photo: its names are empty, the note counts files by kind."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(passed_over.items()))
    return Result("", "", PASSED_OVER, note=kinds).row()


def _manifest(path: PathLike) -> Manifest | StoredManifest:
    return StoredManifest(str(path)) if is_address(str(path)) else Manifest(path)


@contextmanager
def _ready(plan: Plan) -> Iterator[bool]:
    """All folders can be written to, and no other run does; whether that could be found out."""
    reports = [os.path.dirname(absolute(file)) for file in plan.options.reports]
    for folder in [*plan.folders, *reports]:
        check_writable(folder)
    if any(map(folds_names, plan.folders)):
        plan.check_names(disk_folds=True)
    with alone_in(plan.target, shared=plan.options.shard is not None) as alone:
        yield alone


def _cleared(shards: Iterable[Shard]) -> Iterator[Shard]:
    """The same shards; what a killed run left half-written where they go is removed before."""
    seen: set[str] = set()
    for shard in shards:
        folders = {os.path.dirname(path) for item in shard.items for path in item.written}
        for folder in folders - seen:
            clear_unfinished(folder)
        seen = folders | (seen if len(seen) < REMEMBERED else set())
        yield shard
