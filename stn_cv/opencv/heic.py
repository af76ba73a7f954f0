"""HEIC files, which the library pillow-heif decodes; they are read and not written."""

from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import MissingLibraryError
from .exif import exif_dpi
from .format import LARGEST_PROFILE, Damaged, Format, Header

__all__ = ["FORMAT"]

PICTURES = (b"heic", b"heix", b"heim", b"heis", b"mif1")  # brands
SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1")
EXIF_START = b"Exif\0\0"
# What pillow-heif raises.
REFUSALS = (EOFError, IndexError, MemoryError, OSError, RuntimeError, SyntaxError, ValueError)


class HEIC(Format):
    """HEIC of 8 bits, and of 10 and 12, which come as 16."""

    name = "HEIC"
    suffixes = (".heic", ".heif")
    dtypes = ("uint8", "uint16")
    is_written = False

    def recognizes(self, start: bytes) -> bool:
        """A file type box of one of its brands; AVIF, which shares some, is asked before."""
        return start[4:8] == b"ftyp" and start[8:12] in (*PICTURES, *SEQUENCES)

    def read_header(self, data: bytes) -> Header:
        """Of the primary picture, as it is behind the file's own turns, mirrors and crops."""
        file = _opened(data)
        picture = file[file.primary_index]
        exif = (picture.info.get("exif") or b"").removeprefix(EXIF_START)
        bands, _, deep = picture.mode.partition(";")
        several = len(file) > 1 or data[8:12] in SEQUENCES
        return Header(
            width=picture.size[0],
            height=picture.size[1],
            channels=len(bands),
            dtype="uint16" if deep else "uint8",
            pages=2 if several else 1,
            profile=(picture.info.get("icc_profile") or b"")[:LARGEST_PROFILE] or None,
            misread="colours multiplied by their alpha" if picture.premultiplied_alpha else "",
            dpi=exif_dpi(exif) if exif else None,
            exif=exif or None,
        )

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """By libheif, which refuses data that are cut off."""
        file = _opened(data)
        try:
            return np.array(file[file.primary_index])
        except REFUSALS as error:
            raise Damaged(f"libheif: {error}".strip()) from error


def _opened(data: bytes) -> Any:
    """What libheif says of a file; its pixels are decoded when they are asked for."""
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingLibraryError(
            'HEIC files need pillow-heif; install it with: pip install "stn_cv[heic]"'
        ) from error
    try:
        return pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    except REFUSALS as error:
        raise Damaged(f"libheif: {error}".strip()) from error


FORMAT = HEIC()
