"""The confidence of a trained pose network, told by canvases of examples not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..geometry import corner_error
from ..nn.layout import activations_of
from ..nn.network import Network
from ..nn.settings import Settings
from ..threads import pinned_blas, run_slices
from .canvases import Canvases
from .confidence import LARGEST_ERROR, calibrated, logits, offset, shifted
from .corner_loss import corner_loss
from .objective import CANVAS, drawn_canvases
from .training import LookListener, TrainingPlan, pose_network, train_looks
from .transform import PoseTransform

__all__ = ["Half", "halves_confidence", "held_out_confidence", "pose_errors", "with_confidence"]

CALIBRATION = 2048  # canvases by which a network is judged
OWN, OTHER = 2**32 - 2, 2**32 - 4  # stand for the epoch in the key of their random numbers
HALF_SEED = 2000  # added for each network that is trained on a half
# Of the gap that halves leave: it falls with the number of examples, and grows with training,
# of which halves have less. Where this was tried, 0.3 to 1.7, on average 0.8 of it was left.
GAP_OF_ALL = 0.75


@dataclass(frozen=True)
class Half:
    """A part of the examples to train on, and canvases of it and of the rest."""

    plan: TrainingPlan
    own: Canvases
    other: Canvases


def with_confidence(network: Network, confidence: list[float]) -> Network:
    """A network whose first layer finds poses, with what was fitted."""
    first = replace(_transform(network), confidence=confidence)
    whole = Network([first, *network.layers[1:]], network.input_shape)
    whole.bind(network.vector)
    return whole


def held_out_confidence(network: Network, canvases: Canvases, settings: Settings) -> list[float]:
    """Fitted to canvases of examples that were held out: enough of them to speak for others."""
    return calibrated(*_judged(network, canvases, settings, OWN))


def halves_confidence(
    network: Network,
    own: Canvases,
    halves: Sequence[Half],
    settings: Settings,
    listener: LookListener,
) -> list[float]:
    """Fitted to canvases of the examples trained on, less what such canvases say too much.

    How much that is, is measured in two more networks, each trained on half of the examples:
    the gap, in logits, between canvases of its own half and of the other one.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ended one of the trainings.
    """
    told, right = [], []
    for number, half in enumerate(halves, 1):
        later = replace(settings, seed=settings.seed + HALF_SEED * number)
        networks, history = train_looks(half.plan, later, listener)
        if history.interrupted:
            raise KeyboardInterrupt
        twin = pose_network(half.plan.transform, networks, network.input_shape)
        fitted = calibrated(*_judged(twin, half.own, later, OWN))
        signs, was_right = _judged(twin, half.other, later, OTHER)
        told.append(logits(signs, fitted))
        right.append(was_right)
    gap = offset(np.concatenate(told), np.concatenate(right))
    fitted = calibrated(*_judged(network, own, settings, OWN))
    return shifted(fitted, GAP_OF_ALL * gap)


def _judged(
    network: Network, canvases: Canvases, settings: Settings, epoch: int
) -> tuple[Array, Array]:
    """The signs (n, s) of a network's poses on canvases, and whether each is right, (n,)."""
    transform = _transform(network)
    drawn = drawn_canvases(
        canvases.draw, CALIBRATION, (settings.seed, CANVAS, epoch), settings.n_jobs
    )

    def run(part: slice) -> tuple[Array, Array]:
        return transform.signed_poses(activations_of(drawn.images[part]))

    with pinned_blas():
        results = run_slices(run, network.slices(len(drawn.images)), settings.n_jobs)
    parameters, signs = (np.concatenate(column) for column in zip(*results, strict=True))
    theta, _ = transform.composed_family().theta(parameters, transform.frames.source)
    errors = pose_errors(theta, drawn.theta, transform.shape, canvases.symmetry)
    return signs, errors < LARGEST_ERROR


def pose_errors(theta: Array, target: Array, output_shape: tuple[int, int], symmetry: int) -> Array:
    """The corner error of each pose; of a spline that of its control points."""
    if theta.shape[-1] == 2:
        return corner_loss(theta, target, output_shape)[0]
    return np.asarray(corner_error(theta, target, output_shape, symmetry=symmetry))


def _transform(network: Network) -> PoseTransform:
    transform = network.layers[0]
    assert isinstance(transform, PoseTransform)
    return transform
