"""What the head of a model says of photos."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from ..arrays import Array
from ..model.photos import small_copy
from ..model.rectifier import Rectifier
from ..opencv import decode_photo, quiet_and_serial
from ..threads import pinned_blas, run_stream
from .arguments import Sources, as_paths
from .files import read_photo_file
from .item import reason_of
from .options import Options
from .search import Found, Wanted, check_sources, walk

__all__ = ["Prediction", "iter_predictions", "predictions"]


@dataclass(frozen=True)
class Prediction:
    """Probabilities of a photo's classes, or why there are none."""

    input: str
    probabilities: Array | None = None
    error: str | None = None


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
        return Prediction(path, rectifier.predict_proba(small))
    except Exception as error:  # one bad photo must not cost the others
        return Prediction(path, error=reason_of(error, path))
