"""Photos read as small copies for a training: examples of one size, and background pictures."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..model.image_spec import ImageSpec
from ..model.photos import small_copy
from ..opencv import LARGEST_PICTURE, decode_photo, quiet_and_serial
from ..threads import run_stream
from .files import read_photo_file
from .groups import groups_of
from .item import reason_of
from .labels import labelled_photos

__all__ = ["Examples", "load_folder", "read_background", "read_examples"]

ALIKE = 3  # levels by which the channels of a grey photo may differ after JPEG
Failures = list[tuple[str, str]]


@dataclass(frozen=True)
class Examples:
    """Photos read as small copies of one size, for a training.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, channels), uint8
        The copies, letterboxed; of one channel if all photos are grey.
    labels : ndarray of shape (n,)
        Their classes.
    paths : list of str
        Their files.
    failures : list of (path, reason)
        Photos that could not be read, and stand nowhere else.
    shapes : ndarray of shape (n, 2)
        (height, width) of the photos themselves.
    groups : ndarray of shape (n,) or None
        Which photos show one thing, if that was asked for.
    """

    images: Array
    labels: Array
    paths: list[str]
    failures: Failures
    shapes: Array
    groups: Array | None = None


def load_folder(
    data: str | os.PathLike[str],
    shape: tuple[int, int] = (64, 64),
    *,
    grey: bool = False,
    groups: str | None = None,
    n_jobs: int | None = None,
) -> Examples:
    """Load labelled photos as images of one size, as ``stn-cv fit`` does.

    Parameters
    ----------
    data : path-like
        A folder with a subfolder for each class, or a CSV file of path,label.
    shape : tuple, default (64, 64)
        (height, width) of the images, on which photos are letterboxed, never squashed.
    grey : bool, default False
        Whether to read colours as grey.
    groups : str or None, default None
        What keeps photos of one thing together, for `fit`: "column", the third one of the CSV;
        "near", photos that look nearly the same; or a regular expression in the path.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.

    Returns
    -------
    examples : Examples
        ``images``, ``labels``, ``paths``, ``groups``; ``failures`` are photos that could not be
        read, each with its reason.

    Raises
    ------
    InvalidInputError
        If there are fewer than two classes, one is empty, or the groups make no sense.

    See Also
    --------
    fit_folder : The same, and fit on it.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> from pathlib import Path
    >>> for label, shade in (("dark", 30), ("light", 220)):
    ...     Path("photos", label).mkdir(parents=True)
    ...     write_image(f"photos/{label}/1.png", np.full((30, 40, 3), shade, np.uint8))
    >>> examples = stn_cv.load_folder("photos", (16, 16))
    >>> examples.images.shape, examples.labels.tolist(), examples.failures
    ((2, 16, 16, 1), ['dark', 'light'], [])
    """
    data = os.fspath(data)
    examples = read_examples(labelled_photos(data), shape, grey, n_jobs)
    if groups is None:
        return examples
    return replace(examples, groups=groups_of(groups, data, examples.paths, examples.images))


def read_examples(
    pairs: Sequence[tuple[str, str]],
    shape: tuple[int, int],
    grey: bool = False,
    n_jobs: int | None = None,
    listener: Callable[[int], None] = lambda count: None,
) -> Examples:
    """Read photos of any size as small copies of one size, for a training.

    Parameters
    ----------
    pairs : sequence of (path, label)
        As `labelled_photos` gives them.
    shape : tuple
        (height, width) of the copies, on which photos are letterboxed.
    grey : bool, default False
        Whether to read colours as grey; photos that are all grey are read so in any case.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    listener : callable
        ``listener(count)``, called after each photo.

    Returns
    -------
    read : Examples
        Of the photos that can be read; the others are named.
    """
    spec = ImageSpec(*shape, 1 if grey else 3, "uint8")
    images, kept, failures, shapes = [], [], [], []
    copies = _copies([path for path, _ in pairs], lambda photo: spec, n_jobs)
    for count, (pair, copy) in enumerate(zip(pairs, copies, strict=True), 1):
        if isinstance(copy, str):
            failures.append((pair[0], copy))
        else:
            images.append(copy[0])
            shapes.append(copy[1])
            kept.append(pair)
        listener(count)
    stack = np.stack(images) if images else np.empty((0, *shape, spec.channels), np.uint8)
    sizes = np.array(shapes, np.int64).reshape(-1, 2)
    paths, labels = [path for path, _ in kept], np.array([label for _, label in kept])
    return Examples(_without_needless_colour(stack), labels, paths, failures, sizes)


def read_background(
    paths: Sequence[str], side: int, channels: int, n_jobs: int | None = None
) -> tuple[list[Array], Failures]:
    """Read photos as small copies of their own proportions, and what could not be read and why.

    Parameters
    ----------
    paths : sequence of str
        Photos.
    side : int
        Pixels that the shorter side is to have.
    channels : int
        1 or 3.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    """

    def spec(photo: tuple[int, ...]) -> ImageSpec:
        scale = side / min(photo[:2])
        height, width = (max(round(length * scale), 1) for length in photo[:2])
        return ImageSpec(height, width, channels, "uint8")

    pictures: list[Array] = []
    failures: Failures = []
    for path, copy in zip(paths, _copies(paths, spec, n_jobs), strict=True):
        if isinstance(copy, str):
            failures.append((path, copy))
        else:
            pictures.append(copy[0])
    return pictures, failures


def _copies(
    paths: Sequence[str], spec_of: Callable[[tuple[int, ...]], ImageSpec], n_jobs: int | None
) -> Iterator[tuple[Array, tuple[int, int]] | str]:
    """The small copy of each photo and the photo's (height, width), or why there is none."""

    def read(path: str) -> tuple[Array, tuple[int, int]] | str:
        try:
            pixels = decode_photo(read_photo_file(path, LARGEST_PICTURE)).pixels
            height, width = pixels.shape[:2]
            return small_copy(pixels, spec_of(pixels.shape)), (height, width)
        except Exception as error:  # one bad photo must not cost the others
            return reason_of(error, path)

    with quiet_and_serial():
        yield from run_stream(read, paths, n_jobs)


def _without_needless_colour(images: Array) -> Array:
    if images.shape[3] == 3 and len(images):
        spread = max(int(np.ptp(image.astype(np.int16), axis=2).max()) for image in images)
        if spread <= ALIKE:
            return images[..., 1:2]
    return images
