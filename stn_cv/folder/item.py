"""One item: a photo read, looked at, warped, and written, whatever may be wrong with it."""

import errno
import hashlib
import os
import time
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import InvalidInputError, StnError
from ..geometry.letterbox import (
    letterbox_theta_from_corners,
    pose_of,
    shrinkage,
    theta_of_photo,
)
from ..model.batches import finite
from ..model.photos import Found, find, warped
from ..model.rectifier import Rectifier
from ..opencv import (
    WRITTEN_SUFFIXES,
    Photo,
    decode_photo,
    descriptive_exif,
    encode,
    format_of,
    format_to_write,
)
from ..storage import is_address, is_member
from .corner_files import letterbox_theta
from .files import holds, read_photo_file, write_below
from .manifest import Row
from .masks import mask_like
from .options import Options
from .pages import file_of
from .preview import Thumbnails, preview_of, thumbnails_of
from .result import Result
from .shard import Item

__all__ = ["Job", "Outcome", "reason_of", "rectify_item"]

NONE = np.empty((0, 0), np.uint8)
ROUNDING = 0.05  # of a side: outputs have whole pixels
NO_MORE_ROOM = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(frozen=True)
class Job:
    """What all items of a run have in common; `parts` is where each shard leaves its rows."""

    rectifier: Rectifier
    model_sha256: str
    target: str
    options: Options
    parts: str | None = None


class Outcome(NamedTuple):
    """A result, its row of the manifest if it has one, and what a contact sheet shows of it.

    Then, whether the disk takes no more, and the output that is still to go into its tar.
    """

    result: Result
    row: Row | None = None
    thumbnails: Thumbnails | None = None
    no_more_room: bool = False
    output: bytes | None = None


def rectify_item(job: Job, item: Item) -> Outcome:
    """Rectify one photo; what goes wrong is in the result and costs no other photo."""
    if item.work in ("skip", "fail"):
        return _not_tried(job, item)
    start = time.perf_counter()
    facts: dict[str, Any] = {
        "input": item.source,
        "output": item.target,
        "status": "done",
        "model_sha256": job.model_sha256,
    }
    thumbnails, output, no_more_room = None, None, False
    try:
        thumbnails, output = _done(job, item, facts)
    except Exception as reason:  # one bad photo must not cost the others
        facts.update(status="error", error=reason_of(reason, item.source))
        no_more_room = isinstance(reason, OSError) and reason.errno in NO_MORE_ROOM
    facts["milliseconds"] = round((time.perf_counter() - start) * 1000, 3)
    result = Result(**facts)
    return Outcome(result, result.row(), thumbnails, no_more_room, output)


def _not_tried(job: Job, item: Item) -> Outcome:
    """What is done already, or is no photo."""
    status, model = "error" if item.work == "fail" else "skipped", job.model_sha256
    result = Result(item.source, item.target, status, item.reason, model_sha256=model)
    return Outcome(result, result.row() if item.work == "fail" else item.row)


def reason_of(error: Exception, photo: str) -> str:
    """Why a photo failed; a file other than the photo itself is named."""
    if isinstance(error, StnError):
        return str(error)
    if isinstance(error, OSError):
        other = error.filename not in (None, photo)
        return (error.strerror or str(error)) + (f": {error.filename!r}" if other else "")
    return f"{type(error).__name__}: {error}"


def _done(job: Job, item: Item, facts: dict[str, Any]) -> tuple[Thumbnails | None, bytes | None]:
    """Do it; what is found goes into `facts`.

    What a contact sheet shows comes back, and the output if it goes into a tar.
    """
    options = job.options
    photo = _read(item, options, facts)
    # The head can take longer than all the rest of the network.
    classify = options.manifest is not None or options.contact_sheet is not None
    found = _corrected(job, item, photo.pixels, facts)
    if found is None:
        found = find(job.rectifier, photo.pixels, classify)
    output, theta = _outcome(job, item, photo.pixels, found, facts)
    facts.update(theta=theta.tolist(), label=found.label, confidence=found.confidence)
    thumbnails = (
        None if options.contact_sheet is None else thumbnails_of(photo.pixels, theta, output)
    )
    if facts["status"] == "done" and not _keeps_scale(options, theta, photo.pixels, output):
        photo = replace(photo, dpi=None)
    wants_preview = item.preview is not None and item.work != "tell"
    preview = preview_of(photo.pixels, theta, output) if wants_preview else None
    shape = photo.pixels.shape
    photo = replace(photo, pixels=NONE)  # encoding takes as much memory
    if item.work == "tell":
        if not _is_written(item, output, facts["output"], options, photo):
            facts.update(status="skipped", output=item.target)
        return thumbnails, None
    file = _encoded(output, facts["output"], options, photo)
    if preview is not None and item.preview is not None and options.preview is not None:
        write_below(os.fspath(options.preview), item.preview, preview)
    if facts["status"] == "done" or options.doubtful != "skip":
        _write_mask(job, item, shape, theta if facts["status"] == "done" else None, output)
        return thumbnails, _placed(job, item, facts["output"], file)
    return thumbnails, None


