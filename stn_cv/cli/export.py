"""``stn-cv export``: a model as an ONNX file."""

import os
from pathlib import Path

import click

from .options import existing_model, printable, usage_errors

__all__ = ["export"]


@click.command()
@existing_model
@click.argument("out", type=click.Path(path_type=Path))
def export(model: Path, out: Path) -> None:
    """Write MODEL as an ONNX file OUT, which other engines run without this library.

    It is first run here, in OpenCV and in onnxruntime if that is installed, and written only if
    it gives there what the model gives.
    """
    from ..folder.collisions import check_spared
    from ..model.file import load
    from ..onnx import export as export_model

    rectifier = load(model)
    with usage_errors():
        check_spared([model], [out])
        differences = export_model(rectifier, out)
    for engine, by_output in differences.items():
        listed = ", ".join(f"{output} {value:.0e}" for output, value in by_output.items())
        click.echo(f"{engine}: differs from the model by at most: {listed}.")
    if rectifier.classes is None:
        click.echo(
            "It gives no probabilities: the model learned poses without classes, or with a "
            "scikit-learn classifier, which is not saved with it."
        )
    click.echo(f"Wrote {printable(str(out))}, {os.path.getsize(out):,} bytes.")
