"""What is to be done: a stream of shards, each a stretch of the photos in their order."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..errors import InvalidInputError
from ..opencv import format_named
from .collisions import Tree, check_apart, check_outputs, check_reports, check_spared, is_below
from .manifest import Row, Told, parts_of, read_part, read_told
from .options import Options
from .search import Found, Wanted, check_sources, walk

__all__ = ["SHARD", "Item", "Plan", "Shard", "make_plan"]

PREVIEW = ".jpg"  # format of previews, whatever the photos are
SHARD = 64  # photos
Work = Literal["rectify", "tell", "skip", "fail"]


class Item(NamedTuple):
    """One photo: where from, where to, where its preview goes, and it itself if doubtful.

    Attributes
    ----------
    source, target, preview, aside : str
        Paths.
    work : {"rectify", "tell", "skip", "fail"}
        Tell: the output is there without a row in the manifest that tells all, since a run was
        killed between the two; the photo is looked at again. Skip: all is there. Fail: it is no
        photo but a folder that cannot be listed.
    is_there : bool
        Whether the output was there beforehand.
    row : dict or None
        What a part of the manifest tells of what is skipped.
    reason : str or None
        Why it fails.
    """

    source: str
    target: str
    preview: str | None = None
    aside: str | None = None
    work: Work = "rectify"
    is_there: bool = False
    row: Row | None = None
    reason: str | None = None

    @property
    def written(self) -> list[str]:
        """All that may be written."""
        return [path for path in (self.target, self.preview, self.aside) if path]


class Shard(NamedTuple):
    """The unit of work and of resuming: photos done by one process, whose rows are one part.

    Shards are cut where so many photos were found, whatever is done of them already; so the
    same tree gives the same shards. What was passed over among its photos is counted by kind.
    """

    number: int
    items: list[Item]
    passed_over: Counter[str]


@dataclass(frozen=True)
class Plan:
    """What to do with the photos in some folders; nothing of it is in memory but a shard."""

    roots: list[str]
    target: str
    options: Options
    told: Told

    @property
    def wanted(self) -> Wanted:
        """Which files are photos."""
        return Wanted(self.options.glob, self.options.exclude)

    @property
    def folders(self) -> list[str]:
        """Folders of photos that are written to: outputs, previews, doubtful photos."""
        options = self.options
        own = [os.fspath(f) for f in (options.preview, options.aside) if f is not None]
        return [self.target, *own]

    def shards(self) -> Iterator[Shard]:
        """Look through the folders; each call looks anew."""
        passed_over: Counter[str] = Counter()
        left = self.options.limit
        for number, found in enumerate(_stretches(walk(self.roots, self.wanted, passed_over))):
            if self._is_ours(number):
                items = self._items(number, found)
                if left is not None:
                    items, left = _limited(items, left)
                yield Shard(number, items, passed_over.copy())
            passed_over.clear()

    def check_names(self, disk_folds: bool = False) -> None:
        """Refuse outputs of one name, as `check_outputs` says."""
        check_outputs(self._trees(), self.options.reports, self.wanted, disk_folds)

    def check_not_among_inputs(self) -> None:
        """Inputs may lie below an output folder, but no output among them.

        Raises
        ------
        InvalidInputError
            If one would.
        """
        outputs = [os.path.realpath(folder) for folder in self.folders]
        inputs = [os.path.realpath(root) for root in self.roots]
        inputs = [root for root in inputs if any(is_below(root, output) for output in outputs)]
        for found in walk(self.roots, self.wanted) if inputs else ():
            for path in self._item(found).written:
                if any(is_below(os.path.realpath(path), root) for root in inputs):
                    raise InvalidInputError(
                        f"the output {path!r} would lie among the inputs; give another folder."
                    )

    def check_nothing_there(self) -> None:
        """Refuse outputs that are there already.

        Raises
        ------
        InvalidInputError
            If there is one.
        """
        there = [path for path in self._there() if path is not None]
        if there:
            raise InvalidInputError(
                f"{len(there)} outputs exist already, such as {there[0]!r}; give another "
                "folder, or --existing skip or overwrite."
            )

    def _there(self) -> Iterator[str | None]:
        if any(map(os.path.lexists, self.folders)):
            for found in walk(self.roots, self.wanted):
                yield _already(self._item(found))

    def _is_ours(self, number: int) -> bool:
        index, count = self.options.shard or (1, 1)
        return number % count == index - 1

    def _items(self, number: int, found: list[Found]) -> list[Item]:
        """What to do with each photo of a shard."""
        items = [self._item(one) for one in found]
        if self.options.existing != "skip":
            return [item._replace(is_there=os.path.lexists(item.target)) for item in items]
        manifest = self.options.manifest
        rows = {} if manifest is None else read_part(parts_of(manifest), number)
        there = [_already(item) for item in items]
        told = [manifest is None] * len(items)
        if manifest is not None and any(there):
            told = self.told.among([path or "" for path in there])
        return [
            item if path is None else _as_it_is(item, path, is_told, rows.get(item.source))
            for item, path, is_told in zip(items, there, told, strict=True)
        ]

    def _item(self, found: Found) -> Item:
        path, relative, reason = found
        if reason is not None:
            return Item(path, "", work="fail", reason=reason)
        options = self.options
        preview, aside = options.preview, options.aside
        relative = _output_name(relative, options.format)
        if preview is not None:
            preview = os.path.join(os.fspath(preview), _preview_name(relative))
        aside = None if aside is None else os.path.join(aside, relative)
        return Item(path, os.path.join(self.target, relative), preview, aside)

    def _trees(self) -> dict[str, list[Tree]]:
        """What is written, by the folder that it is written to."""
        kind = self.options.format

        def named(name: str) -> str:
            return _output_name(name, kind)

        def previewed(name: str) -> str:
            return _preview_name(named(name))

        plain = None if kind is None else named
        names = [(self.target, plain)]
        if self.options.preview is not None:
            names.append((os.fspath(self.options.preview), previewed))
        if self.options.aside is not None:
            names.append((self.options.aside, plain))
        files = [root for root in self.roots if not os.path.isdir(root)]
        sources = [Tree(root) for root in self.roots if os.path.isdir(root)]
        sources += [Tree("", files=files)] if files else []
        trees: dict[str, list[Tree]] = {}
        for folder, name_of in names:
            own = [tree._replace(name_of=name_of) for tree in sources]
            trees.setdefault(folder, []).extend(own)
        return trees


def make_plan(
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    options: Options,
    model: Any = None,
) -> Plan:
    """Plan where the outputs of photos go; refuse what would overwrite anything.

    `model` is told apart from what is written, if it is a file's name.

    Raises
    ------
    InvalidInputError
        If an output would lie among the inputs, two photos have one output, outputs are
        there already that must not be, or the manifest or contact sheet is another file.
    """
    roots = [os.fspath(source) for source in sources]
    check_sources(roots)
    sheet = options.contact_sheet
    sheets = [] if sheet is None else [os.path.dirname(os.path.abspath(sheet))]
    plan = Plan(roots, os.fspath(target), options, Told())
    check_apart([*plan.folders, *sheets], roots)
    read = [model] if isinstance(model, (str, os.PathLike)) else []
    check_spared([*read, *roots], options.reports, plan.wanted)
    check_reports(options.reports, plan.folders)
    plan.check_names()
    if options.manifest is not None:
        plan = Plan(roots, plan.target, options, read_told(options.manifest))
    plan.check_not_among_inputs()
    if options.existing == "error":
        plan.check_nothing_there()
    return plan


def _stretches(found: Iterator[Found]) -> Iterator[list[Found]]:
    """Consecutive stretches of so many; the last, of what is left, may be empty."""
    stretch: list[Found] = []
    for one in found:
        stretch.append(one)
        if len(stretch) == SHARD:
            yield stretch
            stretch = []
    yield stretch


def _limited(items: list[Item], left: int) -> tuple[list[Item], int]:
    """What is to be rectified, up to a limit, and all else; what is left of the limit."""
    kept = []
    for item in items:
        if item.work == "rectify":
            if left == 0:
                continue
            left -= 1
        kept.append(item)
    return kept, left


def _already(item: Item) -> str | None:
    """The output that is there, if one is."""
    for path in (item.target, item.aside):
        if path and os.path.lexists(path) and not os.path.isdir(path):
            return path
    return None


def _as_it_is(item: Item, path: str, is_told: bool, row: Row | None) -> Item:
    """What is left to do where the output is there."""
    if row is not None and row["output"] != path:
        row = None
    work: Work = "skip" if is_told or row is not None else "tell"
    return item._replace(target=path, is_there=True, work=work, row=None if is_told else row)


def _output_name(name: str, kind: str | None) -> str:
    if kind is None:
        return name
    stem, suffix = os.path.splitext(name)
    if format_named(f".{kind}") is format_named(suffix):
        return name
    return f"{stem}.{kind}"


def _preview_name(name: str) -> str:
    jpeg = format_named(os.path.splitext(name)[1]) is format_named(PREVIEW)
    return name if jpeg else name + PREVIEW
