"""Pages of TIFFs, as files in a folder: a page's path is the TIFF's, a separator, its number."""

import errno
import io
import os
import re

from ..errors import InvalidInputError
from ..opencv import START, count_pages, format_named, format_of
from ..storage import is_address, is_file, is_member, read_file

__all__ = ["file_of", "has_pages", "page_names", "split_page"]

SUFFIX = ".tif"
PAGE = re.compile(rf"(\d{{1,4}})\{SUFFIX}")


def split_page(path: str) -> tuple[str, int] | None:
    """The TIFF that a path leads into, and the number of its page, from 1; None if it does not."""
    file, name = os.path.split(path)
    number = PAGE.fullmatch(name)
    if number is None or not _is_named_so(file) or not is_file(file):
        return None
    return file, int(number[1])


def file_of(path: str) -> str:
    """The file that holds a photo: a page's TIFF, or the photo's own."""
    place = split_page(path)
    return path if place is None else place[0]


def has_pages(path: str) -> bool:
    """Whether `page_names` has something to say of a file: names, or what is wrong."""
    try:
        return bool(page_names(path))
    except OSError:
        return True


def page_names(path: str) -> list[str]:
    """What the pages of a TIFF are called, if it has several.

    Raises
    ------
    OSError
        If they cannot be counted.
    """
    if not _is_named_so(path) or not is_file(path):
        return []
    with io.BytesIO(read_file(path)) if _is_elsewhere(path) else open(path, "rb") as file:
        if format_of(file.read(START)) is not format_named(SUFFIX):
            return []
        try:
            count = count_pages(file)
        except InvalidInputError as error:
            raise OSError(errno.EIO, str(error), path) from error
    return [f"{n:0{len(str(count))}d}{SUFFIX}" for n in range(1, count + 1)] if count > 1 else []


def _is_elsewhere(path: str) -> bool:
    return is_address(path) or is_member(path)


def _is_named_so(path: str) -> bool:
    return format_named(os.path.splitext(path)[1]) is format_named(SUFFIX)
