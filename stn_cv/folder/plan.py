"""What is to be done: a stream of shards, each a stretch of the photos in their order."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ..errors import InvalidInputError
from ..storage import (
    Presence,
    absolute,
    archive_of,
    exists,
    is_address,
    is_archive,
    is_folder,
    joined,
    real,
)
from .collisions import Tree, check_apart, check_outputs, check_reports, check_spared
from .corrections import Corrections, corrections_of
from .manifest import Told, part_of, read_part, read_told
from .masks import mask_name
from .mounts import is_below
from .options import Options
from .output_names import output_name, place_in_tar, preview_name, tar_name
from .search import Found, Wanted, check_sources, is_there, walk
from .shard import Item, Shard, already, as_it_is, each_once, limited

__all__ = ["SHARD", "Plan", "make_plan"]

SHARD = 64  # photos
NO_ARCHIVE = "it is in no archive, of which there would be a tar; leave out --tar (tar)."


@dataclass(frozen=True)
class Plan:
    """What to do with the photos in some folders; nothing of it is in memory but a shard."""

    roots: list[str]
    target: str
    options: Options
    told: Told
    corrections: Corrections | None = None

    @property
    def wanted(self) -> Wanted:
        """Which files are photos."""
        return Wanted(self.options.glob, self.options.exclude, self.options.pages == "all")

    @property
    def folders(self) -> list[str]:
        """Folders of photos that are written to: outputs, previews, doubtful photos, masks."""
        own = (self.options.preview, self.options.aside, self.options.masks_out)
        return [self.target, *(os.fspath(folder) for folder in own if folder is not None)]

    def shards(self) -> Iterator[Shard]:
        """Look through the folders; each call looks anew."""
        passed_over: Counter[str] = Counter()
        left, presence, manifest = self.options.limit, Presence(), self.options.manifest
        for number, found in enumerate(_stretches(self._found(passed_over), self.options.tar)):
            if self._is_ours(number):
                has_part = manifest is not None and presence.has(part_of(manifest, number))
                items = self._items(number, found, presence, has_part)
                if left is not None:
                    items, left = limited(items, left)
                yield Shard(number, items, passed_over.copy(), has_part)
            passed_over.clear()

    def _found(self, passed_over: Counter[str] | None = None) -> Iterator[Found]:
        """The photos, of corrections those that have one."""
        for found in walk(self.roots, self.wanted, passed_over):
            if self.corrections is None or self.corrections.of(found.path) is not None:
                yield found

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
        outputs = [real(folder) for folder in self.folders]
        inputs = [real(root) for root in self.roots]
        inputs = [root for root in inputs if any(is_below(root, output) for output in outputs)]
        for found in walk(self.roots, self.wanted) if inputs else ():
            for path in self._item(found).written:
                if any(is_below(real(path), root) for root in inputs):
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
        presence = Presence()
        if any(map(exists, self.folders)):
            for found in walk(self.roots, self.wanted):
                yield already(self._item(found), presence)

    def _is_ours(self, number: int) -> bool:
        index, count = self.options.shard or (1, 1)
        return number % count == index - 1

    def _items(
        self, number: int, found: list[Found], presence: Presence, has_part: bool
    ) -> list[Item]:
        """What to do with each photo of a shard."""
        items = [self._item(one) for one in found]
        if self.options.tar:
            items = each_once(items)
        if self.options.existing != "skip" or self.corrections is not None:
            return [item._replace(is_there=presence.has(item.target)) for item in items]
        manifest = self.options.manifest
        rows = read_part(part_of(manifest, number)) if manifest is not None and has_part else {}
        there = [already(item, presence) for item in items]
        told = [manifest is None] * len(items)
        if manifest is not None and any(there):
            told = self.told.among([path or "" for path in there])
        return [
            item if path is None else as_it_is(item, path, is_told, rows.get(item.source))
            for item, path, is_told in zip(items, there, told, strict=True)
        ]

    def _item(self, found: Found) -> Item:
        path, relative, reason = found
        if reason is not None:
            return Item(path, "", work="fail", reason=reason)
        preview, aside, mask = self.options.preview, self.options.aside, self.options.masks_out
        mask = None if mask is None else joined(os.fspath(mask), mask_name(relative))
        relative = output_name(relative, self.options.format)
        if preview is not None:
            preview = joined(os.fspath(preview), preview_name(relative))
        aside = None if aside is None else joined(aside, relative)
        known = None if self.corrections is None else self.corrections.of(path)
        place, tar = joined(self.target, relative), None
        if self.options.tar:
            name, member = place_in_tar(found)
            if not name:
                return Item(path, "", work="fail", reason=NO_ARCHIVE)
            tar = joined(self.target, name)
            place = joined(tar, output_name(member, self.options.format))
        return Item(path, place, preview, aside, mask=mask, correction=known, tar=tar)

    def _trees(self) -> dict[str, list[Tree]]:
        """What is written, by the folder that it is written to."""
        kind = self.options.format

        def named(name: str) -> str:
            return output_name(name, kind)

        def previewed(name: str) -> str:
            return preview_name(named(name))

        plain = None if kind is None else named
        names = [(self.target, tar_name if self.options.tar else plain)]
        if self.options.preview is not None:
            names.append((os.fspath(self.options.preview), previewed))
        if self.options.aside is not None:
            names.append((self.options.aside, plain))
        if self.options.masks_out is not None:
            names.append((os.fspath(self.options.masks_out), mask_name))
        trees: dict[str, list[Tree]] = {}
        for folder, name_of in names:
            own = self._sources(has_tars=name_of is tar_name)
            trees.setdefault(folder, []).extend(tree._replace(name_of=name_of) for tree in own)
        return trees

    def _sources(self, has_tars: bool) -> list[Tree]:
        files, trees = [], []
        for root in self.roots:
            if not is_folder(root) or (has_tars and is_archive(root)):
                files.append(root)
            else:
                trees.append(Tree(root, has_tars=has_tars))
        return [*trees, Tree("", files=files)] if files else trees


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
    sheets = [] if sheet is None else [os.path.dirname(absolute(sheet))]
    plan = Plan(roots, os.fspath(target), options, Told())
    masks = () if options.masks is None else (os.fspath(options.masks),)
    check_apart([*plan.folders, *sheets], [*roots, *masks])
    for address in filter(is_address, plan.folders):
        is_there(address)
    read = [f for f in (model, options.corrections) if isinstance(f, (str, os.PathLike))]
    check_spared([*read, *roots], options.reports, plan.wanted)
    check_reports(options.reports, plan.folders)
    plan.check_names()
    if options.manifest is not None:
        plan = Plan(roots, plan.target, options, read_told(options.manifest))
    plan.check_not_among_inputs()
    if options.corrections is not None:
        plan = replace(plan, corrections=corrections_of(options, walk(roots, plan.wanted)))
    if options.existing == "error":
        plan.check_nothing_there()
    return plan


def _stretches(found: Iterator[Found], by_archive: bool) -> Iterator[list[Found]]:
    """Consecutive stretches of so many, or archives; the last, of what is left, may be empty."""
    if by_archive:
        for _, members in groupby(found, key=lambda one: archive_of(one.path) or one.path):
            yield list(members)
        yield []
        return
    stretch: list[Found] = []
    for one in found:
        stretch.append(one)
        if len(stretch) == SHARD:
            yield stretch
            stretch = []
    yield stretch
