"""Photos rectified one after the other, as the caller asks for them."""

from collections.abc import Iterator, Sequence

from ..opencv import LARGEST_PICTURE
from .arguments import Model, Sources, as_paths, check_knows_doubt, model_of
from .executors import Executor, Threads
from .options import (
    Damaged,
    Doubtful,
    Existing,
    Interpolation,
    Metadata,
    Options,
    Pages,
    PathLike,
    Sampling,
    Size,
    Times,
)
from .plan import make_plan
from .progress import Progress
from .result import Result
from .run import run_plan

__all__ = ["iter_rectified"]


def iter_rectified(
    model: Model,
    source: Sources,
    target: PathLike,
    *,
    size: Size = "native",
    glob: Sequence[str] = (),
    exclude: Sequence[str] = (),
    existing: Existing = "skip",
    format: str | None = None,
    quality: int | None = None,
    sampling: Sampling | None = None,
    interpolation: Interpolation = "bilinear",
    metadata: Metadata = "drop",
    times: Times = "new",
    n_jobs: int | None = None,
    limit: int | None = None,
    max_pixels: int = LARGEST_PICTURE,
    first_page: bool = False,
    pages: Pages = "one",
    damaged: Damaged = "refuse",
    preview: PathLike | None = None,
    manifest: PathLike | None = None,
    contact_sheet: PathLike | None = None,
    min_confidence: float | None = None,
    doubtful: Doubtful = "keep",
    masks: PathLike | None = None,
    masks_out: PathLike | None = None,
    corrections: PathLike | None = None,
    shard: tuple[int, int] | None = None,
    tar: bool = False,
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Rectify photos one after the other, as the caller asks for them.

    Parameters
    ----------
    model : path-like, Rectifier or fitted estimator
        What rectifies.
    source : path-like or sequence of path-like
        Folders, which are searched with all below, and files.
    target : path-like
        Folder for the outputs; it mirrors the sources' trees.
    size, glob, exclude, existing, format, quality, sampling, interpolation, metadata, times
        As in `rectify_folder`.
    n_jobs, limit, max_pixels, first_page, pages, damaged, preview, manifest, contact_sheet
        As in `rectify_folder`.
    min_confidence, doubtful, masks, masks_out, corrections, shard, tar, executor
        As in `rectify_folder`.

    Yields
    ------
    Result
        What became of each photo, in the order of the plan.

    Raises
    ------
    InvalidInputError
        As `rectify_folder`.
    ModelFileError
        If the model is refused.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``. Until the
    last photo has come, BLAS and OpenCV use one thread each, in the whole process.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> [result.status for result in stn_cv.iter_rectified(model, "photo.png", "upright")]
    ['done']
    """
    wanted = Options(
        size=size,
        glob=glob,
        exclude=exclude,
        existing=existing,
        format=format,
        quality=quality,
        sampling=sampling,
        interpolation=interpolation,
        metadata=metadata,
        times=times,
        n_jobs=n_jobs,
        limit=limit,
        max_pixels=max_pixels,
        first_page=first_page,
        pages=pages,
        damaged=damaged,
        preview=preview,
        manifest=manifest,
        contact_sheet=contact_sheet,
        min_confidence=min_confidence,
        doubtful=doubtful,
        masks=masks,
        masks_out=masks_out,
        corrections=corrections,
        shard=shard,
        tar=tar,
    )
    plan = make_plan(as_paths(source), target, wanted, model)
    fitted = model_of(model)
    check_knows_doubt(fitted[0], min_confidence)
    yield from run_plan(plan, fitted, executor or Threads(n_jobs), lambda: False, Progress())
