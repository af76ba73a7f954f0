"""How outputs, previews and tars of outputs are named, by their photos' names."""

import os

from ..opencv import format_named
from ..storage import split_archive
from .search import Found

__all__ = ["output_name", "place_in_tar", "preview_name", "tar_name"]

TAR = ".tar"
PREVIEW = ".jpg"  # format of previews, whatever the photos are


def output_name(name: str, kind: str | None) -> str:
    """The photo's own name, or with the suffix of another format."""
    if kind is None:
        return name
    stem, suffix = os.path.splitext(name)
    same = format_named(f".{kind}") is format_named(suffix)
    return name if same else f"{stem}.{kind}"


def preview_name(name: str) -> str:
    """The output's name, with the suffix of previews behind it if it has another."""
    jpeg = format_named(os.path.splitext(name)[1]) is format_named(PREVIEW)
    return name if jpeg else name + PREVIEW


def tar_name(name: str) -> str:
    """The name of a tar of outputs, of the photos' archive."""
    return name if name.lower().endswith(TAR) else name + TAR


def place_in_tar(found: Found) -> tuple[str, str]:
    """The tar that a photo's output goes into, below the output folder, and the name in it.

    Both are empty for a photo in no archive. An archive that is a source itself has its own name.
    """
    archive, member = split_archive(found.path) or ("", "")
    if not member:
        return "", ""
    is_below = len(found.relative) > len(member)
    name = found.relative[: -len(member) - 1] if is_below else os.path.basename(archive)
    return tar_name(name), member
