"""Which files are photos: what is found in folders and below, and what is passed over."""

import fnmatch
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import InvalidInputError
from ..opencv import START, SUFFIXES, format_of
from ..storage import entries, is_address, is_file, is_folder, is_member, joined
from .pages import has_pages, page_names

__all__ = ["Found", "Wanted", "check_sources", "find_photos", "is_there", "listed", "walk"]

Pair = tuple[str, str]  # path, and path relative to the folder it was found in
KNOWN = frozenset(SUFFIXES)
NO_SUFFIX = "without suffix"
OTHER_KINDS = {"link": "links", "unfit": "keys that no file system takes"}


class Wanted(NamedTuple):
    """Which files below a folder are photos.

    Of the patterns in `glob`, one must match; without any, photos have the suffixes of image
    files, or, on disks, begin as such. Of those in `exclude` none may match, a folder's neither.
    A pattern without "/" is for the name, one with it for the path below the folder. Hidden files
    are left out. With `pages`, a TIFF of several is a folder of them.
    """

    glob: Sequence[str] = ()
    exclude: Sequence[str] = ()
    pages: bool = False

    def leaves_out(self, name: str, relative: str) -> bool:
        """Whether a file or folder is not even looked at."""
        return name.startswith(".") or (bool(self.exclude) and _matches(relative, self.exclude))

    def takes(self, relative: str) -> bool:
        """Whether a file that is not left out is a photo by its name."""
        if self.glob:
            return _matches(relative, self.glob)
        suffix = relative[relative.rfind(".") :]
        return suffix in KNOWN or suffix.lower() in KNOWN

    def finds(self, relative: str) -> bool:
        """Whether a file would be found, looking from the folder that it is relative to."""
        parts = relative.split(os.sep)
        folders = [os.sep.join(parts[: n + 1]) for n in range(len(parts))]
        seen = not any(map(self.leaves_out, parts, folders))
        return seen and self.takes(relative)


class Found(NamedTuple):
    """A photo; or, with the reason, a folder that cannot be listed."""

    path: str
    relative: str
    reason: str | None = None


class Search(NamedTuple):
    """What is in some folders.

    Attributes
    ----------
    found : list of (path, relative path)
        Photos, in the order of the sources, sorted in each.
    unreadable : list of (path, reason)
        Folders that cannot be listed.
    passed_over : Counter
        How many other files there are, by suffix.
    """

    found: list[Pair]
    unreadable: list[Pair]
    passed_over: Counter[str]


def check_sources(sources: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse what is neither a folder nor a file.

    Raises
    ------
    InvalidInputError
        If a source does not exist, or is a device or pipe.
    """
    for source in sources:
        if not is_there(os.fspath(source)):
            raise InvalidInputError(f"{os.fspath(source)!r} is neither a folder nor a file.")


def is_there(path: str) -> bool:
    """Whether a folder or file is there.

    Raises
    ------
    InvalidInputError
        If that cannot be found out.
    """
    try:
        return is_folder(path) or is_file(path)
    except OSError as error:
        raise InvalidInputError(f"cannot read {path!r}: {error.strerror}.") from error


def find_photos(
    sources: Iterable[str | os.PathLike[str]],
    glob: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Search:
    """Look for photos in folders and below; a file named on its own is one in any case.

    Parameters
    ----------
    sources : iterable of path-like
        Folders and files.
    glob, exclude : sequence of str, default ()
        As in `Wanted`.

    Returns
    -------
    search : Search
        With what was passed over; of that, what no pattern wanted is not counted.
    """
    sources = list(sources)
    check_sources(sources)
    search = Search([], [], Counter())
    for path, relative, reason in walk(sources, Wanted(glob, exclude), search.passed_over):
        if reason is None:
            search.found.append((path, relative))
        else:
            search.unreadable.append((path, reason))
    return search


def walk(
    sources: Iterable[str | os.PathLike[str]],
    wanted: Wanted,
    passed_over: Counter[str] | None = None,
) -> Iterator[Found]:
    """Photos one after the other, folder by folder: no more than one branch is in memory.

    Links are not followed.

    Parameters
    ----------
    sources : iterable of path-like
        Folders and files; a file is a photo in any case.
    wanted : Wanted
        What is a photo in folders.
    passed_over : Counter or None, default None
        Where other files are counted by suffix, if no pattern chose.

    Yields
    ------
    Found
        In the order of the sources, and in each in the order of the paths below it.
    """
    for source in sources:
        path = os.fspath(source)
        if is_folder(path):
            yield from _below(path, wanted, passed_over)
            continue
        yield from _in_file(path, wanted)


def _in_file(path: str, wanted: Wanted) -> Iterator[Found]:
    """The photo that a file is, or those on its pages."""
    name = os.path.basename(path)
    try:
        pages = [os.sep + page for page in page_names(path)] if wanted.pages else []
    except OSError as error:
        yield Found(path, name, error.strerror or str(error))
        return
    yield from (Found(path + page, name + page) for page in pages or [""])


def _below(root: str, wanted: Wanted, passed_over: Counter[str] | None) -> Iterator[Found]:
    prefix = os.path.join(root, "")
    levels = [iter([""])]
    while levels:
        relative = next(levels[-1], None)
        if relative is None:
            levels.pop()
        elif relative and not relative.endswith(os.sep):
            yield Found(prefix + relative, relative)
        else:
            try:
                levels.append(iter(listed(root, relative, wanted, passed_over)))
            except OSError as error:
                folder = relative.rstrip(os.sep)
                path = prefix + folder if folder else root
                yield Found(path, folder, error.strerror or str(error))


def listed(
    root: str, folder: str, wanted: Wanted, passed_over: Counter[str] | None = None
) -> list[str]:
    """What is in one folder below `root`: paths relative to `root` in their order.

    Those of folders, as `folder` itself unless it is empty, end with a separator; so their order
    is that of all paths below them.

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    if wanted.pages and (names := page_names(joined(root, folder.rstrip(os.sep)))):
        return [folder + page for page in names]
    paths, exclude, pages = [], wanted.exclude, wanted.pages  # of a million each look-up is seen
    for name, kind in entries(joined(root, folder.rstrip(os.sep))):
        relative = folder + name
        if (exclude or name[0] == ".") and kind != "unfit" and wanted.leaves_out(name, relative):
            continue
        if kind == "folder":
            paths.append(relative + os.sep)
        elif kind == "file" and (wanted.takes(relative) or _begins_as_one(root, relative, wanted)):
            as_folder = pages and has_pages(joined(root, relative))
            paths.append(relative + os.sep if as_folder else relative)
        elif passed_over is not None and not wanted.glob:
            passed_over[_kind_of(name, kind)] += 1
    paths.sort()
    return paths


def _begins_as_one(root: str, relative: str, wanted: Wanted) -> bool:
    """Whether a file that has another name begins as a photo; only files on disks are opened."""
    if wanted.glob or is_address(root) or is_member(joined(root, relative)):
        return False
    try:
        with open(joined(root, relative), "rb") as file:
            return format_of(file.read(START)) is not None
    except OSError:
        return False


def _kind_of(name: str, kind: str) -> str:
    return OTHER_KINDS.get(kind) or os.path.splitext(name)[1].lower() or NO_SUFFIX


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    path = relative.replace(os.sep, "/")
    name = os.path.basename(path)
    return any(fnmatch.fnmatchcase(path if "/" in p else name, p) for p in patterns)
