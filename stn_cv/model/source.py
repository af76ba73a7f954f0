"""The bytes of a model: of a path, of a file that is open, or as they are; never too many."""

import io
import json
import os
import stat
from typing import Any, BinaryIO

from ..errors import InvalidTypeError, ModelFileError

__all__ = ["TENSOR", "ModelSource", "check_binary", "header_length", "model_source"]

ModelSource = str | os.PathLike[str] | bytes | BinaryIO
TENSOR = "parameters"
LARGEST_HEADER = 1_000_000
ONNX_START = (b"\x12", b"\x3a")  # tags of what follows a version, 8 and a number; too long for us
LARGEST_FILE = 2**28


def model_source(source: Any) -> bytes:
    """All bytes of a model that `load` was given.

    Raises
    ------
    ModelFileError
        If they are more than its header says, or than any model's.
    OSError
        If it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return _not_too_many(bytes(source))
    if hasattr(source, "read"):
        check_binary(source, "rb")
        return _not_too_many(_rest_of(source))
    if not isinstance(source, str | os.PathLike):
        raise InvalidTypeError(
            f"a model cannot be loaded from {type(source).__name__}; wanted a path, bytes or an "
            "open file."
        )
    if not stat.S_ISREG(os.stat(source).st_mode):
        raise ModelFileError("not a regular file; wanted a file that stn_cv.save wrote.")
    with open(source, "rb") as file:
        return _bounded(file)


def check_binary(file: Any, mode: str) -> None:
    """Refuse a file of text."""
    if isinstance(file, io.TextIOBase):
        raise InvalidTypeError(f"the file is one of text; open it with mode {mode!r}.")


def _not_too_many(data: bytes) -> bytes:
    if len(data) > LARGEST_FILE:
        raise ModelFileError(f"too many bytes; a model file has {LARGEST_FILE} at most.")
    return data


def _rest_of(file: BinaryIO) -> bytes:
    """What is left of an open file, which may give it in pieces."""
    pieces, left = [], LARGEST_FILE + 1
    while left > 0 and (piece := file.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _bounded(file: BinaryIO) -> bytes:
    """The file's bytes, after a look at its sizes."""
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST_FILE:
        raise ModelFileError(f"{size} bytes; a model file has {LARGEST_FILE} at most.")
    start = file.read(8)
    length = header_length(start, size)
    header = file.read(length)
    _check_tensor_length(header, size - len(start) - length)
    data = start + header + file.read(size - len(start) - length + 1)
    if len(data) != size:
        raise ModelFileError(f"{len(data)} bytes came, {size} were there; it is being written to.")
    return data


def _check_tensor_length(header: bytes, length: int) -> None:
    """Refuse, before they are read, another number of bytes than the header wants."""
    try:
        wanted = json.loads(header)[TENSOR]["data_offsets"][1]
    except (ValueError, LookupError, TypeError, RecursionError):
        return  # other checks say what it is instead
    if wanted != length:
        raise ModelFileError(
            f"damaged: {length} bytes of weights are there, its header says {str(wanted)[:40]}. "
            "Copy it again, or save the model again."
        )


def header_length(start: bytes, size: int) -> int:
    """Length of the JSON header as the first eight bytes say, if it can be."""
    length = int.from_bytes(start[:8], "little")
    if start[:1] == b"\x08" and start[2:3] in ONNX_START:
        raise ModelFileError(
            "this is an ONNX file, which other engines run; wanted the file that stn_cv.save "
            "wrote, from which it was exported."
        )
    if len(start) < 8 or not 2 <= length <= LARGEST_HEADER:
        raise ModelFileError(
            f"not a model file: its {size} bytes begin as none does. Wanted a file that "
            "`stn-cv fit` or stn_cv.save wrote."
        )
    if length > size - 8:
        raise ModelFileError(
            f"not a model file, or cut off: {size} bytes of more than {length} are there. Copy it "
            "again, or save the model again."
        )
    return length