def _read(item: Item, options: Options, facts: dict[str, Any]) -> Photo:
    data = read_photo_file(item.source, options.max_pixels, options.first_page)
    facts["input_sha256"] = hashlib.sha256(data).hexdigest()
    _check_written(item.target, data)
    keep = options.damaged == "keep"
    photo = decode_photo(data, options.max_pixels, options.first_page, keep)
    facts["damage"] = photo.damage or None
    return photo


def _placed(job: Job, item: Item, target: str, file: bytes) -> bytes | None:
    """Write an output, or give it back if it goes into a tar."""
    options, aside = job.options, target != item.target
    if item.tar is not None and not aside:
        return file
    root = options.aside if aside and options.aside is not None else job.target
    replaces = options.existing == "overwrite" if aside else item.is_there
    times = _times_of(item.source, target) if options.times == "keep" else None
    write_below(root, target, file, replaces, times)  # the last: who has an output has all
    return None


def _times_of(source: str, target: str) -> os.stat_result:
    """The times of a photo, which its output is to have."""
    source = file_of(source)
    if is_address(target) or is_address(source) or is_member(source):
        raise InvalidInputError(
            "only files on a disk have times to keep; leave out --times keep (times)."
        )
    return os.stat(source)


def _write_mask(
    job: Job, item: Item, photo: tuple[int, ...], theta: Array | None, output: Array
) -> None:
    """Warp the photo's mask as the photo was; None is not at all."""
    masks, target = job.options.masks, job.options.masks_out
    if item.mask is None or masks is None or target is None:
        return
    root = os.fspath(target)
    name = item.mask[len(root) :].lstrip("/" + os.sep)
    mask = mask_like(job.rectifier, os.fspath(masks), name, photo, theta, output.shape)
    write_below(root, item.mask, mask)


def _corrected(job: Job, item: Item, pixels: Array, facts: dict[str, Any]) -> Found | None:
    """The frame that corrections give a photo, if they do; of a hopeless one the whole photo."""
    row = item.correction
    if row is None:
        return None
    facts["note"] = "hopeless" if row.corners is None else "corrected"
    spec = job.rectifier.image_spec
    proportions = spec.height, spec.width
    if row.corners is None:
        height, width = pixels.shape[:2]
        whole = [[0, 0], [width, 0], [width, height], [0, height]]
        return Found(letterbox_theta_from_corners(whole, pixels.shape, proportions, "affine"))
    return Found(letterbox_theta(row, pixels.shape, proportions, "projective"))


def _outcome(
    job: Job, item: Item, pixels: Array, found: Found, facts: dict[str, Any]
) -> tuple[Array, Array]:
    """What comes out, and the theta of the photo: of a doubtful one, it as it came."""
    options = job.options
    if facts.get("note") == "hopeless" or options.doubts(found.confidence):
        facts.update(status="doubtful", output=item.aside or item.target)
        spec = job.rectifier.image_spec
        return pixels, theta_of_photo(found.theta, pixels.shape, (spec.height, spec.width))
    output, theta = warped(
        job.rectifier,
        pixels,
        found.theta,
        options.size,
        options.max_pixels,
        options.interpolation,
    )
    pose = pose_of(theta, pixels.shape, output.shape[:2])
    known = [value for value in pose.values() if value is not None]
    finite(np.hstack([np.ravel(value) for value in (theta, *known)]))
    facts.update(pose)
    return output, theta


def _check_written(target: str, data: bytes) -> None:
    """Refuse a photo of a format that is only read, before any work, if no other is asked for."""
    format = format_of(data)
    try:
        if format is not None:
            format_to_write(_suffix_to_write(target, format.suffix))
    except InvalidInputError as error:
        raise InvalidInputError(f"{error} The option is --format (format).") from error


def _suffix_to_write(target: str, own: str) -> str:
    """The output's; a photo by its content is named as it is, and written as what it is."""
    suffix = os.path.splitext(target)[1]
    return suffix if suffix.lower() in WRITTEN_SUFFIXES else own


def _is_written(item: Item, output: Array, target: str, options: Options, photo: Photo) -> bool:
    """Whether the output that is there is what would be written."""
    if target != item.target:
        return False
    try:
        file = _encoded(output, target, options, photo)
    except InvalidInputError:
        return False
    return holds(target, file)


def _encoded(output: Array, target: str, options: Options, photo: Photo) -> bytes:
    sampling = options.sampling or photo.sampling
    exif = None
    if options.metadata != "drop" and photo.exif is not None:
        exif = descriptive_exif(photo.exif, output.shape, options.metadata == "keep-gps")
    kept = photo.profile, sampling, photo.dpi, exif
    suffix = _suffix_to_write(target, photo.suffix)
    try:
        return encode(output, suffix, options.quality, *kept)
    except InvalidInputError as error:
        option = "--metadata (metadata) or --format" if exif else "--format"
        raise InvalidInputError(f"{error} The option is {option} (format).") from error


def _keeps_scale(options: Options, theta: Array, photo: Array, output: Array) -> bool:
    """Whether a pixel of the output shows one of the photo, so that its resolution holds."""
    scale = shrinkage(theta, photo.shape, (output.shape[0], output.shape[1]))
    return options.size == "native" and abs(scale - 1) < ROUNDING
