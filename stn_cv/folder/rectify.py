"""Folders of photos rectified, and what became of them in numbers."""

import time
from collections.abc import Callable, Sequence

from ..opencv import LARGEST_PICTURE
from .arguments import Model, Sources, as_paths, check_knows_doubt, model_of
from .executors import Executor, Threads
from .interrupt import orderly_interrupt
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
from .plan import Plan, make_plan
from .progress import Progress, counted_ahead
from .report import reported
from .result import Result
from .run import run_plan
from .summary import Summary

__all__ = ["rectify_folder"]


def rectify_folder(
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
    report: PathLike | None = None,
    min_confidence: float | None = None,
    doubtful: Doubtful = "keep",
    masks: PathLike | None = None,
    masks_out: PathLike | None = None,
    corrections: PathLike | None = None,
    shard: tuple[int, int] | None = None,
    tar: bool = False,
    executor: Executor | None = None,
    listener: Callable[[Result, int], None] | None = None,
) -> Summary:
    """Rectify folders of photos, each photo at its own resolution.

    A photo is letterboxed to the model's proportions, never squashed; the transform found on
    the small copy warps the photo itself, in its own colours and depth. Each output is
    written whole or not at all, so a run that was stopped goes on with the same call.

    Parameters
    ----------
    model : path-like, Rectifier or fitted estimator
        What rectifies.
    source : path-like or sequence of path-like
        Folders, which are searched with all below, and files. Links are not followed. Archives
        (.tar, .zip) are folders as well, in folders too.
    target : path-like
        Folder for the outputs, outside of the sources; it mirrors their trees.
    size : {"native", "input"} or tuple, default "native"
        Of the outputs: the model's proportions, a pixel for a pixel of the photo; the photo's
        own; or (height, width).
    glob, exclude : sequence of str, default ()
        Patterns of names, or of paths below a source if with "/": of `glob`, if any, one must
        match, of `exclude` none may.
    existing : {"skip", "overwrite", "error"}, default "skip"
        What to do with outputs that are there already.
    format : str or None, default None
        Suffix of a format of `stn_cv.opencv`, such as "png"; None keeps each photo's.
    quality : int or None, default None
        1 to 100 for JPEG (None: 95), WebP and AVIF (None: lossless).
    sampling : {"444", "422", "420"} or None, default None
        How many colours a JPEG keeps beside its shades, of "444" all; None is as many as the
        photo did, of other formats "420".
    interpolation : {"bilinear", "nearest", "bicubic"}, default "bilinear"
        As the `mode` of `stn_cv.warp_affine`. Bicubic is sharper where the output is larger than
        what it shows.
    metadata : {"drop", "keep", "keep-gps"}, default "drop"
        What becomes of a photo's EXIF block: with "keep" what says how it came to be (camera,
        time, exposure, author) is copied, without orientation, small copies and makers' notes,
        and without the place unless "keep-gps" asks for it. To JPEG, PNG and WebP only. The
        resolution (pixels an inch) is kept in any case, where an output is of native size.
    times : {"new", "keep"}, default "new"
        Times of the output files: of now, or of the photos.
    n_jobs : int or None, default None
        Threads; None is 1, -1 all cores.
    limit : int or None, default None
        Rectify so many at most.
    max_pixels : int, default 89478485
        The largest photo decoded, and the largest output.
    first_page : bool, default False
        Take the first page or frame of a file that has several; otherwise it is refused.
    pages : {"one", "all"}, default "one"
        With "all" each page of a TIFF that has several is a photo, "scan.tif/1.tif",
        "scan.tif/2.tif", ..., as if the TIFF were a folder; so its outputs, previews and masks
        are named, and its rows in the manifest.
    damaged : {"refuse", "keep"}, default "refuse"
        What to do with a photo of which the decoder knows that data are lost: an error, or to
        take what is left, and say in the manifest what the decoder said.
    preview : path-like or None, default None
        Folder for pictures of photo, frame and output side by side.
    manifest : path-like or None, default None
        File for a line of JSON a photo, see `Result`.
    contact_sheet : path-like or None, default None
        PNG file for the first photos and the least confident ones.
    report : path-like or None, default None
        HTML file, one page, for at most 2,000 photos before and after, the worst first, with the
        distributions of turn, scale and confidence; of all photos in the manifest, if one is
        written.
    min_confidence : float or None, default None
        Photos of whose pose the model is less sure are doubtful and stay in their own pose; of a
        model of poses only.
    doubtful : {"keep", "skip"} or path-like, default "keep"
        What becomes of them: they stand among the outputs as they came, or nowhere, or in a
        folder of their own that mirrors the sources' trees as well.
    masks : path-like or None, default None
        Folder of masks, which mirrors the sources' trees: each is as large as its photo, upright,
        and has its name, with the suffix of any image.
    masks_out : path-like or None, default None
        Folder for the masks, warped as their photos by nearest neighbour, so that no label is
        blended; PNG files, with their palette where they have one. 0 stands outside where the
        model fills. A photo without a mask fails.
    corrections : path-like or None, default None
        File of corners, see `stn-cv fit --corners`: only the photos that it names are
        rectified, anew, by a homography through their corners, whatever the model's family.
        Those that it marks as hopeless are doubtful.
    shard : (int, int) or None, default None
        Do the first, second, ... of so many shares of the photos only, ``(1, 8)`` to ``(8, 8)``,
        in any order and on any machine; a call without it does what is missing and joins the
        parts of the manifest, in which the shares told what they did.
    tar : bool, default False
        Write the outputs of each archive as one tar, "a.tar" or "a.zip.tar", instead of a folder:
        whole or not at all, in the archive's order, with what is no photo as it is. It is in memory
        while it is written. Photos in no archive fail.
    executor : Executor or None, default None
        What does the work instead of threads of this process.
    listener : callable or None, default None
        ``listener(result, total)``, called after each photo; the total is of the photos to do,
        as far as they have been counted.

    Returns
    -------
    Summary
        How many were done, doubtful, skipped, and failed for what reason.

    Raises
    ------
    InvalidInputError
        Before anything is written: an option makes no sense or is not for this model, the target
        lies among the sources or cannot be written to, two photos would have one output.
    ModelFileError
        If the model is refused.
    KeyboardInterrupt
        After Ctrl-C; photos under way are finished, and the manifest is complete so far.

    See Also
    --------
    iter_rectified : The same, photo by photo.

    Notes
    -----
    Convention: theta is (x, y), output to source, [-1, 1], ``align_corners=False``.

    Examples
    --------
    >>> import numpy as np
    >>> import stn_cv
    >>> from stn_cv.opencv import write_image
    >>> X, y = np.random.default_rng(0).random((20, 8, 8, 3)), np.arange(20) % 2
    >>> model = stn_cv.SpatialTransformer(head="linear", max_iter=2).fit(X, y)
    >>> write_image("photo.png", np.zeros((60, 80, 3), np.uint8))
    >>> stn_cv.rectify_folder(model, "photo.png", "straight", size="input").done
    1
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
        report=report,
        min_confidence=min_confidence,
        doubtful=doubtful,
        masks=masks,
        masks_out=masks_out,
        corrections=corrections,
        shard=shard,
        tar=tar,
    )
    start, summary = time.perf_counter(), Summary(report=report)
    with reported(wanted) as options:
        plan = make_plan(as_paths(source), target, options, model)
        _carry_out(plan, model, executor or Threads(n_jobs), listener, summary)
    summary.seconds = time.perf_counter() - start
    return summary


def _carry_out(
    plan: Plan,
    model: Model,
    executor: Executor,
    listener: Callable[[Result, int], None] | None,
    summary: Summary,
) -> None:
    """Do what is planned, and add up what became of it."""
    fitted = model_of(model)
    check_knows_doubt(fitted[0], plan.options.min_confidence)
    progress = Progress()
    with orderly_interrupt() as interrupted, counted_ahead(plan) as count:
        for result in run_plan(plan, fitted, executor, interrupted, progress):
            summary.add(result)
            if listener is not None:
                listener(result, max(count(), progress.tried))
        if interrupted():
            raise KeyboardInterrupt
    summary.passed_over = dict(progress.passed_over)
    summary.left = progress.planned - progress.came
