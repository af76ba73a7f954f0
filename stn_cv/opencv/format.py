"""What is known of one image file format: a module a format defines one object."""

import contextlib
import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

import numpy as np

from ..arrays import Array
from .door import load_cv2

__all__ = [
    "CENTIMETRE",
    "LARGEST_PROFILE",
    "METRE",
    "Damaged",
    "Format",
    "Header",
    "HoldsExif",
    "HoldsProfile",
    "square_dpi",
    "swap_red_and_blue",
]

LARGEST_PROFILE = 2**24  # bytes; profiles with large tables have some megabytes
LEAST_DPI, MOST_DPI = 1.0, 50_000.0  # beyond them it is no resolution
OBLONG = 0.01  # of a pixel's side: less is rounding
CENTIMETRE, METRE = 1 / 2.54, 100 / 2.54  # in inches


class Damaged(Exception):  # noqa: N818  (what the bytes are; the codec turns it into an error)
    """The bytes are cut off, or no file of the format they begin as."""


@dataclass(frozen=True)
class Header:
    """What an image file says of itself.

    `channels` and `dtype` are the least that must come out of a decoder for nothing to be
    lost, 0 channels a colour model that is not taken; `pages` is 2 for "more than one".
    """

    width: int
    height: int
    channels: int
    dtype: str = "uint8"
    orientation: int = 1  # 1 to 8, as in EXIF; what decoders apply by themselves is 1 here
    pages: int = 1
    profile: bytes | None = None
    misread: str = ""  # what the decoder would get wrong, if anything
    damage: str = ""  # why not all of the picture can be there, if it is known already
    sampling: str | None = None  # of a JPEG's colours, such as "420"
    cmyk: bool = False  # four inks, which come as sRGB; `profile` is then that of the inks
    dpi: float | None = None  # of square pixels
    exif: bytes | None = None  # from its byte order on


class Format(ABC):
    """One image file format.

    Attributes
    ----------
    name : str
        As it is called in messages.
    suffixes : tuple of str
        In lower case; the first is what files of this format are named by.
    dtypes, channels : tuple
        What a file of this format keeps as it is.
    is_written : bool
        Whether files of this format are written as well as read.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    dtypes: ClassVar[tuple[str, ...]] = ("uint8",)
    channels: ClassVar[tuple[int, ...]] = (1, 3, 4)
    is_written: ClassVar[bool] = True

    @property
    def suffix(self) -> str:
        """The usual suffix, such as ``".jpg"``."""
        return self.suffixes[0]

    @abstractmethod
    def recognizes(self, start: bytes) -> bool:
        """Whether a file with these first bytes (32, or the whole file) is of this format."""

    @abstractmethod
    def read_header(self, data: bytes) -> Header:
        """Read the structure of a whole file and nothing else, at the cost of no more memory.

        Raises
        ------
        Damaged, struct.error, IndexError
            If the file is cut off or broken.
        """

    def sides(self, file: BinaryIO) -> tuple[int, int] | None:
        """(width, height) at the cost of a small part of a file; None where it does not tell."""
        return None

    def pixels(self, file: BinaryIO) -> int | None:
        """How many pixels the first bytes of a file say there are, if they do."""
        file.seek(0)
        with contextlib.suppress(Damaged, struct.error, IndexError, OverflowError):
            sides = self.sides(file)
            return None if sides is None else abs(sides[0] * sides[1])
        return None

    def decode(self, data: bytes, header: Header, keep_damaged: bool = False) -> Array | None:
        """Pixels as they are stored, in RGB; None where the decoder gives up.

        Raises
        ------
        Damaged
            If the decoder knows that pixels are lost, and they are not to be kept.
        """
        image = imdecode(data, load_cv2().IMREAD_UNCHANGED)
        return None if image is None else swap_red_and_blue(image)

    def encode(self, image: Array, quality: int | None, sampling: str | None) -> bytes | None:
        """Encode what `dtypes` and `channels` allow; None where the encoder gives up."""
        options = self.encoder_options(quality, sampling)
        done, data = load_cv2().imencode(self.suffix, swap_red_and_blue(image), options)
        return data.tobytes() if done else None

    def encoder_options(self, quality: int | None, sampling: str | None) -> list[int]:
        """Flags and values for OpenCV's encoder."""
        return []

    def with_dpi(self, data: bytes, dpi: float) -> bytes:
        """Put pixels an inch into a file that `encode` wrote, where there is a place for it."""
        return data


class HoldsProfile(ABC):
    """A format with a place for an ICC profile."""

    @abstractmethod
    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Put a colour profile into a file that `encode` wrote."""


class HoldsExif(ABC):
    """A format with a place for an EXIF block."""

    @abstractmethod
    def with_exif(self, data: bytes, exif: bytes) -> bytes:
        """Put an EXIF block into a file that `encode` wrote."""


def square_dpi(x: float, y: float, inches: float = 1.0) -> float | None:
    """Pixels an inch from those a unit of so many inches; None of no number or oblong pixels."""
    dpi = x / inches
    return dpi if LEAST_DPI <= dpi <= MOST_DPI and abs(x - y) <= OBLONG * x else None


def imdecode(data: bytes, flags: int) -> Any:
    """What OpenCV makes of a file, None if nothing."""
    cv2 = load_cv2()
    with contextlib.suppress(cv2.error):
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None


def swap_red_and_blue(image: Array) -> Array:
    """RGB[A] to BGR[A] or back; grey stays grey. Native and contiguous, as cv2 wants it."""
    image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    if image.ndim == 2 or image.shape[2] < 3:
        return image
    cv2 = load_cv2()
    alike = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return np.asarray(cv2.cvtColor(image, alike))
