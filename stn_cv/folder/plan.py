"""What is to be done: a list of independent items, made before the first file is written."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..atomic import check_file_name
from ..errors import InvalidInputError
from ..opencv import format_named
from .corner_files import KnownCorners, known_corners
from .files import folded, folds_names
from .manifest import known_rows
from .options import Options
from .search import find_photos

__all__ = ["Item", "Plan", "check_apart", "check_names_apart", "check_spared", "make_plan"]

PREVIEW = ".jpg"  # format of previews, whatever the photos are
FOLDS_NAMES = sys.platform in ("darwin", "win32")  # a file's name has several spellings there


@dataclass(frozen=True, slots=True)
class Item:
    """One photo: where from, where to, where its preview goes, and it itself if doubtful.

    `is_there` says whether the output was there beforehand, `correction` what is known of the
    photo's frame.
    """

    source: str
    target: str
    preview: str | None = None
    aside: str | None = None
    is_there: bool = False
    correction: KnownCorners | None = None

    @property
    def written(self) -> list[str]:
        """All that may be written."""
        return [path for path in (self.target, self.preview, self.aside) if path is not None]


@dataclass(frozen=True)
class Plan:
    """What to do, what is done already, what cannot be read, and what is no photo.

    `untold` are outputs that are there without a row in the manifest that tells all: a run was
    killed between the two. Their photos are looked at again, and nothing but a row is written.
    """

    target: str
    items: list[Item]
    skipped: list[Item] = field(default_factory=list)
    untold: list[Item] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        """How many results will come."""
        items = (*self.items, *self.skipped, *self.untold)
        return len(items) + len(self.unreadable)


def make_plan(
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    options: Options,
    model: Any = None,
) -> Plan:
    """Find the photos and where their outputs go; refuse what would overwrite anything.

    `model` is told apart from what is written, if it is a file's name.

    Raises
    ------
    InvalidInputError
        If an output would lie among the inputs, two photos have one output, outputs are
        there already that must not be, or the manifest or contact sheet is another file.
    """
    roots = [os.fspath(source) for source in sources]
    target = os.fspath(target)
    folders = [target, *(os.fspath(f) for f in (options.preview, options.aside) if f is not None)]
    reports = [os.fspath(f) for f in (options.manifest, options.contact_sheet, options.report) if f]
    sheets = [] if options.contact_sheet is None else [os.fspath(options.contact_sheet)]
    check_apart([*folders, *(os.path.dirname(os.path.abspath(sheet)) for sheet in sheets)], roots)
    photos, unreadable, passed_over = find_photos(roots, options.glob, options.exclude)
    items = [_item(path, relative, target, options) for path, relative in photos]
    _check_targets(items, reports, folders)
    read = [f for f in (model, options.corrections) if isinstance(f, (str, os.PathLike))]
    check_spared([*read, *(path for path, _ in photos)], reports)
    told = _check_reports(options.manifest, reports)
    _check_not_among_inputs(items, folders, roots)
    if options.corrections is not None:
        items = _corrected(items, options.corrections)
    items = [replace(item, is_there=os.path.lexists(item.target)) for item in items]
    there = [found for item in items if (found := _already(item)) is not None]
    if there and options.existing == "error":
        raise InvalidInputError(
            f"{len(there)} outputs exist already, such as {there[0].target!r}; give another "
            "folder, or --existing skip or overwrite."
        )
    for item in there:
        check_file_name(item.target)
    redone = options.existing == "overwrite" or options.corrections is not None
    kept = [] if redone else there
    done = {item.source for item in kept}
    todo = [item for item in items if item.source not in done]
    skipped = [item for item in kept if told is None or item.target in told]
    untold = [item for item in kept if not (told is None or item.target in told)]
    return Plan(target, todo[: options.limit], skipped, untold, unreadable, passed_over)


def _corrected(items: list[Item], file: str | os.PathLike[str]) -> list[Item]:
    """The items that a file of corrections names, with what it says of them."""
    corrections = {os.path.realpath(row.path): row for row in known_corners(file)}
    own = [(item, corrections.pop(os.path.realpath(item.source), None)) for item in items]
    if corrections:
        first = next(iter(corrections.values()))
        raise InvalidInputError(
            f"{len(corrections)} photos with corrections are not among the inputs, such as "
            f"{first.path!r} ({first.place}); give their folders as well."
        )
    return [replace(item, correction=row) for item, row in own if row is not None]


def _already(item: Item) -> Item | None:
    """The item with the output that is there, if one is."""
    for path in (item.target, item.aside):
        if path is not None and os.path.lexists(path):
            return replace(item, target=path, is_there=True)
    return None


def _item(path: str, relative: str, target: str, options: Options) -> Item:
    kind, preview, aside = options.format, options.preview, options.aside
    stem, suffix = os.path.splitext(relative)
    if kind is not None and format_named(f".{kind}") is not format_named(suffix):
        relative = f"{stem}.{kind}"
    if preview is not None:
        jpeg = format_named(os.path.splitext(relative)[1]) is format_named(PREVIEW)
        preview = os.path.join(os.fspath(preview), relative if jpeg else relative + PREVIEW)
    aside = None if aside is None else os.path.join(aside, relative)
    return Item(path, os.path.join(target, relative), preview, aside)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def check_apart(folders: list[str], roots: list[str]) -> None:
    """Refuse outputs in a folder of inputs: a second run would take them for photos.

    Raises
    ------
    InvalidInputError
        If one of the folders is one of the roots, or lies in it.
    """
    for folder in folders:
        for root in filter(os.path.isdir, roots):
            if _is_below(os.path.realpath(folder), os.path.realpath(root)):
                raise InvalidInputError(
                    f"the output {folder!r} lies inside the input {root!r}; give another folder."
                )


def check_spared(
    read: Iterable[str | os.PathLike[str]], written: Iterable[str | os.PathLike[str]]
) -> None:
    """Refuse to write over a file that is read.

    Raises
    ------
    InvalidInputError
        If one of the files is among both.
    """
    inputs = {_spelling(os.path.realpath(path)) for path in read}
    for path in written:
        if _spelling(os.path.realpath(path)) in inputs:
            raise InvalidInputError(
                f"{os.fspath(path)!r} is read, and would be written over; give another name."
            )


def _check_reports(manifest: str | os.PathLike[str] | None, reports: list[str]) -> set[str] | None:
    """Refuse what is no file, and a manifest that is none; the outputs that one tells of."""
    for path in reports:
        check_file_name(path)
    if manifest is None:
        return None
    if not os.path.exists(manifest):
        return set()
    with open(manifest, "rb") as file:
        return known_rows(file, os.fspath(manifest))[0]


def _check_targets(items: list[Item], reports: list[str], folders: list[str]) -> None:
    """Every file that is written is one output or report, and no folder of another."""
    owners = {_spelling(os.path.abspath(path)): path for path in reports}
    if len(owners) < len(reports):
        raise InvalidInputError(
            "two of manifest, contact sheet and report are one file; give them other names."
        )
    for item in items:
        for path in item.written:
            name = _spelling(os.path.abspath(path))
            if name in owners:
                raise InvalidInputError(
                    f"{owners[name]!r} and {item.source!r} would both be written to {path!r}; "
                    "rectify them into different folders, or keep their formats."
                )
            owners[name] = item.source
    parents = {_spelling(os.path.abspath(folder)) for folder in folders}
    for path in list(owners):
        parents.update(_parents(os.path.dirname(path), parents))
    for path in owners:
        if path in parents:
            raise InvalidInputError(
                f"{path!r} would be a file and a folder; give another name or --format."
            )


def _check_not_among_inputs(items: list[Item], folders: list[str], roots: list[str]) -> None:
    """Inputs may lie below an output folder, but no output among them."""
    outputs = [os.path.realpath(folder) for folder in folders]
    inputs = [os.path.realpath(root) for root in roots]
    inputs = [root for root in inputs if any(_is_below(root, output) for output in outputs)]
    for item in items if inputs else ():
        for path in item.written:
            if any(_is_below(os.path.realpath(path), root) for root in inputs):
                raise InvalidInputError(
                    f"the output {path!r} would lie among the inputs; give another folder."
                )


def _parents(folder: str, known: set[str]) -> Iterator[str]:
    while folder and folder not in known:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def check_names_apart(items: Iterable[Item], folders: Iterable[str]) -> None:
    """Refuse what a disk would take for one file that the system it is on tells apart.

    It is asked, by a file that is removed again, only if there are such names.

    Raises
    ------
    InvalidInputError
        If two photos would have one output or preview.
    """
    owners: dict[str, Item] = {}
    for item in items:
        for path in item.written:
            other = owners.setdefault(folded(os.path.abspath(path)), item)
            if other is not item and any(map(folds_names, folders)):
                raise InvalidInputError(
                    f"{other.source!r} and {item.source!r} would both be written to {path!r}, "
                    "since this disk takes upper and lower case for one; rectify them into "
                    "different folders."
                )


def _spelling(path: str) -> str:
    """The same for all spellings of a name that the system takes for one."""
    return folded(path) if FOLDS_NAMES else path
