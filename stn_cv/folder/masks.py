"""Masks that belong to photos: found by the photo's name, warped with it by nearest neighbour."""

import os

from ..arrays import Array
from ..errors import InvalidInputError
from ..model.photos import warped_mask
from ..model.rectifier import Rectifier
from ..opencv import LARGEST_PICTURE, SUFFIXES, encode_mask, read_mask
from ..storage import is_address, is_file, joined
from .files import read_photo_file

__all__ = ["mask_like", "mask_name"]

MASK = ".png"  # the format of all masks that are written: it keeps every label


def mask_like(
    rectifier: Rectifier,
    folder: str,
    name: str,
    photo: tuple[int, ...],
    theta: Array | None,
    output: tuple[int, ...],
) -> bytes:
    """The PNG of a photo's mask, warped as the photo was.

    Parameters
    ----------
    rectifier : Rectifier
        Whose rule for what lies outside is used; 0 stands there where it fills.
    folder, name : str
        Where the masks are, and the photo's name below it with any suffix.
    photo, output : tuple
        (height, width, ...) of the photo and of what came of it.
    theta : ndarray or None
        Output to source, normalized on the photo; None for a photo that was left as it is.

    Raises
    ------
    InvalidInputError
        If there is no mask or several, or if it is not as large as the photo.
    """
    path = _found(folder, os.path.splitext(name)[0])
    height, width = photo[:2]
    most = max(LARGEST_PICTURE, height * width)
    try:
        mask = read_mask(read_photo_file(path, most), most)
    except InvalidInputError as error:
        raise InvalidInputError(f"its mask {path!r}: {error}") from error
    came = mask.values.shape[:2]
    if came != (height, width):
        raise InvalidInputError(
            f"its mask {path!r} is {came[1]} wide and {came[0]} high, the photo {width} and "
            f"{height}, upright; draw the mask on the photo as it is shown."
        )
    if theta is not None:
        shape = (output[0], output[1])
        mask = mask._replace(values=warped_mask(rectifier, mask.values, theta, shape))
    return encode_mask(mask)


def mask_name(name: str) -> str:
    """The mask that is written for a photo of this name."""
    return os.path.splitext(name)[0] + MASK


def _found(folder: str, stem: str) -> str:
    """The one mask of a photo."""
    kinds = sorted({case for suffix in SUFFIXES for case in (suffix, suffix.upper())})
    paths = [joined(folder, stem + kind) for kind in kinds]
    files = {_identity(path): path for path in paths if is_file(path)}
    found = sorted(files.values())
    if len(found) != 1:
        which = f"{len(found)} masks, {found[0]!r} and {found[1]!r}" if found else "no mask"
        raise InvalidInputError(
            f"there is {which} for it in {folder!r}; wanted one, {stem + MASK!r}, or with another "
            "suffix of an image."
        )
    return found[0]


def _identity(path: str) -> str | int:
    """The same for two spellings of a file, on a disk that takes .png and .PNG for one."""
    return path if is_address(path) else os.stat(path).st_ino
