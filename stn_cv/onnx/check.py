"""Whether an exported file gives what the model gives, in every engine that is installed."""

import numpy as np

from ..arrays import Array
from ..errors import StnError
from ..model.rectifier import Rectifier
from ..opencv import resize_area
from ..pose.transform import PoseTransform
from .engines import Engine, engines

__all__ = ["check"]

BATCH = 8
COARSE = 5  # cells a side of the clouds that the pictures show
HORIZON = 0.05  # of the largest w in a frame; what is less lies beside the horizon
TOLERANCES = {"theta": 1e-5, "rectified": 1e-4, "probabilities": 1e-4, "confidence": 1e-4}


def check(rectifier: Rectifier, data: bytes) -> dict[str, dict[str, float]]:
    """Run a file's bytes on pictures of clouds, alone and in a batch.

    Returns
    -------
    dict
        For each engine and output the largest difference from what `rectifier` gives: of theta
        relative to its values where they are larger than 1, of pixels in units of white.

    Raises
    ------
    StnError
        If an engine cannot run the file, or gives something else.
    """
    images = clouds(rectifier)
    wanted, differences = _answers(rectifier, images), {}
    allowed = {**TOLERANCES, "theta": TOLERANCES["theta"] * rectifier.transform.n_steps}
    for name, engine in engines().items():
        differences[name] = _differences(engine, data, images, wanted, name, allowed)
    return differences


def clouds(rectifier: Rectifier) -> Array:
    """Pictures (n, h, w, c) of the fitted spec: smooth, with some noise; always the same ones."""
    spec, rng = rectifier.image_spec, np.random.default_rng(0)
    coarse = rng.random((BATCH, COARSE, COARSE, spec.channels), np.float32)
    smooth = resize_area(coarse, (spec.height, spec.width))
    shares = 0.9 * smooth + 0.1 * rng.random(smooth.shape, np.float32)
    if spec.range == "float":
        return shares
    return np.rint(shares * spec.maximum).astype(spec.range)


def _answers(rectifier: Rectifier, images: Array) -> dict[str, Array]:
    """What the model itself says; rectified images before they are rounded."""
    poses = isinstance(rectifier.transform, PoseTransform)
    theta, certainty = rectifier.find_pose(images) if poses else (rectifier.theta(images), None)
    answers = {"theta": theta, "rectified": rectifier.rectify(_floats(images), theta=theta)}
    if rectifier.classes is not None:
        answers["probabilities"] = rectifier.predict_proba(images)
    if certainty is None and rectifier.classes is not None:
        certainty = answers["probabilities"].max(axis=1)
    if certainty is not None and np.isfinite(certainty).all():
        answers["confidence"] = certainty
    return answers


def _differences(
    engine: Engine,
    data: bytes,
    images: Array,
    wanted: dict[str, Array],
    name: str,
    allowed: dict[str, float],
) -> dict[str, float]:
    steady = before_camera(wanted["theta"])
    units = {"theta": np.maximum(np.abs(wanted["theta"]), 1), "rectified": _white(images)}
    worst = dict.fromkeys(wanted, 0.0)
    for part in (slice(0, BATCH), slice(0, 1)):
        try:
            results = engine(data, _floats(images[part]), list(wanted))
        except Exception as error:  # each engine has errors of its own
            raise StnError(f"{name} cannot run the exported model: {error}") from error
        for output, result in zip(wanted, results, strict=True):
            unit = units.get(output, 1.0)
            unit = unit[part] if isinstance(unit, np.ndarray) else unit
            difference = np.abs(result.astype(np.float64) - wanted[output][part]) / unit
            if output != "theta":
                difference = difference[steady[part]]
            worst[output] = max(worst[output], float(difference.max(initial=0.0)))
    for output, difference in worst.items():
        if not difference <= allowed[output]:
            raise StnError(
                f"{name} gives other values of {output!r} than the model: they differ by "
                f"{difference:.1e}, with {allowed[output]:.0e} allowed. Nothing was written."
            )
    return worst


def before_camera(theta: Array) -> Array:
    """Which frames (n,) lie before the camera: beside its horizon a rounding moves pixels."""
    if theta.shape[-2:] != (3, 3):
        return np.full(len(theta), True)
    tilt, own = np.abs(theta[:, 2, :2]).sum(axis=1), theta[:, 2, 2]
    return np.asarray(own - tilt > HORIZON * (np.abs(own) + tilt))


def _floats(images: Array) -> Array:
    return images.astype(np.float32)


def _white(images: Array) -> float:
    return float(np.iinfo(images.dtype).max) if images.dtype.kind == "u" else 1.0
