"""What `Rectifier.outputs` gives: everything a model says of images."""

from typing import Any

from ..arrays import Array
from ..pose.transform import PoseTransform
from .batches import as_batch
from .passes import PROBABILITIES, RECTIFIED, found
from .photos import PhotoRectifier

__all__ = ["outputs_of"]


def outputs_of(rectifier: PhotoRectifier, images: Array) -> dict[str, Any]:
    """Of one image or a batch, by the names that `stn_cv.export` gives them."""
    network, spec, transform = rectifier.network, rectifier.image_spec, rectifier.transform
    if isinstance(transform, PoseTransform):
        return _of_poses(rectifier, images)
    batch, single = as_batch(images, spec)
    count = RECTIFIED if rectifier.classes is None else PROBABILITIES
    theta, seen, *probabilities = found(network, spec, batch, rectifier.n_jobs, count)
    results = {"theta": theta, "rectified": seen if images.ndim + single == 4 else seen[..., 0]}
    if probabilities:
        results["probabilities"] = probabilities[0]
        results["confidence"] = probabilities[0].max(axis=1)
    if single:
        results = {name: values[0] for name, values in results.items()}
    # What the network warped is a copy, unless it was given what it computes in.
    own = images.dtype == network.vector.dtype and images.size == batch.size
    if not own or transform.antialias:
        results["rectified"] = rectifier.rectify(images, theta=results["theta"])
    return results


def _of_poses(rectifier: PhotoRectifier, images: Array) -> dict[str, Any]:
    theta, confidence = rectifier.find_pose(images)
    results = {"theta": theta, "rectified": rectifier.rectify(images, theta=theta)}
    if rectifier.classes is not None:
        results["probabilities"] = rectifier.predict_proba(images)
    return {**results, "confidence": confidence}
