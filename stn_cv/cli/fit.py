"""``stn-cv fit``: a model from labelled photos, upright examples or known corners."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .config import config_options
from .options import ChoiceOf, HxW, Place, jobs_option, pose_options, usage_errors
from .streams import c_libraries_silenced

__all__ = ["fit"]

OF_BOTH = ("size", "grey", "family", "max_seconds", "seed", "jobs")
OF_CLASSES = ("localization", "head", "epochs", "validation", "groups", "keep")
OF_POSES = ("turn", "scale", "shift", "symmetry", "background", "canvases")


def _families() -> tuple[str, ...]:
    from ..families import FAMILIES

    return tuple(FAMILIES)


def _localizations() -> tuple[str, ...]:
    from ..nn.architectures import LOCALIZATIONS

    return tuple(LOCALIZATIONS)


def _heads() -> tuple[str, ...]:
    from ..nn.architectures import HEADS

    return ("auto", *HEADS)


@click.command()
@click.argument("data", required=False, type=Place(exists=True))
@click.option(
    "--upright",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="Photos in the wanted pose: instead of DATA, or beside it, to learn the pose from first.",
)
@click.option(
    "--corners",
    metavar="FILE",
    type=click.Path(exists=True),
    help="Instead of DATA, beside --upright or alone: the corrections of a review, a CSV of "
    "path,width,height,x1,y1,...,x4,y4 or path,x1,y1,...,x4,y4, or what labelme, COCO, DOTA, "
    "CVAT (for images) or Label Studio wrote, with four corners a photo.",
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Model file."
)
@click.option(
    "--size",
    type=HxW(),
    default="64x64",
    show_default=True,
    help="Size of the small copies that the model looks at; photos are letterboxed on it.",
)
@click.option("--grey", is_flag=True, help="Look at shades only; outputs keep colours.")
@click.option("--family", type=ChoiceOf(_families), default="similarity", show_default=True)
@click.option("--localization", type=ChoiceOf(_localizations), default="cnn", show_default=True)
@click.option(
    "--head",
    type=ChoiceOf(_heads),
    default="auto",
    show_default=True,
    help="What tells the classes; auto is cnn.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Times that every photo is seen; by default as many as make about 1,000 steps.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Time for the epochs, in which the training comes to its end; with DATA and --upright "
    "for each of the two trainings.",
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    help="Share of the photos by which epochs are compared, 0 for none; by default a tenth, more "
    "of fewer than 400 photos, and none of fewer than 160.",
)
@click.option(
    "--groups",
    metavar="column|near|REGEX",
    help="What keeps copies of one thing on one side of the split: the third column of the CSV, "
    "photos that look nearly the same, or what an expression matches in the path.",
)
@click.option("--keep", is_flag=True, help="Exit with 0 although the transformer learned no pose.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@jobs_option
@pose_options
@config_options
@c_libraries_silenced()
def fit(
    data: str | None, upright: str | None, corners: str | None, out: Path, **options: Any
) -> int:
    """Learn a pose from labelled photos, from upright examples or from known corners.

    DATA is a folder with a subfolder of photos for each class, or a CSV file of path,label.
    A picture of the training and a contact sheet are written beside the model. At the end it
    is said what the head is worth with the transformer, without it, behind a fixed crop and
    behind image moments, on the photos kept back; where the transformer learned no pose, the
    command exits with 1.

    With --upright or --corners and no DATA no class is known. Training pictures are drawn from the
    examples, turned, sized and shifted as --turn, --scale and --shift allow; beside the model
    and the contact sheet, a sheet shows such pictures of examples that were held out, with the
    errors on them. Corners are pixels of the upright photo, whose edges are 0 and its width or
    height: first the corner that is to become the top left, then clockwise. With --upright and
    --corners the photos of both are learned from; of a photo in both the corners hold.

    With DATA and --upright the pose is learned from the upright photos first, then the training
    on the labels goes on from it; the two folders may hold the same photos.
    """
    _check_given(data, upright, corners)
    labelled, posed = data is not None, data is None or upright is not None
    if not posed:
        _refuse(OF_POSES, "--upright or --corners")
    if not labelled:
        _refuse(OF_CLASSES, "DATA, photos with labels")
    elif posed:
        _refuse(("localization",), "DATA without --upright")
    with usage_errors():
        from .pose_training import UprightPhotos, run_poses
        from .training import run

        pose = {name: options.pop(name) for name in OF_POSES}
        both = {name: options[name] for name in OF_BOTH}
        if data is None:
            return run_poses(upright, corners, out, **pose, **both)
        photos = None
        if upright is not None:
            own = {name: both[name] for name in both if name not in ("size", "grey")}
            photos = UprightPhotos.of(upright, **pose, **own)
        return run(data, out, upright=photos, **options)


def _check_given(data: str | None, upright: str | None, corners: str | None) -> None:
    """Refuse no source, and sources that do not go together."""
    given = [source for source in (data, upright, corners) if source is not None]
    if not given:
        raise click.UsageError(
            "there is nothing to learn from; give DATA, photos with a subfolder for each class, "
            "or --upright, photos in the wanted pose, or --corners, or --upright and one of the "
            "others."
        )
    if data is not None and corners is not None:
        raise click.UsageError(
            "DATA is for a pose that labels teach, --corners for one that is known; give one of "
            "them."
        )


def _refuse(names: tuple[str, ...], goes_with: str) -> None:
    """Refuse options that would be left out in silence."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} goes with {goes_with}; leave it out.")
