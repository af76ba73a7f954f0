"""``stn-cv info``: what a model is."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from .options import existing_model, printable, say_next

__all__ = ["info"]


@click.command()
@existing_model
def info(model: Path) -> None:
    """Say what MODEL was fitted on, what it corrects, and what it is made of."""
    from ..model.file import load
    from ..pose.transform import PoseTransform

    rectifier = load(model)
    spec, transform, network = rectifier.image_spec, rectifier.transform, rectifier.network
    height, width = rectifier.output_shape
    outside = transform.padding_mode
    if outside == "zeros":
        outside = f"{transform.fill_value * spec.maximum:g}"
    classes = "not part of the file: trained with a scikit-learn classifier"
    if isinstance(transform, PoseTransform):
        classes = "none: it was fitted to poses"
    if rectifier.classes is not None:
        classes = ", ".join(map(str, rectifier.classes.tolist()))
    facts = {
        "file": f"{model}, {os.path.getsize(model):,} bytes",
        "fitted on": str(spec),
        "corrects": transform.family,
        "looks": f"{transform.n_steps} time{'s' if transform.n_steps > 1 else ''}",
        "gives": f"{height}x{width} pixels, unless another size is asked for",
        "outside": outside,
        "antialias": "yes" if transform.antialias else "no",
        "classes": classes,
        "weights": f"{network.vector.size:,} of {network.vector.dtype}",
        "localization": "; ".join(map(_names, transform.localizations)),
        "head": _names(network.layers[1:]),
    }
    for name, fact in facts.items():
        click.echo(f"{name:13} {printable(fact)}")
    say_next("rectify", str(model), "DIR", "-o", "upright", "--report", "upright.html")


def _names(layers: Sequence[object]) -> str:
    return " ".join(type(layer).__name__ for layer in layers)
