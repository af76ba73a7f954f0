"""What became of one photo: the columns of a manifest."""

import math
from dataclasses import dataclass
from typing import Any

from .manifest import Row

__all__ = ["Result"]


@dataclass(frozen=True)
class Result:
    """What became of one photo.

    Attributes
    ----------
    input, output : str
        Paths.
    status : {"done", "doubtful", "skipped", "error"}
        Doubtful: the confidence is below `min_confidence`, and the output, if any, is the photo
        in its own pose. Skipped: the output was there already; what the manifest did not tell of
        it is told, as done or doubtful where the very bytes are there that would be written.
    error : str or None
        Why there is no output.
    theta : list of shape (2, 3), (3, 3) or (k * k, 2), or None
        The warp: output to source, normalized on the upright photo, ``align_corners=False``.
        Of a spline, how far k x k control points are displaced; a size other than native
        takes more of them than the model has. Of a doubtful photo, the pose that was found.
    angle, scale : float or None
        By how many degrees the content was turned counter-clockwise, and its size in the
        output over that in the photo; of a homography, around the output's middle; null of a
        spline, as is the shift.
    shift : [x, y] or None
        In pixels of the photo, from its centre to what lies in the output's centre.
    label, confidence : object or None
        Most probable class, and its probability; found for a manifest or contact sheet only.
        Of a model that learned poses, the confidence is the probability that the pose is right,
        as `PoseTransformer.predict_confidence` says; without classes it gives no label.
    damage : str or None
        What the decoder knows to be lost, of a damaged photo that was kept.
    milliseconds : float or None
        Time on its thread.
    input_sha256, model_sha256 : str or None
        Hashes of the photo's and of the model's file.
    note : {"corrected", "hopeless"} or None
        What `corrections` said of the photo, where they and not the model were followed: the
        frame is theirs, or there is none and the photo is in its own pose.
    """

    input: str
    output: str
    status: str
    error: str | None = None
    theta: list[list[float]] | None = None
    angle: float | None = None
    scale: float | None = None
    shift: list[float] | None = None
    label: Any = None
    confidence: float | None = None
    damage: str | None = None
    milliseconds: float | None = None
    input_sha256: str | None = None
    model_sha256: str | None = None
    note: str | None = None

    def row(self) -> Row:
        """The row of a manifest."""
        row = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.confidence is not None and not math.isfinite(self.confidence):
            row["confidence"] = None  # JSON knows no NaN
        return row
