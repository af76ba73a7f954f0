"""From examples to a fitted `PoseTransform`: its looks trained one after another, calibrated."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..geometry import corner_error
from ..nn.dense import Dense
from ..nn.layout import activations_of
from ..nn.network import Network
from ..nn.settings import Settings
from ..nn.training import Epoch, History, Trainer, train
from ..threads import pinned_blas, run_slices
from .canvases import Canvases
from .confidence import LARGEST_ERROR, calibrated
from .corner_loss import corner_loss
from .encodings import Correction, Encoding, Frames
from .objective import CANVAS, Draw, DrawnCanvases, KnownPoses, drawn_canvases
from .transform import PoseTransform, encoding_of

__all__ = [
    "LookListener",
    "TrainingPlan",
    "calibrate",
    "held_out",
    "pose_errors",
    "pose_network",
    "train_looks",
]

CALIBRATION = 2048  # canvases of held-out examples
CALIBRATION_EPOCH = 2**32 - 2  # stands for the epoch in the key of their random numbers
SECOND_SEED = 1000  # added for the correcting look
LookListener = Callable[[Epoch, list[Network]], bool | None]
CORRECTING_RATE = 0.5  # largest learning rate of the correcting look, relative


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained, and for how long.

    Parameters
    ----------
    transform : PoseTransform
        The layer as it is to become, but for its confidence.
    canvases : Canvases
        What the looks learn from.
    first, correcting : int
        Epochs of each look.
    n_canvases : int
        Canvases an epoch.
    """

    transform: PoseTransform
    canvases: Canvases
    first: int
    correcting: int
    n_canvases: int

    @property
    def n_epochs(self) -> int:
        """Of all looks together."""
        return self.first + (self.correcting if self.transform.n_steps > 1 else 0)

    def stages(self, settings: Settings) -> list[tuple[Encoding, Draw, Settings]]:
        """Of each look: what its outputs mean, what it sees, and how it is trained."""
        transform, canvases = self.transform, self.canvases
        poses = canvases.poses
        frames = Frames(poses.family, poses.shape, transform.output_shape or poses.shape)
        first = encoding_of(frames, transform.bins, transform.symmetry)
        stages: list[tuple[Encoding, Draw, Settings]]
        stages = [(first, canvases.draw, replace(settings, max_iter=self.first))]
        if transform.n_steps == 1:
            return stages
        near = poses.near(canvases.symmetry)
        later = replace(
            settings,
            seed=settings.seed + SECOND_SEED,
            max_iter=self.correcting,
            learning_rate_init=CORRECTING_RATE * settings.learning_rate_init,
        )
        draw_near: Draw = lambda rng, n: canvases.draw_near(rng, n, near)  # noqa: E731
        return [*stages, (Correction(frames), draw_near, later)]


def train_looks(
    plan: TrainingPlan, settings: Settings, listener: LookListener
) -> tuple[list[Network], History]:
    """The networks of the looks, trained; of the first alone if Ctrl-C came while it was.

    The listener is told of the epochs of both looks as of one training, and of the networks so
    far.
    """
    networks: list[Network] = []
    history = History()
    channels = plan.canvases.examples.images.shape[3]
    shape = (channels, *plan.canvases.poses.shape)
    stages = plan.stages(settings)
    for (encoding, draw, own), layers in zip(stages, plan.transform.looks, strict=True):
        last = Dense(encoding.n_outputs, "zeros")
        network = Network([*layers, last], shape, np.random.default_rng(own.seed))
        networks.append(network)
        before = len(history.losses)

        def listen(epoch: Epoch, before: int = before) -> bool | None:
            told = replace(epoch, number=before + epoch.number, of=plan.n_epochs)
            return listener(told, networks)

        objective = KnownPoses(draw, encoding, plan.n_canvases)
        later = train(Trainer(network, own, objective), listen)
        history.losses += later.losses
        history.best_epoch = before + later.best_epoch
        history.interrupted, history.stopped = later.interrupted, later.stopped
        if later.interrupted or later.stopped:
            break
    return networks, history


def pose_network(
    transform: PoseTransform, networks: list[Network], input_shape: tuple[int, ...]
) -> Network:
    """A network of one layer, the transform, with the weights of its looks.

    Where the correcting look is missing the transform is left with its first.
    """
    if len(networks) < len(transform.looks):
        transform = replace(transform, looks=transform.looks[:1], n_steps=1, candidates=1)
    whole = Network([transform], input_shape)
    whole.bind(np.concatenate([network.vector for network in networks]))
    return whole


def held_out(canvases: Canvases, settings: Settings) -> DrawnCanvases:
    """Canvases, of examples that were not trained on, by which a pose network is judged."""
    key = (settings.seed, CANVAS, CALIBRATION_EPOCH)
    return drawn_canvases(canvases.draw, CALIBRATION, key, settings.n_jobs)


def calibrate(network: Network, drawn: DrawnCanvases, symmetry: int, n_jobs: int | None) -> Network:
    """The network with its confidence fitted to canvases that were not trained on."""
    transform = network.layers[0]
    assert isinstance(transform, PoseTransform)

    def run(part: slice) -> tuple[Array, Array]:
        return transform.signed_poses(activations_of(drawn.images[part]))

    with pinned_blas():
        results = run_slices(run, network.slices(len(drawn.images)), n_jobs)
    parameters, signs = (np.concatenate(column) for column in zip(*results, strict=True))
    theta, _ = transform.composed_family().theta(parameters, transform.frames.source)
    errors = pose_errors(theta, drawn.theta, transform.shape, symmetry)
    fitted = replace(transform, confidence=calibrated(signs, errors < LARGEST_ERROR))
    whole = Network([fitted], network.input_shape)
    whole.bind(network.vector)
    return whole


def pose_errors(theta: Array, target: Array, output_shape: tuple[int, int], symmetry: int) -> Array:
    """The corner error of each pose; of a spline that of its control points."""
    if theta.shape[-1] == 2:
        return corner_loss(theta, target, output_shape)[0]
    return np.asarray(corner_error(theta, target, output_shape, symmetry=symmetry))
