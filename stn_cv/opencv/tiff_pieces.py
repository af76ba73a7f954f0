"""Damage in the compressed strips and tiles of a TIFF, which OpenCV passes over."""

import contextlib
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..kernels import loaded
from .format import Damaged
from .pillow import UnknownToPillow, pillow_image
from .tiff_structure import (
    HEIGHT,
    JPEG_TABLES,
    PLANES,
    ROWS,
    SAMPLES,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Structure,
    Tags,
    first_of,
)

__all__ = ["BITS", "COMPRESSION", "PHOTOMETRIC", "check_pieces"]

BITS, COMPRESSION, PHOTOMETRIC = 258, 259, 262
NOT_COMPRESSED, LZW, JPEG, DEFLATE, PACKBITS = 1, 5, 7, (8, 32946), 32773
FILL_ORDER, LOWEST_FIRST = 266, 2  # the bits of a byte the other way round
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
SUBSAMPLED = 6  # a photometric interpretation: fewer bytes than pixels would need


class Piece(NamedTuple):
    """A strip or tile: its bytes in the file, and the (rows, columns) it must and may have."""

    packed: memoryview
    least: tuple[int, int]
    most: tuple[int, int]


def check_pieces(structure: Structure, tags: Tags) -> None:
    """Refuse what does not unpack to a whole picture.

    Raises
    ------
    Damaged
        If a piece cannot be unpacked, or is shorter or longer than its pixels.
    """
    compression = first_of(tags, COMPRESSION, NOT_COMPRESSED)
    if compression == JPEG:
        for piece in _pieces(structure, tags):
            _check_jpeg(piece, bytes(tags.get(JPEG_TABLES, (b"",))[0]))
    elif compression in (NOT_COMPRESSED, LZW, PACKBITS, *DEFLATE):
        for piece in _pieces(structure, tags):
            _check_length(piece, compression, tags)
    else:
        _check_by_pillow(structure.data)


def _pieces(structure: Structure, tags: Tags) -> Iterator[Piece]:
    height, width = first_of(tags, HEIGHT, 0), first_of(tags, WIDTH, 0)
    tiled = TILE_WIDTH in tags
    rows = first_of(tags, TILE_HEIGHT, 1) if tiled else min(first_of(tags, ROWS, height), height)
    columns = first_of(tags, TILE_WIDTH, 1) if tiled else width
    in_a_plane = -(-height // max(rows, 1))
    for number, (start, length) in enumerate(structure.pieces(tags)):
        left = rows if tiled else min(rows, height - number % in_a_plane * rows)
        packed = memoryview(structure.data)[start : start + length]
        yield Piece(packed, (left, columns), (rows, columns))


def _check_length(piece: Piece, compression: int, tags: Tags) -> None:
    """Hold what a piece unpacks to against its pixels; a last strip may be filled up."""
    samples = 1 if first_of(tags, PLANES, 1) == 2 else first_of(tags, SAMPLES, 1)
    bits = first_of(tags, BITS, 1) * samples
    least, most = (rows * -(-columns * bits // 8) for rows, columns in (piece.least, piece.most))
    if first_of(tags, PHOTOMETRIC, 1) == SUBSAMPLED:
        least = 1
    packed = piece.packed
    if first_of(tags, FILL_ORDER, 1) == LOWEST_FIRST:
        packed = memoryview(bytes(packed).translate(REVERSED))
    length = _unpacked_length(packed, compression, most)
    if length < 0:
        raise Damaged("a piece of it cannot be unpacked")
    if not least <= length <= most:
        than = "more" if length > most else "less"
        raise Damaged(f"a piece of it unpacks to {than} than its {least} bytes")


def _unpacked_length(packed: memoryview, compression: int, most: int) -> int:
    """Bytes that a piece unpacks to, some above `most` if they are more; -1 if it cannot be."""
    if compression == NOT_COMPRESSED:  # the number of bytes in the file is often said too large
        return min(len(packed), most)
    if compression in DEFLATE:
        unpacker = zlib.decompressobj()
        try:
            length = len(unpacker.decompress(packed, most + 1))
        except zlib.error:
            return -1
        return length if unpacker.eof or length > most else -1
    if compression == LZW and packed[0] == 0:  # of before 1988, which begins without a clear code
        return most
    kernels = loaded("unpacked_length")
    count = kernels.lzw if compression == LZW else kernels.packbits
    return int(count(np.frombuffer(packed, np.uint8)))


def _check_jpeg(piece: Piece, tables: bytes) -> None:
    """Decode a piece, behind the tables that all have in common, in libjpeg-turbo's strict mode."""
    import simplejpeg

    data = tables[:-2] + bytes(piece.packed[2:]) if tables else bytes(piece.packed)
    try:
        height, width = simplejpeg.decode_jpeg_header(data)[:2]
        if height > piece.most[0] or width > piece.most[1]:
            raise Damaged(f"a piece of {piece.most[1]}x{piece.most[0]} says {width}x{height}")
        simplejpeg.decode_jpeg(data, "GRAY", strict=True)
    except ValueError as error:
        raise Damaged(f"a piece of it: {error}") from error


def _check_by_pillow(data: bytes) -> None:
    with contextlib.suppress(UnknownToPillow), pillow_image(data, "libtiff"):
        pass
