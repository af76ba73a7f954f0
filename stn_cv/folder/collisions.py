"""Files that two photos, or a photo and a report, would both be written to.

Outputs mirror the folders of the photos, so two of them can meet only where folders of several
sources, or of outputs and previews, fall together, where formats or names change, or where a
report lies among outputs: only those folders are looked into, one at a time.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..atomic import check_file_name
from ..errors import InvalidInputError
from ..storage import absolute, exists, is_address, is_archive, is_folder, joined, real
from .files import folded
from .mounts import is_below, is_mounted_in
from .pages import has_pages
from .search import Wanted, listed, walk

__all__ = ["Tree", "check_apart", "check_outputs", "check_reports", "check_spared"]

FOLDS_NAMES = sys.platform in ("darwin", "win32")  # a file's name has several spellings there
ADVICE = "; rectify them into different folders, or keep their formats."
OF_A_DISK = (
    ", since this disk takes upper and lower case for one; rectify them into different folders."
)


class Tree(NamedTuple):
    """What is written of the photos in a folder and below, or of some files.

    Attributes
    ----------
    root, folder : str
        The source, and the folder below it, as `listed` takes them.
    files : sequence of str
        Instead of a folder, photos named on their own.
    name_of : callable or None
        What is written of a photo of that name; None is a file of the same name.
    has_tars : bool
        Whether it is written of an archive of that name, as of a photo.
    """

    root: str
    folder: str = ""
    files: Sequence[str] = ()
    name_of: Callable[[str], str] | None = None
    has_tars: bool = False

    def entries(self, wanted: Wanted) -> Iterator[tuple[str, str | None]]:
        """Names of folders, with None, and of what is written, with the photo."""
        named = self.name_of or str
        for path in dict.fromkeys(self.files):
            name = os.path.basename(path)
            yield name if wanted.pages and has_pages(path) else named(name), path
        try:
            found = [] if self.files else listed(self.root, self.folder, wanted)
        except OSError:  # who goes through it later says so
            return
        for relative in found:
            name = relative[len(self.folder) :]
            if self.has_tars and is_archive(joined(self.root, relative.rstrip(os.sep))):
                name = name.rstrip(os.sep)
            if name.endswith(os.sep):
                yield name[:-1], None
            else:
                yield named(name), joined(self.root, relative.rstrip(os.sep))

    def below(self, name: str) -> "Tree":
        """The same of a folder in it."""
        return self._replace(folder=os.path.join(self.folder, name, ""))

    def holds_photos(self, wanted: Wanted) -> bool:
        """Whether anything is written of it."""
        found = walk([joined(self.root, self.folder.rstrip(os.sep))], wanted)
        return any(photo.reason is None for photo in found)


class _Place(NamedTuple):
    """A folder that is written to: its path, its spelling, and whose outputs it takes."""

    path: str
    spelling: str
    trees: list[Tree]


class _Search:
    """Looks for one file's two owners; spelled as the disk, or as the system, tells names apart."""

    def __init__(
        self, reports: Iterable[str], wanted: Wanted, spelled: Callable[[str], str], advice: str
    ) -> None:
        self.wanted, self.spelled, self.advice = wanted, spelled, advice
        self.everywhere = spelled is folded  # any folder may hold two spellings of one name
        self.reports = {spelled(absolute(path)): path for path in reports}
        self.mounts: dict[str, list[Tree]] = {}

    def run(self, trees: Mapping[str, Sequence[Tree]]) -> None:
        paths = {}
        for path, own in trees.items():
            paths[self.spelled(absolute(path))] = absolute(path)
            self.mounts.setdefault(self.spelled(absolute(path)), []).extend(own)
        outermost = [m for m in self.mounts if not any(_is_in(m, other) for other in self.mounts)]
        places = [_Place(paths[mount], mount, self.mounts[mount]) for mount in outermost]
        pending = [place for place in places if self._may_collide(place)]
        while pending:
            pending.extend(self._within(pending.pop()))

    def _within(self, place: _Place) -> Iterator[_Place]:
        """Look at one folder; those in it that are to be looked at as well."""
        files: dict[str, str] = {}
        folders: dict[str, _Place] = {}
        for tree in place.trees:
            for name, photo in tree.entries(self.wanted):
                key = self.spelled(name)
                if photo is None:
                    self._folder(folders, place, name).trees.append(tree.below(name))
                else:
                    self._own(files, place, name, key, photo)
        for path in [*self.reports, *self.mounts]:
            if _is_in(path, place.spelling):
                name, _, inner = path[len(place.spelling.rstrip(os.sep)) + 1 :].partition(os.sep)
                if not inner and path in self.reports:
                    self._own(files, place, name, name, self.reports[path])
                else:
                    self._folder(folders, place, name)
        for name in folders:
            folders[name].trees.extend(self.mounts.get(folders[name].spelling, []))
        for name in files.keys() & folders.keys():
            self._check_folder(folders[name])
        return (inner for inner in folders.values() if self._may_collide(inner))

    def _folder(self, folders: dict[str, _Place], place: _Place, name: str) -> _Place:
        key = self.spelled(name)
        path, spelling = os.path.join(place.path, name), os.path.join(place.spelling, key)
        return folders.setdefault(key, _Place(path, spelling, []))

    def _own(self, files: dict[str, str], place: _Place, name: str, key: str, owner: str) -> None:
        if key in files:
            raise InvalidInputError(
                f"{files[key]!r} and {owner!r} would both be written to "
                f"{os.path.join(place.path, name)!r}{self.advice}"
            )
        files[key] = owner

    def _check_folder(self, place: _Place) -> None:
        """Refuse a folder in a file's place, if it will be one."""
        if self._leads_on(place) or any(tree.holds_photos(self.wanted) for tree in place.trees):
            raise InvalidInputError(_both(place.path))

    def _leads_on(self, place: _Place) -> bool:
        return any(_is_in(path, place.spelling) for path in [*self.reports, *self.mounts])

    def _may_collide(self, place: _Place) -> bool:
        renames = self.everywhere or any(tree.name_of is not None for tree in place.trees)
        several = len(place.trees) > 1 or any(len(tree.files) > 1 for tree in place.trees)
        return several or renames or self._leads_on(place)


