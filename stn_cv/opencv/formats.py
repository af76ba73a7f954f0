"""The formats there are. A new one is a module of its own and a word in `FORMATS`."""

from . import avif, bmp, heic, jpeg, png, tiff, webp
from .format import Format

__all__ = [
    "FORMATS",
    "START",
    "SUFFIXES",
    "WRITTEN_SUFFIXES",
    "format_named",
    "format_of",
    "format_names",
]

FORMATS: tuple[Format, ...] = tuple(
    module.FORMAT for module in (jpeg, png, webp, tiff, bmp, avif, heic)
)
SUFFIXES = tuple(suffix for format in FORMATS for suffix in format.suffixes)
WRITTEN_SUFFIXES = tuple(suffix for f in FORMATS if f.is_written for suffix in f.suffixes)
START = 32  # bytes by which any of them is told


def format_names() -> str:
    """Their names, such as "JPEG, PNG or BMP", for a message."""
    *names, last = [format.name for format in FORMATS]
    return f"{', '.join(names)} or {last}"


def format_named(suffix: str) -> Format | None:
    """The format that a suffix such as ``".JPG"`` names, if any."""
    return next((format for format in FORMATS if suffix.lower() in format.suffixes), None)


def format_of(data: bytes) -> Format | None:
    """The format of a file, told by its content; its first `START` bytes are enough."""
    start = data[:START]
    return next((format for format in FORMATS if format.recognizes(start)), None)
