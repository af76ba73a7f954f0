"""``stn-cv rectify``: folders of photos, each warped at its own resolution."""

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import click

from .config import config_options
from .exit_codes import FAILED
from .options import (
    ChoiceOf,
    HxW,
    Place,
    ShardOf,
    Sources,
    existing_model,
    jobs_option,
    nothing_matched,
    photo_options,
    printable,
    say_next,
    say_passed_over,
    sources_argument,
    usage_errors,
)
from .streams import c_libraries_silenced

__all__ = ["rectify"]


def _existing() -> tuple[str, ...]:
    from ..folder.options import Existing

    return get_args(Existing)


def _sampling() -> tuple[str, ...]:
    from ..folder.options import Sampling

    return get_args(Sampling)


def _interpolations() -> tuple[str, ...]:
    from ..folder.options import Interpolation

    return get_args(Interpolation)


def _metadata() -> tuple[str, ...]:
    from ..folder.options import Metadata

    return get_args(Metadata)


def _times() -> tuple[str, ...]:
    from ..folder.options import Times

    return get_args(Times)


def _pages() -> tuple[str, ...]:
    from ..folder.options import Pages

    return get_args(Pages)


def _formats() -> tuple[str, ...]:
    from ..opencv import FORMATS

    return tuple(format.suffix[1:] for format in FORMATS if format.is_written)


