"""From examples to a `PoseTransform`: its looks trained one after another."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Array
from ..nn.dense import Dense
from ..nn.network import Network
from ..nn.settings import Settings
from ..nn.training import Epoch, History, Trainer, train
from .canvases import Canvases
from .decoys import Decoys
from .encodings import Correction, Encoding, Frames
from .objective import Draw, KnownPoses
from .transform import PoseTransform, encoding_of

__all__ = [
    "LookListener",
    "TrainingPlan",
    "look_network",
    "pose_network",
    "train_looks",
]

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

    def stages(
        self, settings: Settings, networks: list[Network]
    ) -> list[tuple[Encoding, Draw, Settings]]:
        """Of each look: what its outputs mean, what it sees, and how it is trained.

        What the correcting look sees depends on the first of `networks`, the first look, which
        is to be there by then.
        """
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

        def draw_near(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
            decoys = None
            if transform.candidates > 1:
                decoys = Decoys(
                    networks[0], first, frames, transform.symmetry, transform.candidates
                )
            return canvases.draw_near(rng, n, near, decoys)

        return [*stages, (Correction(frames), draw_near, later)]


def look_network(
    plan: TrainingPlan, number: int, encoding: Encoding, settings: Settings
) -> Network:
    """The network of a look of the plan, untrained."""
    shape = (plan.canvases.examples.images.shape[3], *plan.canvases.poses.shape)
    layers = [*plan.transform.looks[number], Dense(encoding.n_outputs, "zeros")]
    return Network(layers, shape, np.random.default_rng(settings.seed))


def train_looks(
    plan: TrainingPlan, settings: Settings, listener: LookListener
) -> tuple[list[Network], History]:
    """The networks of the looks, trained; of the first alone if Ctrl-C came while it was.

    The listener is told of the epochs of both looks as of one training, and of the networks so
    far.
    """
    networks: list[Network] = []
    history = History()
    for encoding, draw, own in plan.stages(settings, networks):
        network = look_network(plan, len(networks), encoding, own)
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