def check_outputs(
    trees: Mapping[str, Sequence[Tree]],
    reports: Sequence[str],
    wanted: Wanted,
    disk_folds: bool = False,
) -> None:
    """Refuse two owners of one file, and a file that is a folder of another.

    Parameters
    ----------
    trees : mapping
        By the folder that they are written to.
    reports : sequence of str
        Files beside the outputs.
    wanted : Wanted
        Which files are photos.
    disk_folds : bool, default False
        Whether a disk that outputs go to takes upper and lower case for one.

    Raises
    ------
    InvalidInputError
        If there are any.
    """
    if disk_folds:
        _Search([], wanted, folded, OF_A_DISK).run(trees)
        return
    search = _Search(reports, wanted, folded if FOLDS_NAMES else str, ADVICE)
    search.run(trees)


def check_reports(reports: Sequence[str], folders: Iterable[str]) -> None:
    """Refuse reports that are one file, no file, or a folder of what else is written.

    Raises
    ------
    InvalidInputError
        If there is one.
    """
    names = [_spelling(absolute(path)) for path in reports]
    if len(set(names)) < len(names):
        raise InvalidInputError(
            "two of manifest, contact sheet and report are one file; give two names."
        )
    inner = [*names, *(_spelling(absolute(folder)) for folder in folders)]
    for path, name in zip(reports, names, strict=True):
        if inner.count(name) > 1 or any(_is_in(other, name) for other in inner):
            raise InvalidInputError(_both(path))
        if not is_address(path):
            check_file_name(path)


def check_apart(folders: Sequence[str], roots: Sequence[str]) -> None:
    """Refuse outputs in a folder of inputs: a second run would take them for photos.

    Raises
    ------
    InvalidInputError
        If one of the folders is one of the roots, or lies in it.
    """
    for folder in folders:
        for root in filter(is_folder, roots):
            if is_below(real(folder), real(root)) or _is_in_same(folder, root):
                raise InvalidInputError(
                    f"the output {folder!r} lies inside the input {root!r}; give another folder."
                )


def _is_in_same(folder: str, root: str) -> bool:
    """Whether a folder is below a root by another path: a mount of it, or another spelling."""
    if is_address(folder) or is_address(root):
        return False
    where = Path(real(folder))
    there = [path for path in (where, *where.parents) if path.is_dir()]
    if is_mounted_in(str(where), real(root)):
        return True
    return any(os.path.samefile(path, root) for path in there)


def check_spared(
    read: Iterable[str | os.PathLike[str]],
    written: Iterable[str | os.PathLike[str]],
    wanted: Wanted | None = None,
) -> None:
    """Refuse to write over a file that is read.

    Parameters
    ----------
    read, written : iterable of path-like
        Files.
    wanted : Wanted or None, default None
        Which files in folders among `read` are read; None: of folders nothing is known.

    Raises
    ------
    InvalidInputError
        If one of the files is among both.
    """
    inputs = {_spelling(real(path)): real(path) for path in read}
    folders = [path for path in inputs.values() if wanted is not None and is_folder(path)]
    for path in written:
        where = real(path)
        found = (
            wanted is not None
            and exists(where)
            and any(
                is_below(where, folder) and wanted.finds(os.path.relpath(where, folder))
                for folder in folders
            )
        )
        if found or _spelling(where) in inputs:
            raise InvalidInputError(
                f"{os.fspath(path)!r} is read, and would be written over; give another name."
            )


def _is_in(path: str, folder: str) -> bool:
    return path != folder and is_below(path, folder)


def _both(path: str) -> str:
    return f"{path!r} would be a file and a folder; give another name or --format."


def _spelling(path: str) -> str:
    """The same for all spellings of a name that the system takes for one."""
    return folded(path) if FOLDS_NAMES else path