@click.command()
@existing_model
@sources_argument
@click.option(
    "-o", "--out", required=True, type=Place(file_okay=False), help="Folder for the outputs."
)
@click.option(
    "--size",
    type=HxW("native", "input"),
    default="native",
    show_default=True,
    help="native: the model's proportions, a pixel for a pixel of the photo; "
    "input: as large as the photo.",
)
@photo_options
@click.option(
    "--pages",
    type=ChoiceOf(_pages),
    default="one",
    show_default=True,
    help="all: each page of a TIFF of several is a photo, scan.tif/1.tif and so on.",
)
@click.option(
    "--existing",
    type=ChoiceOf(_existing),
    default="skip",
    show_default=True,
    help="What to do with outputs that are there; skip goes on where a run stopped.",
)
@click.option("--format", type=ChoiceOf(_formats), help="Of the outputs; otherwise as each photo.")
@click.option("--quality", type=click.IntRange(1, 100), help="Of lossy formats; of JPEG 95.")
@click.option(
    "--sampling", type=ChoiceOf(_sampling), help="Of a JPEG's colours; otherwise as the photo's."
)
@click.option(
    "--interpolation",
    type=ChoiceOf(_interpolations),
    default="bilinear",
    show_default=True,
    help="bicubic is sharper where the output is larger than what it shows.",
)
@click.option(
    "--metadata",
    type=ChoiceOf(_metadata),
    default="drop",
    show_default=True,
    help="EXIF; keep copies all but orientation and place, keep-gps the place as well.",
)
@click.option(
    "--times",
    type=ChoiceOf(_times),
    default="new",
    show_default=True,
    help="Of the output files; keep takes the photos'.",
)
@jobs_option
@click.option("--preview", type=Place(file_okay=False), help="Folder for before and after.")
@click.option("--manifest", type=Place(dir_okay=False), help="File for a line of JSON a photo.")
@click.option(
    "--contact-sheet",
    type=Place(dir_okay=False),
    help="PNG of the first photos and the least confident.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False),
    help="HTML page of the photos before and after, the worst first.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    help="Of a model of poses: photos of a lower confidence are doubtful.",
)
@click.option(
    "--doubtful",
    metavar="DIR|keep|skip",
    default="keep",
    show_default=True,
    help="Where they go, in their own pose: into DIR, among the others, or nowhere.",
)
@click.option(
    "--masks",
    type=Place(exists=True, file_okay=False),
    help="Folder of masks, named as the photos.",
)
@click.option(
    "--masks-out",
    type=Place(file_okay=False),
    help="Folder for the masks, warped as the photos, by nearest neighbour.",
)
@click.option(
    "--corrections",
    type=click.Path(exists=True),
    help="File of corners, as of review: redo just its photos, by them.",
)
@click.option(
    "--shard",
    type=ShardOf(),
    help="Of N shares of the photos do only the I-th, from 1; a run without it joins the manifest.",
)
@click.option(
    "--tar", is_flag=True, help="Of each .tar or .zip of photos write a tar, not a folder."
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Of Dask, such as tcp://host:8786: its workers, which see the same paths, do the work.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what failed.")
@click.option("-v", "--verbose", is_flag=True, help="A line a photo.")
@config_options
@c_libraries_silenced()
def rectify(model: Path, sources: Sources, out: str, jobs: int, **given: Any) -> int:
    """Bring photos into the pose that MODEL was taught.

    IN are folders and archives (.tar, .zip), which are searched with all below, and files. OUT
    mirrors them. A second run with the same options goes on where the first one stopped.
    """
    dry_run, quiet, verbose = (given.pop(name) for name in ("dry_run", "quiet", "verbose"))
    scheduler = given.pop("scheduler")
    options = {**given, "n_jobs": jobs}
    if dry_run:
        return _dry_run(model, sources, out, options)
    from ..folder import DaskExecutor, rectify_folder
    from .progress import reporter

    executor = None if scheduler is None else DaskExecutor(scheduler)
    mode = "quiet" if quiet else "verbose" if verbose else ""
    try:
        with usage_errors(), reporter(mode) as report:
            summary = rectify_folder(
                model, sources, out, executor=executor, listener=report, **options
            )
    except KeyboardInterrupt:
        click.echo("stn-cv: interrupted; the same command goes on from here.", err=True)
        raise
    done, failed = summary.done, len(summary.failures)
    say_passed_over(summary.passed_over, quiet)
    found = done or failed or summary.doubtful or summary.skipped or summary.left
    if not found and options["shard"] is None:  # a shard may have no share of few photos
        return nothing_matched(sources)
    if not quiet:
        rate = f", {done / summary.seconds:.1f} a second" if done else ""
        doubts = options["min_confidence"] is not None or summary.doubtful
        doubtful = f"{summary.doubtful} doubtful, " if doubts else ""
        click.echo(
            f"{done} rectified, {doubtful}{summary.skipped} skipped, {failed} failed in "
            f"{summary.seconds:.1f} s{rate}."
        )
        if options["manifest"] is not None and options["shard"] is None:
            say_next("review", options["manifest"])
    if summary.left:
        click.echo(
            f"stn-cv: stopped with {summary.left} photos left, since {printable(out)} takes no "
            "more; make room and run the same command again.",
            err=True,
        )
    return FAILED if failed or summary.left else 0


def _dry_run(model: Path, sources: Sources, out: str, options: dict[str, Any]) -> int:
    from ..folder import Options, make_plan
    from ..model.file import load

    load(model)
    with usage_errors():
        plan = make_plan(sources, out, Options(**options), model)
    counts: Counter[str] = Counter()
    passed_over: Counter[str] = Counter()
    for shard in plan.shards():
        passed_over.update(shard.passed_over)
        counts.update(item.work for item in shard.items)
        _say_planned(shard.items)
    say_passed_over(passed_over)
    if not counts and options["shard"] is None:
        return nothing_matched(sources)
    skipped = counts["skip"] + counts["tell"]
    click.echo(f"{counts['rectify']} to rectify, {skipped} to skip.")
    return FAILED if counts["fail"] else 0


def _say_planned(items: list[Any]) -> None:
    """A line for each photo of a shard."""
    lines = []
    for item in items:
        source, target = printable(item.source), printable(item.target)
        if item.work == "fail":
            click.echo(f"stn-cv: {source}: {item.reason}", err=True)
        else:
            lines.append(
                f"{source} -> {target}" if item.work == "rectify" else f"{source} is done: {target}"
            )
    if lines:
        click.echo("\n".join(lines))
