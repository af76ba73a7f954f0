"""``stn-cv review``: look at a run's photos in a browser, and correct their frames."""

import os
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import click

from .options import (
    MODEL_SUFFIXES,
    jobs_option,
    nothing_matched,
    printable,
    say_next,
    say_passed_over,
    usage_errors,
)
from .streams import c_libraries_silenced

__all__ = ["review"]


@click.command()
@click.argument("source", metavar="MANIFEST|MODEL", type=click.Path(exists=True, dir_okay=False))
@click.argument("photos", metavar="[IN]...", nargs=-1, type=click.Path(exists=True))
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False),
    help="With MODEL: folder for the outputs; otherwise named as IN, and -upright.",
)
@click.option(
    "--corrections",
    type=click.Path(dir_okay=False),
    help="CSV; otherwise corrections.csv beside the manifest.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes one that is free.")
@click.option("--browser/--no-browser", default=True, help="Open the page.")
@jobs_option
@c_libraries_silenced()
def review(
    source: str,
    photos: tuple[str, ...],
    out: str | None,
    corrections: str | None,
    port: int,
    browser: bool,
    jobs: int,
) -> int:
    """Look at photos in a browser, the worst first, and put right what is wrong.

    MANIFEST is what `rectify --manifest` wrote; with MODEL, the photos of IN are rectified
    first, and the manifest is named as their folder. Each change is saved at once, in a file
    for `rectify --corrections` and `fit --corners`. The page is served on this machine only,
    until Ctrl-C.
    """
    from ..opencv import quiet_and_serial
    from ..review import ReviewServer, ReviewSession
    from ..review.corrections import only_review

    with usage_errors():
        manifest = source
        if photos:
            manifest = _run_first(source, photos, out, jobs)
            if not os.path.exists(manifest):
                return nothing_matched(photos)
        elif out is not None:
            raise click.UsageError("--out goes with MODEL and IN; leave it out.")
        elif source.endswith(MODEL_SUFFIXES):
            raise click.UsageError("a MODEL goes with IN, its photos; a MANIFEST goes alone.")
        with only_review(manifest), quiet_and_serial():
            session = ReviewSession(manifest, corrections)
            with ReviewServer(session, port) as server:
                click.echo(f"Corrections go to {printable(session.corrections.path)}.")
                click.echo(f"Review at {server.address}\nCtrl-C ends it.")
                _serve(server, browser)
            if session.corrections.rows:
                _say_next(source if photos else "MODEL", photos, out, manifest, session)
    return 0


def _say_next(
    model: str, photos: tuple[str, ...], out: str | None, manifest: str, session: Any
) -> None:
    """The run that redoes what was corrected."""
    target = out or (manifest.removesuffix(".jsonl") if photos else "OUT")
    options = ["-o", target, "--manifest", manifest, "--corrections", session.corrections.path]
    say_next("rectify", model, *(photos or ("DIR",)), *options)


def _serve(server: Any, browser: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if browser:
            _open(server.address, folder)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nEnded; all changes are saved.", err=True)


def _open(address: str, folder: str) -> None:
    """Open the page by way of a file of the user's own: all may see a command's arguments."""
    page = Path(folder) / "review.html"
    page.write_text(f'<meta http-equiv="refresh" content="0; url={address}">')
    webbrowser.open(page.as_uri())


def _run_first(model: str, photos: tuple[str, ...], out: str | None, jobs: int) -> str:
    """Rectify, and the name of the manifest, which is not there if there were no photos."""
    from ..folder import rectify_folder
    from .progress import reporter

    target = out if out is not None else os.path.normpath(photos[0]) + "-upright"
    manifest = target.rstrip(os.sep) + ".jsonl"
    with reporter("") as report:
        summary = rectify_folder(
            model, photos, target, manifest=manifest, n_jobs=jobs, listener=report
        )
    say_passed_over(summary.passed_over)
    click.echo(
        f"{summary.done} rectified, {summary.skipped} skipped, {len(summary.failures)} failed; "
        f"manifest {printable(manifest)}."
    )
    return manifest
