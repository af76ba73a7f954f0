"""The report of a run: which photos it shows, and how they look before and after."""

import base64
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array
from ..atomic import check_file_name, write_bytes
from ..errors import StnError
from ..geometry import check_any_theta, outline
from ..opencv import decode_photo, encode, quiet_and_serial
from ..report import Card, histograms, report_page
from ..threads import run_stream
from .files import read_photo_file
from .manifest_index import STATUSES, ManifestIndex
from .options import Options
from .preview import shown

__all__ = ["card_of", "reported", "write_report"]

MOST = 2000  # photos on a page
PARTS = ("least confident", "most turned")  # each a quarter, as are failures; the rest is random
SIDE = 144  # pixels of a thumbnail's longer side
QUALITIES = (75, 50, 30, 15)  # of which the first is taken whose file is small enough
LARGEST_THUMBNAIL = 5_400  # bytes: 2,000 pairs stay below 30 MB, as text
FAR = 3.0  # half sides of the photo; frames are not drawn beyond


@contextmanager
def reported(options: Options) -> Iterator[Options]:
    """Options of a run at whose end its report is written, if one is asked for."""
    if options.report is None:
        yield options
        return
    check_file_name(options.report)
    if options.manifest is not None:
        yield options
        write_report(options.manifest, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        manifest = os.path.join(folder, "manifest.jsonl")
        yield replace(options, manifest=manifest)
        write_report(manifest, options)


def write_report(manifest: str | os.PathLike[str], options: Options) -> None:
    """Write the page of `options.report` about all photos of a manifest; nothing of none."""
    if options.report is None or not os.path.exists(manifest) or not os.path.getsize(manifest):
        return
    index = ManifestIndex(manifest)
    numbers, why = chosen(index)
    with quiet_and_serial():

        def card(number: int) -> Card:
            row = index.row(number)
            before, after = (_thumbnail(row, key, options) for key in ("input", "output"))
            return replace(card_of(row), why=why[number], before=before, after=after)

        cards = list(run_stream(card, numbers.tolist(), options.n_jobs))
    title = f"Rectified photos: {os.path.basename(os.fspath(options.report))}"
    drawings = histograms(index.angle, index.scale, index.confidence)
    page = report_page(title, in_words(index, len(cards)), drawings, index.labels, cards)
    write_bytes(options.report, page)


def in_words(index: ManifestIndex, n_shown: int) -> str:
    """How many photos became what, and how many of them are not shown."""
    counts = np.bincount(index.status, minlength=len(STATUSES)).tolist()
    names = dict(zip(STATUSES, counts, strict=True))
    words = (
        f"{len(index):,} photo{'s' * (len(index) != 1)}: {names['done']:,} rectified, "
        f"{names['doubtful']:,} doubtful, {names['error']:,} failed"
    )
    if names["skipped"]:
        words += f", {names['skipped']:,} skipped, of which no row tells more"
    if n_shown < len(index):
        words += (
            f". {n_shown:,} are shown: failures, the least confident, the most turned, and others "
            f"at random; {len(index) - n_shown:,} are left out, but counted in the drawings"
        )
    return words + "." + _second_round(index)


def _second_round(index: ManifestIndex) -> str:
    """What another model has changed on the photos that nobody corrected."""
    both = ~index.corrected & np.isfinite(index.earlier) & np.isfinite(index.confidence)
    if not both.any():
        return ""
    before, now = (float(np.median(values[both])) for values in (index.earlier, index.confidence))
    return (
        f" Of {int(both.sum()):,} photos not corrected, which another model looked at before, the "
        f"median confidence was {before:.2f} and is {now:.2f}."
    )


def chosen(index: ManifestIndex, most: int = MOST) -> tuple[Array, dict[int, str]]:
    """Numbers of the photos to show, the worst first, and why each was chosen."""
    order = index.worst_first()
    if len(order) <= most:
        return order, dict.fromkeys(order.tolist(), "")
    part = most // (len(PARTS) + 2)
    why = {number: "failure" for number in order[index.status[order] == 0][:part].tolist()}
    for name, values in zip(PARTS, (index.confidence, -np.abs(index.angle)), strict=True):
        known = np.setdiff1d(np.flatnonzero(np.isfinite(values)), list(why))
        first = known[np.argsort(values[known], kind="stable")][:part]
        why |= dict.fromkeys(first.tolist(), name)
    rest = np.setdiff1d(order, list(why))
    some = np.random.default_rng(0).choice(rest, most - len(why), replace=False)
    why |= dict.fromkeys(some.tolist(), "at random")
    return order[np.isin(order, list(why))], why


def card_of(row: dict[str, Any]) -> Card:
    """A card of a manifest's row, without pictures."""
    names = ("label", "confidence", "angle", "scale", "note", "error")
    facts = {name: row.get(name) for name in names}
    if facts["label"] is not None:
        facts["label"] = str(facts["label"])
    theta = row.get("theta")
    points: list[list[float]] = []
    if theta is not None:
        points = outline(check_any_theta(theta)).clip(-FAR, FAR).round(4).tolist()
    return Card(row["input"], row["status"], facts, points)


def _thumbnail(row: dict[str, Any], key: str, options: Options) -> str:
    """An address that holds the picture itself; empty where there is none to be read."""
    if row["status"] == "error":
        return ""
    try:
        data = read_photo_file(row[key], options.max_pixels, options.first_page)
        photo = decode_photo(data, options.max_pixels, options.first_page, True)
        return _address(shown(photo.pixels, SIDE))
    except (StnError, OSError):
        return ""


def _address(small: Array) -> str:
    files = (encode(small, ".jpg", quality) for quality in QUALITIES)
    data = next((file for file in files if len(file) <= LARGEST_THUMBNAIL), b"")
    data = data or encode(small, ".jpg", QUALITIES[-1])
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
