"""What the head of a model says of photos."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from ..arrays import Array
from ..errors import InvalidInputError
from ..model.photos import small_copy
from ..model.rectifier import Rectifier
from ..opencv import LARGEST_PICTURE, decode_photo, quiet_and_serial
from ..threads import pinned_blas, run_stream
from .arguments import Model, Sources, as_paths, model_of
from .files import read_photo_file
from .item import reason_of
from .options import Damaged, Options
from .search import Found, Wanted, check_sources, walk

__all__ = ["Prediction", "iter_predictions", "predict_folder", "predictions"]


@dataclass(frozen=True)
class Prediction:
    """What the head of a model says of one photo.

    Attributes
    ----------
    input : str
        The photo's file.
    label, confidence : object or None
        Most probable class, and its probability.
    probabilities : ndarray of shape (n_classes,) or None
        In the order of the model's classes.
    error : str or None
        Why there is none of these.
    """

    input: str
    label: Any = None
    confidence: float | None = None
    probabilities: Array | None = None
    error: str | None = None


def predict_folder(
    model: Model,
    source: Sources,
    *,
    glob: Sequence[str] = (),
    exclude: Sequence[str] = (),
    n_jobs: int | None = None,
    limit: int | None = None,
    max_pixels: int = LARGEST_PICTURE,
    first_page: bool = False,
    damaged: Damaged = "refuse",
) -> list[Prediction]:
    """Classify photos in files and folders, as ``stn-cv predict`` does.

    Parameters
    ----------
    model : path-like, Rectifier or fitted estimator
        What was fitted with a head of layers, which it holds.
    source : path-like or sequence of path-like
        Folders, which are searched with all below, and files.
    glob, exclude, n_jobs, limit, max_pixels, first_page, damaged
        As in `rectify_folder`.

    Returns
    -------
    list of Prediction
        Of each photo, those that could not be read among them.

    Raises
    ------
    InvalidInputError
        If a source does not exist, or the model holds no head.
    ModelFileError
        If the model is refused.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformerClassifier(max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> [photo.input for photo in stn_cv.predict_folder(model, "photo.png")]
    ['photo.png']
    """
    rectifier, _ = model_of(model)
    head_classes(rectifier)
    options = Options(
        glob=glob,
        exclude=exclude,
        n_jobs=n_jobs,
        limit=limit,
        max_pixels=max_pixels,
        first_page=first_page,
        damaged=damaged,
    )
    return list(iter_predictions(rectifier, source, options))


def head_classes(rectifier: Rectifier) -> Array:
    """The classes that the head of a model tells; one that can rectify only is refused."""
    if rectifier.classes is None:
        raise InvalidInputError(
            "the model holds no head, so it cannot predict; fit one with a head of layers, such "
            "as 'linear' or 'cnn'."
        )
    return rectifier.classes


def iter_predictions(
    rectifier: Rectifier, source: Sources, options: Options
) -> Iterator[Prediction]:
    """Look for photos in files and folders; then classify them, one after the other.

    Raises
    ------
    InvalidInputError
        If a source does not exist.
    """
    sources = as_paths(source)
    check_sources(sources)
    found = walk(sources, Wanted(options.glob, options.exclude))
    return predictions(rectifier, options, islice(found, options.limit))


def predictions(
    rectifier: Rectifier, options: Options, photos: Iterable[Found]
) -> Iterator[Prediction]:
    """Classify photos one after the other, in their order."""
    with pinned_blas(), quiet_and_serial():
        yield from run_stream(partial(_predict, rectifier, options), photos, options.n_jobs)


def _predict(rectifier: Rectifier, options: Options, photo: Found) -> Prediction:
    path = photo.path
    if photo.reason is not None:
        return Prediction(path, error=photo.reason)
    try:
        data = read_photo_file(path, options.max_pixels, options.first_page)
        keep = options.damaged == "keep"
        pixels = decode_photo(data, options.max_pixels, options.first_page, keep).pixels
        small = small_copy(pixels, rectifier.image_spec, rectifier.transform.fill_value)
        found = rectifier.predict_proba(small)
        best = int(found.argmax())
        label = rectifier.classes[best].item() if rectifier.classes is not None else None
        return Prediction(path, label, float(found[best]), found)
    except Exception as error:  # one bad photo must not cost the others
        return Prediction(path, error=reason_of(error, path))
