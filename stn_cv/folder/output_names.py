"""How outputs and previews are named, by their photos' names."""

import os

from ..opencv import format_named

__all__ = ["output_name", "preview_name"]

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
