"""Which files are photos: what is found in folders and below, and what is passed over."""

import fnmatch
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import InvalidInputError
from ..opencv import SUFFIXES

__all__ = ["find_photos"]

Pair = tuple[str, str]  # path, and path relative to the folder it was found in
LINKS, NO_SUFFIX = "links", "without suffix"


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


def find_photos(
    sources: Iterable[str | os.PathLike[str]],
    glob: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Search:
    """Look for photos in folders and below; a file named on its own is one in any case.

    Hidden files are left out and links are not followed.

    Parameters
    ----------
    sources : iterable of path-like
        Folders and files.
    glob : sequence of str, default ()
        Patterns of which one must match; without any, the suffixes of image files. A pattern
        without "/" is for the name, one with it for the path below the folder.
    exclude : sequence of str, default ()
        Patterns of which none may match, a folder's neither.

    Returns
    -------
    search : Search
        With what was passed over; of that, what no pattern wanted is not counted.
    """
    search = Search([], [], Counter())
    for source in sources:
        path = os.fspath(source)
        if os.path.isdir(path):
            search.found.extend(sorted(_below(path, glob, exclude, search)))
        elif os.path.isfile(path):
            search.found.append((path, os.path.basename(path)))
        else:
            raise InvalidInputError(f"{path!r} is neither a folder nor a file.")
    return search


def _below(
    root: str, glob: Sequence[str], exclude: Sequence[str], search: Search
) -> Iterator[Pair]:
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(os.path.join(root, folder)))
        except OSError as error:
            search.unreadable.append((os.path.join(root, folder), error.strerror or str(error)))
            continue
        for entry in entries:
            relative = os.path.join(folder, entry.name)
            if entry.name.startswith(".") or _matches(relative, exclude):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(relative)
            elif entry.is_file(follow_symlinks=False) and _wanted(relative, glob):
                yield os.path.join(root, relative), relative
            elif not glob:
                search.passed_over[_kind_of(entry)] += 1


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINKS
    return os.path.splitext(entry.name)[1].lower() or NO_SUFFIX


def _wanted(relative: str, glob: Sequence[str]) -> bool:
    if glob:
        return _matches(relative, glob)
    return os.path.splitext(relative)[1].lower() in SUFFIXES


def _matches(relative: str, patterns: Sequence[str]) -> bool:
    path = relative.replace(os.sep, "/")
    name = os.path.basename(path)
    return any(fnmatch.fnmatchcase(path if "/" in p else name, p) for p in patterns)
